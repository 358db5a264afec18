"""The whole state as text, one JSON object per line, to be kept and restored.

A section per kind of thing, in an order in which each refers only to what came before. An entity that is added to
the store adds its section to :data:`SECTIONS`. Faults and the log of requests are not part of a snapshot.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import asdict

import orjson

from encord_provider.emulator.core.errors import bad_request
from encord_provider.emulator.core.snapshot_curation import CURATION_SECTIONS
from encord_provider.emulator.core.snapshot_section import Row, Section, find_item
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.organisation.users.models import MemberType, OrganisationRole, User
from encord_provider.emulator.storage.folders.models import Folder, Role
from encord_provider.emulator.storage.integrations.models import Integration
from encord_provider.emulator.storage.items.models import Item
from encord_provider.emulator.storage.jobs.models import Job, JobStatus, UnitError
from encord_provider.emulator.storage.jobs.spec import Spec
from encord_provider.emulator.storage.jobs.units import File, Unit
from encord_provider.emulator.storage.media_types import ItemType
from encord_provider.emulator.storage.objects.urls import StorageLocation
from encord_provider.emulator.storage.uploads.models import Upload

FORMAT = "encord-emulator-1"


def dump(store: Store) -> Iterator[bytes]:
    """The state, line by line."""
    yield orjson.dumps({"format": FORMAT}) + b"\n"
    for section in SECTIONS:
        for row in section.dump(store):
            yield orjson.dumps([section.kind, row]) + b"\n"


def load(store: Store, lines: Iterable[bytes]) -> None:
    """Put a state into an empty store and go on with its jobs; must be called in the event loop.

    :raises ApiError: 400 if the text is not a snapshot; names the line.
    """
    readers = {section.kind: section.load for section in SECTIONS}
    number = 0
    try:
        for number, line in enumerate(lines, start=1):
            if number == 1:
                if orjson.loads(line) != {"format": FORMAT}:
                    raise ValueError(f"not a snapshot of format {FORMAT}")
            elif line.strip():
                kind, row = orjson.loads(line)
                readers[kind](store, row)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise bad_request(f"line {number} of the snapshot cannot be read: {error!r}") from None
    if number == 0:
        raise bad_request("the snapshot is empty")
    for job in store.jobs.all():
        if job.status is JobStatus.PENDING:
            store.runner.start(job)


def _dump_basis(store: Store) -> Iterable[Row]:
    yield {
        "seed": store.chance.seed,
        "chance": store.chance.getstate(),
        "time": store.clock.now(),
        "speed": store.clock.speed,
        "settings": store.settings.as_dict(),
    }


def _load_basis(store: Store, row: Row) -> None:
    store.chance.seed = row["seed"]
    store.chance.setstate(row["chance"])
    store.clock.set_speed(row["speed"])
    store.clock.advance(max(0.0, row["time"] - store.clock.now()))
    store.settings = store.settings.changed(row["settings"])


def _dump_users(store: Store) -> Iterable[Row]:
    for user in store.users.all():
        yield {
            "email": user.email,
            "role": user.role,
            "keys": sorted(user.public_keys),
            "tokens": user.tokens,
            "member_type": user.member_type,
            "joined_at": user.joined_at,
        }


def _load_user(store: Store, row: Row) -> None:
    store.users.replace(
        User(
            email=row["email"],
            role=OrganisationRole(row["role"]),
            public_keys=set(row["keys"]),
            tokens=list(row["tokens"]),
            member_type=MemberType(row["member_type"]),
            joined_at=row["joined_at"],
        )
    )


def _dump_integrations(store: Store) -> Iterable[Row]:
    return (asdict(integration) for integration in store.integrations.all())


def _load_integration(store: Store, row: Row) -> None:
    store.integrations.add(Integration(**{**row, "location": StorageLocation(row["location"])}))


_FOLDER_FIELDS = (
    "uuid",
    "name",
    "owner",
    "created_at",
    "description",
    "metadata",
    "integration",
    "remote_url",
)
_FOLDER_LATER = ("edited_at", "synced_dataset", "config", "tags")


def _dump_folders(store: Store) -> Iterable[Row]:
    for root in store.folders.roots.values():
        for folder in root.tree():
            yield {
                **{name: getattr(folder, name) for name in _FOLDER_FIELDS + _FOLDER_LATER},
                "parent": folder.parent.uuid if folder.parent else None,
                "user_roles": folder.user_roles,
                "group_roles": folder.group_roles,
            }


def _load_folder(store: Store, row: Row) -> None:
    parent = _folder(store, row["parent"]) if row["parent"] else None
    folder = Folder(parent=parent, **{name: row[name] for name in _FOLDER_FIELDS})
    for name in _FOLDER_LATER:
        setattr(folder, name, row[name])
    folder.user_roles = {email: Role(role) for email, role in row["user_roles"].items()}
    folder.group_roles = {group: Role(role) for group, role in row["group_roles"].items()}
    store.folders.add(folder)


def _dump_uploads(store: Store) -> Iterable[Row]:
    for upload in store.uploads.all():
        yield {
            "uuid": upload.uuid,
            "object_key": upload.object_key,
            "item_type": upload.item_type,
            "content": None if upload.content is None else base64.b64encode(upload.content).decode(),
            "content_type": upload.content_type,
        }


def _load_upload(store: Store, row: Row) -> None:
    upload = Upload(uuid=row["uuid"], object_key=row["object_key"], item_type=ItemType(row["item_type"]))
    upload.content = None if row["content"] is None else base64.b64decode(row["content"])
    upload.content_type = row["content_type"]
    store.uploads.add(upload)


_ITEM_FIELDS = (
    "uuid",
    "seq",
    "name",
    "owner",
    "created_at",
    "url",
    "url_key",
    "integration",
    "metadata",
    "media",
    "mime_type",
    "file_size",
    "extra",
    "hidden",
)
_ITEM_LATER = ("description", "edited_at", "tombstone", "data_units")


def _dump_items(store: Store) -> Iterable[Row]:
    # Members of a group are always older than the group.
    for item in sorted(store.items, key=lambda item: item.seq):
        row = {name: getattr(item, name) for name in _ITEM_FIELDS + _ITEM_LATER}
        row["type"], row["location"], row["folder"] = item.type, item.location, item.folder.uuid
        row["lag"] = max(0.0, item.visible_at - store.clock.now()) if not item.hidden else 0.0
        row["children"] = None if item.children is None else [child.uuid for child in item.children]
        yield row


def _load_item(store: Store, row: Row) -> None:
    children = row["children"]
    item = Item(
        type=ItemType(row["type"]),
        location=StorageLocation(row["location"]),
        folder=_folder(store, row["folder"]),
        children=None if children is None else [find_item(store, uuid) for uuid in children],
        **{name: row[name] for name in _ITEM_FIELDS},
    )
    for name in _ITEM_LATER:
        setattr(item, name, row[name])
    store.items.add(item, listing_lag=row["lag"])


_JOB_COUNTS = ("done_count", "error_count", "cancelled_count", "total", "finished_at", "started_at")


def _dump_jobs(store: Store) -> Iterable[Row]:
    for job in store.jobs.all():
        yield {
            **{name: getattr(job, name) for name in _JOB_COUNTS},
            "uuid": job.uuid,
            "folder": job.folder.uuid,
            "integration": job.integration.uuid if job.integration else None,
            "skip_duplicate_urls": job.skip_duplicate_urls,
            "upsert_metadata": job.upsert_metadata,
            "ignore_errors": job.ignore_errors,
            "file_name": job.file_name,
            "owner": job.owner,
            "created_at": job.created_at,
            "status": job.status,
            "items": [item.uuid for item in job.items],
            "skipped": [item.uuid for item in job.skipped],
            "errors": [[error.urls, error.error, error.subtask_uuid, error.action] for error in job.errors],
            "units": [_unit_row(unit) for unit in reversed(job.units)],
        }


def _load_job(store: Store, row: Row) -> None:
    folder = store.folders.find(row["folder"])
    if folder is None:
        return  # The folder was deleted, so that nobody can ask for the job.
    spec = Spec(
        [_read_unit(unit) for unit in row["units"]],
        skip_duplicate_urls=row["skip_duplicate_urls"],
        upsert_metadata=row["upsert_metadata"],
    )
    job = Job(
        uuid=row["uuid"],
        folder=folder,
        integration=store.integrations.get(row["integration"]) if row["integration"] else None,
        spec=spec,
        ignore_errors=row["ignore_errors"],
        file_name=row["file_name"],
        owner=row["owner"],
        created_at=row["created_at"],
    )
    for name in _JOB_COUNTS:
        setattr(job, name, row[name])
    job.items = [item for uuid in row["items"] if (item := store.items.get(uuid)) is not None]
    job.skipped = [item for uuid in row["skipped"] if (item := store.items.get(uuid)) is not None]
    job.errors = [UnitError(tuple(urls), error, uuid, action) for urls, error, uuid, action in row["errors"]]
    status = JobStatus(row["status"])
    if status is not JobStatus.PENDING:
        job.finish(status, row["finished_at"])
    store.jobs.add(job)


def _unit_row(unit: Unit) -> Row:
    return {
        **{
            name: getattr(unit, name)
            for name in ("type", "title", "metadata", "from_items", "extra", "problem")
        },
        "files": [[file.url, file.title, file.placeholder, file.media] for file in unit.files],
    }


def _read_unit(row: Row) -> Unit:
    unit = Unit(type=ItemType(row["type"]))
    for name in ("title", "metadata", "from_items", "extra", "problem"):
        setattr(unit, name, row[name])
    unit.files = [
        File(url=url, title=title, placeholder=placeholder, media=media)
        for url, title, placeholder, media in row["files"]
    ]
    return unit


def _dump_schema(store: Store) -> Iterable[Row]:
    schema = store.schema
    if schema.keys is not None:
        yield {
            "uuid": schema.uuid,
            "keys": schema.keys,
            "created_at": schema.created_at,
            "updated_at": schema.updated_at,
        }


def _load_schema(store: Store, row: Row) -> None:
    for name, value in row.items():
        setattr(store.schema, name, value)


def _folder(store: Store, uuid: str) -> Folder:
    folder = store.folders.find(uuid)
    if folder is None:
        raise ValueError(f"there is no folder {uuid}")
    return folder


SECTIONS: list[Section] = [
    Section("basis", _dump_basis, _load_basis),
    Section("user", _dump_users, _load_user),
    Section("integration", _dump_integrations, _load_integration),
    Section("folder", _dump_folders, _load_folder),
    Section("upload", _dump_uploads, _load_upload),
    Section("item", _dump_items, _load_item),
    Section("job", _dump_jobs, _load_job),
    Section("schema", _dump_schema, _load_schema),
    *CURATION_SECTIONS,
]
"""Every kind of thing, in the order in which they are written and read."""
