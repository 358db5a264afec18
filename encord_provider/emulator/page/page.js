"use strict";

const REFRESH_MS = 1000;
const PAGE_SIZE = 60;
const byId = (id) => document.getElementById(id);
const shown = { view: "gallery", folder: null, search: "", limit: PAGE_SIZE, one: null };
const lastDrawn = {};
let cards = new Map();

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") element.addEventListener("click", value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

async function fetchJson(path, options) {
  const answer = await fetch("_emulator/" + path, options);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

// Draws only what changed, so that pictures do not flicker and selections stay.
function redraw(name, data, draw) {
  const text = JSON.stringify(data);
  if (lastDrawn[name] === text) return;
  lastDrawn[name] = text;
  draw(data);
}

function sizeText(bytes) {
  if (bytes === null) return null;
  const units = ["B", "kB", "MB", "GB"];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) { bytes /= 1000; unit += 1; }
  return `${unit ? bytes.toFixed(1) : bytes} ${units[unit]}`;
}

function valueText(value) {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function picture(uuid, label) {
  const image = make("img", { src: `_emulator/items/${uuid}/content`, alt: label, loading: "lazy" });
  image.addEventListener("error", () => image.replaceWith(make("span", { class: "sign" }, label)));
  return image;
}

function thumbnail(item) {
  const framed = ["imageGroup", "imageSequence"].includes(item.type);
  if (item.isImage) return make("div", { class: "thumb" }, picture(item.uuid, "image"));
  if (framed && item.children.length > 1) {
    return make("div", { class: "thumb several" }, ...item.children.map((child) => picture(child, "")));
  }
  if (framed && item.children.length) return make("div", { class: "thumb" }, picture(item.children[0], item.type));
  return make("div", { class: "thumb" }, make("span", { class: "sign" }, item.type));
}

function card(item) {
  const metadata = Object.entries(JSON.parse(item.metadata));
  const chips = metadata.slice(0, 6).map(([key, value]) => make("span", { class: "chip" }, `${key}: ${valueText(value)}`));
  const count = item.childCount ? ` · ${item.childCount} files` : "";
  return make(
    "button", { class: item.tombstone ? "card tombstone" : "card", title: item.url, onclick: () => showDetail(item) },
    thumbnail(item),
    make("div", { class: "body" },
      make("div", { class: "name" }, item.name.split("/").pop()),
      make("div", { class: "type" }, item.type + count + (item.tombstone ? " · tombstone" : "")),
      make("div", { class: "chips" }, ...chips)));
}

async function showDetail(item) {
  const children = item.childCount ? await fetchJson(`items/${item.uuid}/children`) : [];
  const facts = { Name: item.name, Type: item.type, UUID: item.uuid, URL: item.url, MIME: item.mimeType, Size: sizeText(item.fileSize), Created: item.createdAt };
  const list = make("dl");
  for (const [name, value] of Object.entries(facts)) {
    if (value !== null) list.append(make("dt", {}, name), make("dd", {}, value));
  }
  byId("detail-body").replaceChildren(
    ...(item.isImage ? [picture(item.uuid, "no picture")] : []),
    list,
    make("h3", {}, "Custom metadata"),
    make("pre", {}, JSON.stringify(JSON.parse(item.metadata), null, 2)),
    ...(children.length ? [make("h3", {}, "Files"), make("ul", {}, ...children.map((child) => make("li", {}, child.url || child.name)))] : []));
  byId("detail").showModal();
}

function drawFolders(folders) {
  const select = byId("folder");
  if (!folders.some((folder) => folder.uuid === shown.folder)) {
    const filled = folders.find((folder) => folder.items > 0) || folders[0];
    shown.folder = filled ? filled.uuid : null;
  }
  select.replaceChildren(...folders.map((folder) => make("option", { value: folder.uuid }, `${folder.path} (${folder.items})`)));
  select.value = shown.folder;
}

async function refreshGallery() {
  const folders = (await fetchJson("folders")).sort((a, b) => (a.path < b.path ? -1 : 1));
  redraw("folders", folders, drawFolders);
  const folder = folders.find((candidate) => candidate.uuid === shown.folder);
  const sync = folder && folder.remoteUrl ? `, synced with ${folder.remoteUrl}` : "";
  if (!folder) {
    byId("folder-info").textContent = "No folders yet.";
    byId("items").replaceChildren();
    byId("more").hidden = true;
    return;
  }
  const query = new URLSearchParams({ size: Math.min(shown.limit, 1000), search: shown.search });
  const page = await fetchJson(`folders/${folder.uuid}/items?${query}`);
  const found = shown.search ? `${page.items.length}${page.next === null ? "" : "+"} of ` : "";
  byId("folder-info").textContent = `${found}${folder.items} items${sync}`;
  byId("more").hidden = page.next === null || shown.limit >= 1000;
  redraw("items", page.items, drawItems);
}

// Cards of items that did not change stay in place, so that pictures are not loaded again.
function drawItems(items) {
  const before = cards;
  cards = new Map();
  for (const item of items) {
    const text = JSON.stringify(item);
    const known = before.get(item.uuid);
    cards.set(item.uuid, known && known.text === text ? known : { text, element: card(item) });
  }
  byId("items").replaceChildren(...[...cards.values()].map((entry) => entry.element));
}

function drawJob(job) {
  const part = (count, name) => {
    const bar = make("i", { class: name });
    bar.style.width = `${job.total ? (100 * count) / job.total : 0}%`;
    return bar;
  };
  const counts = `${job.unitsDoneCount} done, ${job.unitsErrorCount} failed, ${job.unitsPendingCount} pending, ${job.unitsCancelledCount} cancelled of ${job.total}`;
  const errors = job.unitErrors.map((error) => make("li", {}, `${error.objectUrls.join(", ")}: ${error.error}`));
  return make("article", { class: "job" },
    make("h2", {}, `${job.folderPath} `, make("span", { class: `status ${job.status}` }, job.stuck ? "STUCK" : job.status)),
    make("div", { class: "progress", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": job.total, "aria-valuenow": job.total - job.unitsPendingCount },
      part(job.unitsDoneCount, "done"), part(job.unitsErrorCount, "error"), part(job.unitsCancelledCount, "cancelled")),
    make("p", { class: "quiet" }, counts, job.fileName ? ` · ${job.fileName}` : "", ` · ${new Date(job.createdAt * 1000).toLocaleTimeString()}`),
    errors.length ? make("details", {}, make("summary", {}, `${job.unitsErrorCount} failed units`), make("ul", {}, ...errors)) : null,
    job.status === "PENDING" ? make("button", { onclick: () => fetchJson(`jobs/${job.uuid}/cancel`, { method: "POST" }) }, "Cancel") : null);
}

async function refreshJobs() {
  const jobs = await fetchJson(shown.one ? "jobs" : "jobs?limit=100");
  const wanted = (shown.one || "").split(",");
  const chosen = shown.one ? jobs.filter((job) => wanted.includes(job.uuid)) : jobs;
  redraw("jobs", [shown.one, chosen], () => {
    const none = shown.one ? "The emulator does not know these upload jobs." : "No upload jobs yet.";
    const all = shown.one ? [make("p", {}, make("button", { onclick: () => show("jobs") }, "Show all jobs"))] : [];
    byId("job-list").replaceChildren(...all, ...(chosen.length ? chosen.map(drawJob) : [make("p", { class: "quiet" }, none)]));
  });
}

async function refreshCuration() {
  redraw("curation", [shown.one, await fetchJson("curation")], ([, entries]) => {
    const rows = entries.map((entry) => make("tr", { title: entry.uuid, class: entry.uuid === shown.one ? "chosen" : null },
      make("td", {}, entry.kind), make("td", {}, entry.name),
      make("td", {}, entry.of), make("td", {}, String(entry.size))));
    byId("curation-rows").replaceChildren(...(rows.length ? rows : [make("tr", {}, make("td", { colspan: 4 }, "No datasets, collections or projects yet."))]));
  });
}

function schemaDetails(entry) {
  if (entry.ty === "enum") return entry.values.join(", ");
  if (entry.ty === "embedding") return `size ${entry.size}`;
  if (entry.ty === "tombstone") return entry.deleted_ty ? "deleted, can be restored" : "deleted for good";
  return entry.hint || "";
}

async function refreshSchema() {
  redraw("schema", (await fetchJson("schema")) || {}, (schema) => {
    const rows = Object.entries(schema).map(([key, entry]) =>
      make("tr", {}, make("td", {}, key), make("td", {}, entry.ty), make("td", {}, schemaDetails(entry))));
    byId("schema-rows").replaceChildren(...(rows.length ? rows : [make("tr", {}, make("td", { colspan: 3 }, "No metadata schema yet."))]));
  });
}

async function refreshRequests() {
  redraw("requests", (await fetchJson("requests?limit=200")).reverse(), (entries) => {
    byId("request-rows").replaceChildren(...entries.map((entry) => {
      const failed = entry.status === null || entry.status >= 400;
      return make("tr", {},
        make("td", {}, new Date(entry.at * 1000).toLocaleTimeString()),
        make("td", {}, entry.route),
        make("td", { class: "target" }, `${entry.method} ${entry.target}`),
        make("td", { class: failed ? "fail" : null }, entry.status === null ? "—" : String(entry.status)),
        make("td", {}, entry.milliseconds.toFixed(1)),
        make("td", {}, entry.fault || ""));
    }));
  });
}

function drawFaults(faults) {
  const rows = faults.map((fault) => make("tr", {},
    make("td", {}, fault.kind === "status" ? `status ${fault.status}` : fault.kind),
    make("td", {}, `${fault.method} ${fault.route} ${fault.path}`),
    make("td", {}, `${fault.struck}${fault.count === null ? "" : ` of ${fault.count}`}`),
    make("td", {}, make("button", { onclick: () => fetchJson(`faults/${fault.id}`, { method: "DELETE" }) }, "Remove"))));
  byId("fault-rows").replaceChildren(...(rows.length ? rows : [make("tr", {}, make("td", { colspan: 4 }, "No faults in force."))]));
}

const refreshers = { gallery: refreshGallery, jobs: refreshJobs, curation: refreshCuration, schema: refreshSchema, requests: refreshRequests, faults: async () => {} };

async function refresh() {
  try {
    const state = await fetchJson("state");
    const { folders, items, jobs, pendingJobs } = state.counts;
    const speed = state.clockSpeed === 1 ? "" : ` · clock ×${state.clockSpeed}`;
    byId("summary").textContent = `${folders} folders · ${items} items · ${jobs} jobs (${pendingJobs} running)${speed}`;
    redraw("faults", state.faults, drawFaults);
    await refreshers[shown.view]();
  } catch (error) {
    byId("summary").textContent = `Not connected (${error.message})`;
  }
}

async function keepRefreshing() {
  for (;;) {
    if (!document.hidden) await refresh();
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  }
}

// Each folder, job and dataset has an address: #gallery/<folder>, #jobs/<job>,<job>, #curation/<dataset or project>.
function show(view, one = null) {
  shown.view = view;
  shown.one = one;
  if (view === "gallery" && one) Object.assign(shown, { folder: one, limit: PAGE_SIZE });
  for (const button of document.querySelectorAll("nav button")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
    byId(button.dataset.view).hidden = button.dataset.view !== view;
  }
  history.replaceState(null, "", `#${view}${one ? `/${one}` : ""}`);
  refresh();
}

function showAddress() {
  const [view, one] = location.hash.slice(1).split("/");
  if (refreshers[view]) show(view, one || null);
}

for (const button of document.querySelectorAll("nav button")) button.addEventListener("click", () => show(button.dataset.view));
byId("folder").addEventListener("change", (event) => show("gallery", event.target.value));
byId("search").addEventListener("input", (event) => { shown.search = event.target.value; refresh(); });
byId("more").addEventListener("click", () => { shown.limit += PAGE_SIZE; refresh(); });
byId("reset").addEventListener("click", () => {
  if (confirm("Drop all folders, items, jobs, faults and the schema?")) fetchJson("reset", { method: "POST" }).then(refresh);
});
window.addEventListener("hashchange", showAddress);
showAddress();
keepRefreshing();
