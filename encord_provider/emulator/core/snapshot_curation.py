"""The parts of a snapshot that come after items and jobs: groups, tags, datasets and what else is made of items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from encord_provider.emulator.collections.models import Collection, PresetWork
from encord_provider.emulator.collections.presets import FilterPreset
from encord_provider.emulator.core.snapshot_section import Row, Section, find_item
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.datasets.models import DataRow, Dataset, DatasetRole
from encord_provider.emulator.organisation.groups.models import Group
from encord_provider.emulator.organisation.tags.models import OrganisationTag
from encord_provider.emulator.projects.frame_collections import FrameCollection
from encord_provider.emulator.projects.models import Project, ProjectRole, ProjectStatus


def _dump_groups(store: Store) -> Iterable[Row]:
    return (asdict(group) for group in store.groups.all())


def _load_group(store: Store, row: Row) -> None:
    store.groups.add(Group(**row))


def _dump_tags(store: Store) -> Iterable[Row]:
    return (asdict(tag) for tag in store.tags.all())


def _load_tag(store: Store, row: Row) -> None:
    store.tags.add(OrganisationTag(**row))


_DATASET_FIELDS = ("uuid", "title", "description", "owner", "created_at")


def _dump_datasets(store: Store) -> Iterable[Row]:
    for dataset in store.datasets.all():
        yield {
            **{name: getattr(dataset, name) for name in _DATASET_FIELDS},
            "edited_at": dataset.edited_at,
            "backing_folder": dataset.backing_folder.uuid if dataset.backing_folder else None,
            "user_roles": dataset.user_roles,
            "group_roles": dataset.group_roles,
            "rows": [[row.uuid, row.item.uuid, row.created_at] for row in dataset.rows.values()],
            "uploads": [job.uuid for job in store.jobs.all() if store.datasets.upload_target(job) is dataset],
        }


def _load_dataset(store: Store, row: Row) -> None:
    dataset = store.datasets.add(Dataset(**{name: row[name] for name in _DATASET_FIELDS}))
    dataset.edited_at = row["edited_at"]
    dataset.backing_folder = store.folders.find(row["backing_folder"]) if row["backing_folder"] else None
    dataset.user_roles = {email: DatasetRole(role) for email, role in row["user_roles"].items()}
    dataset.group_roles = {group: DatasetRole(role) for group, role in row["group_roles"].items()}
    for uuid, item, created_at in row["rows"]:
        store.datasets.attach(
            DataRow(uuid=uuid, dataset=dataset, item=find_item(store, item), created_at=created_at)
        )
    for uuid in row["uploads"]:
        job = store.jobs.get(uuid)
        if job is not None:
            store.datasets.follow(dataset, job)


_PROJECT_FIELDS = ("uuid", "title", "description", "owner", "created_at", "ontology", "stage")
_PROJECT_LATER = ("edited_at", "tags")


def _dump_projects(store: Store) -> Iterable[Row]:
    for project in store.projects.all():
        yield {
            **{name: getattr(project, name) for name in _PROJECT_FIELDS + _PROJECT_LATER},
            "status": project.status,
            "datasets": [dataset.uuid for dataset in project.datasets],
            "user_roles": project.user_roles,
            "group_roles": project.group_roles,
        }


def _load_project(store: Store, row: Row) -> None:
    project = store.projects.add(Project(**{name: row[name] for name in _PROJECT_FIELDS}))
    project.status = ProjectStatus(row["status"])
    found = (store.datasets.get(uuid) for uuid in row["datasets"])
    project.datasets = [dataset for dataset in found if dataset is not None]
    project.user_roles = {email: ProjectRole(role) for email, role in row["user_roles"].items()}
    project.group_roles = {group: ProjectRole(role) for group, role in row["group_roles"].items()}
    for name in _PROJECT_LATER:
        setattr(project, name, row[name])


_FRAME_COLLECTION_FIELDS = ("uuid", "name", "description", "created_at")


def _dump_frame_collections(store: Store) -> Iterable[Row]:
    for collection in store.frame_collections.all():
        yield {
            **{name: getattr(collection, name) for name in _FRAME_COLLECTION_FIELDS},
            "edited_at": collection.edited_at,
            "project": collection.project.uuid,
            "frames": list(collection.frames),
        }


def _load_frame_collection(store: Store, row: Row) -> None:
    projects = {project.uuid: project for project in store.projects.all()}
    collection = store.frame_collections.add(
        FrameCollection(
            project=projects[row["project"]], **{name: row[name] for name in _FRAME_COLLECTION_FIELDS}
        )
    )
    collection.edited_at = row["edited_at"]
    collection.frames = dict.fromkeys((uuid, number) for uuid, number in row["frames"])


def _dump_presets(store: Store) -> Iterable[Row]:
    return (asdict(preset) for preset in store.presets.all())


def _load_preset(store: Store, row: Row) -> None:
    store.presets.add(FilterPreset(**row))


def _dump_project_presets(store: Store) -> Iterable[Row]:
    return (asdict(preset) for preset in store.project_presets.all())


def _load_project_preset(store: Store, row: Row) -> None:
    store.project_presets.add(FilterPreset(**row))


_COLLECTION_FIELDS = ("uuid", "name", "description", "owner", "created_at")


def _dump_collections(store: Store) -> Iterable[Row]:
    for collection in store.collections.all():
        yield {
            **{name: getattr(collection, name) for name in _COLLECTION_FIELDS},
            "edited_at": collection.edited_at,
            "folder": collection.folder.uuid,
            "items": list(collection.items),
            "work": [asdict(work) for work in collection.work],
        }


def _load_collection(store: Store, row: Row) -> None:
    folder = store.folders.find(row["folder"])
    if folder is None:
        raise ValueError(f"there is no folder {row['folder']}")
    collection = store.collections.add(
        Collection(folder=folder, **{name: row[name] for name in _COLLECTION_FIELDS})
    )
    collection.edited_at = row["edited_at"]
    collection.items = dict.fromkeys(row["items"])
    collection.work = [
        PresetWork(FilterPreset(**work["preset"]), adding=work["adding"], due_at=work["due_at"])
        for work in row["work"]
    ]


CURATION_SECTIONS: list[Section] = [
    Section("group", _dump_groups, _load_group),
    Section("tag", _dump_tags, _load_tag),
    Section("dataset", _dump_datasets, _load_dataset),
    Section("project", _dump_projects, _load_project),
    Section("frame_collection", _dump_frame_collections, _load_frame_collection),
    Section("project_preset", _dump_project_presets, _load_project_preset),
    Section("preset", _dump_presets, _load_preset),
    Section("collection", _dump_collections, _load_collection),
]
"""These kinds of things, in the order in which they are written and read."""
