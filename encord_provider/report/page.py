"""The report of a run as one HTML page that needs nothing else: no other file, no network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from encord_provider.report.section import ReportTable, Section, TaskReport

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --bad: #c0392b; --good: #1e8449; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.15rem; margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
.success { color: var(--good); } .failed { color: var(--bad); } .quiet { opacity: .7; }
.counts { display: flex; flex-wrap: wrap; gap: .75rem; padding: 0; list-style: none; }
.counts li { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem 1rem; }
.counts b { display: block; font-size: 1.3rem; }
.scroll { overflow-x: auto; max-height: 32rem; overflow-y: auto; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .25rem .75rem .25rem 0;
border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border-left: 3px solid var(--bad); padding-left: .75rem; }
figure { margin: 1rem 0; } figure p { display: flex; justify-content: space-between; margin: 0; }
svg { width: 100%; height: 8rem; border: 1px solid var(--line); border-width: 0 0 1px 1px; }
polyline { fill: none; stroke: var(--good); stroke-width: 2; vector-effect: non-scaling-stroke; }
input { font: inherit; padding: .2rem .5rem; width: min(24rem, 100%); }
"""

_WIDTH, _HEIGHT = 600, 120

_SCRIPT = """
for (const input of document.querySelectorAll("input[type=search]")) {
  const rows = [...input.closest("section").querySelectorAll("tbody tr")];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    rows.forEach((row, index) => { row.hidden = !texts[index].includes(wanted); });
  });
}
"""

_SCRIPT_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
CONTENT_POLICY = (
    f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_SCRIPT_HASH}'; img-src data:"
)
"""What a browser may do with the page: nothing that comes from elsewhere, no script but its own."""


def page_of(sections: Sequence[Section], *, dag_id: str, run_id: str) -> str:
    """Draw the page.

    :param sections: the sections of the run's tasks.
    :param dag_id: the DAG.
    :param run_id: its run.
    :returns: the HTML; every text in it is escaped.
    """
    body = "\n".join(_section(one) for one in sorted(sections, key=lambda one: one.started))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(CONTENT_POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(dag_id)}: import report</title><style>{_STYLE}</style></head>
<body><h1>Import report</h1><p>{escape(dag_id)} <span class="quiet">{escape(run_id)}</span></p>
{body or '<p class="quiet">No task of this run has ended yet.</p>'}
<script>{_SCRIPT}</script></body></html>
"""


def _section(one: Section) -> str:
    title = one.report.title if one.report else one.task
    again = f", attempt {one.try_number}" if one.try_number > 1 else ""
    parts = [
        f'<h2>{escape(title)} <span class="{one.state.value}">{one.state.value}</span></h2>',
        f'<p class="quiet">{escape(one.task)}{again}, from {escape(one.started)} to {escape(one.ended)}</p>',
    ]
    if one.error:
        parts.append(f"<pre>{escape(one.error)}</pre>")
    if one.report:
        parts += _report(one.report)
    return "\n".join(parts)


def _report(report: TaskReport) -> Iterable[str]:
    if report.counts:
        tiles = "".join(f"<li><b>{count:,}</b>{escape(name)}</li>" for name, count in report.counts.items())
        yield f'<ul class="counts">{tiles}</ul>'
    if len(report.progress) > 1:
        yield _chart(report.progress)
    for table in report.tables:
        if table.total:
            yield _table(table)
    for what, uri in (report.files or {}).items():
        yield f'<p class="quiet">{escape(what)}: {escape(uri)}</p>'


def _chart(progress: Sequence[tuple[datetime, int]]) -> str:
    """Draw how many data units were registered by when; nothing where all of it was one moment."""
    moments = [moment.timestamp() for moment, _ in progress]
    first, seconds, total = moments[0], moments[-1] - moments[0], progress[-1][1]
    if not (seconds and total):
        return ""
    points = " ".join(
        f"{_WIDTH * (moment - first) / seconds:.1f},{_HEIGHT * (1 - done / total):.1f}"
        for moment, (_, done) in zip(moments, progress, strict=True)
    )
    return (
        f"<figure><figcaption>Data units registered over time <span class='quiet'>{total:,}, "
        f"{seconds:,.0f} s from the first part to the last"
        f"</span></figcaption><svg viewBox='0 0 {_WIDTH} {_HEIGHT}' preserveAspectRatio='none' role='img' "
        f"aria-label='Data units registered over time'><polyline points='{points}'/></svg><p class='quiet'>"
        f"<span>{_shown(progress[0][0])}</span> <span>{_shown(progress[-1][0])}</span></p></figure>"
    )


def _shown(moment: datetime) -> str:
    return escape(moment.isoformat(timespec="seconds"))


def _table(table: ReportTable) -> str:
    shown = len(table.rows)
    count = f"{table.total:,}" if shown == table.total else f"the first {shown:,} of {table.total:,}"
    head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    search = (
        f'<p><input type="search" placeholder="Search" aria-label="Search {escape(table.title)}"></p>'
        if shown > 1
        else ""
    )
    file = f'<p class="quiet">All of them: {escape(table.file)}</p>' if table.file else ""
    return (
        f"<section><h3>{escape(table.title)} <span class='quiet'>{count}</span></h3>{search}"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{file}</section>'
    )
