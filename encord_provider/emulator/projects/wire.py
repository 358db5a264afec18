"""Projects and label rows on the wire."""

from __future__ import annotations

import uuid
from typing import Any

import orjson

from encord_provider.emulator.core.clock import iso
from encord_provider.emulator.core.params import camel
from encord_provider.emulator.datasets.models import DataRow, Dataset
from encord_provider.emulator.datasets.wire import legacy_time
from encord_provider.emulator.projects.models import Project, ProjectRole
from encord_provider.emulator.storage.items.item import Item

EMPTY_ONTOLOGY: dict[str, list[Any]] = {"objects": [], "classifications": []}
STAGE_TITLE = "Annotate 1"
TASK_STATUS = "QUEUED"
_TASKS = uuid.UUID("a5000000-0000-4000-8000-0000000000f1")


def project_json(project: Project, role: ProjectRole | None) -> dict[str, Any]:
    """One project in the v2 API."""
    return {
        "projectHash": project.uuid,
        "projectType": "workflow",
        "status": project.status,
        "title": project.title,
        "description": project.description,
        "createdAt": iso(project.created_at),
        "creatorEmail": project.owner,
        "lastEditedAt": iso(project.edited_at),
        "ontologyHash": project.ontology,
        "editorOntology": EMPTY_ONTOLOGY,
        "userRole": role,
        "sourceProjects": None,
        "workflow": {
            "stages": [{"stageType": "ANNOTATION", "uuid": project.stage, "title": STAGE_TITLE}],
        },
    }


def legacy_project_json(project: Project, *, with_label_rows: bool) -> dict[str, Any]:
    """One project in the older API."""
    return {
        "project_hash": project.uuid,
        "title": project.title,
        "description": project.description,
        "created_at": legacy_time(project.created_at),
        "last_edited_at": legacy_time(project.edited_at),
        "editor_ontology": EMPTY_ONTOLOGY,
        "ontology_hash": project.ontology,
        "datasets": [
            {"dataset_hash": dataset.uuid, "title": dataset.title, "description": dataset.description}
            for dataset in project.datasets
        ],
        "label_rows": [label_row_json(project, row) for row in project.rows()] if with_label_rows else [],
    }


def ontology_json(project: Project) -> dict[str, Any]:
    """The ontology of a project, empty."""
    return {
        "ontologyUuid": project.ontology,
        "title": project.title,
        "description": "",
        "editor": EMPTY_ONTOLOGY,
        "createdAt": iso(project.created_at),
        "lastEditedAt": iso(project.created_at),
        "userRole": 0,
    }


def project_dataset_json(dataset: Dataset) -> dict[str, Any]:
    """A dataset of a project."""
    return {"datasetHash": dataset.uuid, "title": dataset.title, "description": dataset.description}


def label_row_json(
    project: Project,
    row: DataRow,
    *,
    with_metadata: bool = False,
    metadata_url: str | None = None,
    with_images: bool = False,
    with_stage: bool = True,
) -> dict[str, Any]:
    """One label row in the older API; none has labels.

    :param with_metadata: put the item's custom metadata in.
    :param metadata_url: signed URL of the custom metadata, in its place.
    :param with_images: describe the images of an image group.
    :param with_stage: name the stage of the workflow.
    """
    item = row.item
    media = item.media or {}
    return {
        "label_hash": None,
        "created_at": None,
        "last_edited_at": None,
        "branch_name": "main",
        "data_hash": row.uuid,
        "group_hash": None,
        "dataset_hash": row.dataset.uuid,
        "dataset_title": row.dataset.title,
        "data_title": item.name,
        "data_type": item.type.older_name,
        "data_link": item.url,
        "spaces": {},
        "label_status": "NOT_LABELLED",
        "annotation_task_status": TASK_STATUS,
        "workflow_graph_node": {"uuid": project.stage, "title": STAGE_TITLE} if with_stage else None,
        "is_shadow_data": False,
        "number_of_frames": row.frame_count,
        "duration": media.get("duration"),
        "frames_per_second": media.get("fps"),
        "height": media.get("height"),
        "width": media.get("width"),
        "audio_sample_rate": media.get("audioSampleRate"),
        "audio_codec": media.get("audioCodec"),
        "audio_bit_depth": media.get("audioBitDepth"),
        "audio_num_channels": media.get("audioNumChannels"),
        "task_uuid": str(uuid.uuid5(_TASKS, project.uuid + row.uuid)),
        "priority": 0.5,
        "client_metadata": orjson.loads(item.metadata) if with_metadata and not metadata_url else None,
        "client_metadata_signed_url": metadata_url,
        "images_data": [_image_json(index, image) for index, image in enumerate(item.children)]
        if with_images and item.children
        else None,
        "file_type": item.mime_type,
        "is_valid": True,
        "backing_item_uuid": item.uuid,
    }


def label_row_dto(project: Project, row: DataRow) -> dict[str, Any]:
    """One label row in the v2 API."""
    return {_V2_NAMES.get(name) or camel(name): value for name, value in label_row_json(project, row).items()}


_V2_NAMES = {
    name: name.replace("hash", "uuid") for name in ("label_hash", "data_hash", "group_hash", "dataset_hash")
}


def _image_json(index: int, image: Item) -> dict[str, Any]:
    media = image.media or {}
    return {
        "index": index,
        "title": image.name,
        "file_type": image.mime_type,
        "height": media.get("height"),
        "width": media.get("width"),
        "image_hash": image.uuid,
    }
