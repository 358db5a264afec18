"""Collections of frames and filter presets of a project."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.collections.frames import Frame, FrameCollection, FrameCollections
from encord_provider.emulator.collections.presets import FilterPreset, ProjectPresets
from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.clock import iso
from encord_provider.emulator.core.entity import Entity
from encord_provider.emulator.core.errors import ApiError, MalformedRequestError
from encord_provider.emulator.core.ids import canonical_uuid
from encord_provider.emulator.core.pages import page_json
from encord_provider.emulator.core.params import Body
from encord_provider.emulator.core.table import no_access
from encord_provider.emulator.projects.models import Project, Projects
from encord_provider.emulator.projects.wire import label_row_dto


async def create_project_collection(call: Call) -> Any:
    """Make a collection of frames; answers its UUID."""
    if call.body.required_text("collectionType") != "FRAME":
        raise _no_labels()
    return call.store[FrameCollections].new(project=_project(call), **call.body.named()).uuid


async def list_project_collections(call: Call) -> Any:
    """Collections of a project."""
    uuids = set(call.query.texts("uuids"))
    found = [
        collection
        for collection in call.store[FrameCollections].of_project(_project(call))
        if not uuids or collection.uuid in uuids
    ]
    return page_json(call.query, found, _collection_json)


async def update_project_collection(call: Call) -> Any:
    """Change a collection's name or description."""
    call.store[FrameCollections].update(_collection(call), **call.body.renamed())


async def delete_project_collection(call: Call) -> Any:
    """Remove a collection, if it exists."""
    collection = call.store[FrameCollections].get(call.path["collection"])
    if collection is not None and collection.project is _project(call):
        call.store[FrameCollections].remove(collection)


async def list_collection_frames(call: Call) -> Any:
    """Data rows of a collection with their frames."""
    if call.query.flag("getLabels"):
        raise _no_labels()
    collection = _collection(call)
    return page_json(
        call.query,
        collection.by_row(),
        lambda entry: {
            "labelRowMetadata": label_row_dto(collection.project, entry[0]),
            "instances": [{"frame": number} for number in entry[1]],
        },
    )


async def add_collection_frames(call: Call) -> Any:
    """Add frames."""
    return _failed(call.store[FrameCollections].add_frames(_collection(call), _frames(call)))


async def remove_collection_frames(call: Call) -> Any:
    """Remove frames."""
    return _failed(call.store[FrameCollections].remove_frames(_collection(call), _frames(call)))


async def add_preset_frames(call: Call) -> Any:
    """Add the frames of data that fulfil a filter preset."""
    call.store[FrameCollections].apply_preset(_collection(call), _body_preset(call), adding=True)


async def remove_preset_frames(call: Call) -> Any:
    """Remove the frames of data that fulfil a filter preset."""
    call.store[FrameCollections].apply_preset(_collection(call), _body_preset(call), adding=False)


async def create_project_preset(call: Call) -> Any:
    """Make a filter preset of a project; answers its UUID."""
    project = _project(call)
    preset = call.store[ProjectPresets].new(
        name=call.body.required_text("name"),
        description="",
        owner=call.user.email,
        folder=project.uuid,
        definition=_snake(call.body.required_mapping("filterPresetJson")),
    )
    return preset.uuid


async def list_project_presets(call: Call) -> Any:
    """Filter presets of a project."""
    project = _project(call)
    uuids = set(call.query.texts("presetUuids"))
    found = [
        preset
        for preset in call.store[ProjectPresets].all()
        if preset.folder == project.uuid and (not uuids or preset.uuid in uuids)
    ]
    return page_json(call.query, found, _preset_json)


async def get_project_preset_filters(call: Call) -> Any:
    """The conditions of a filter preset."""
    definition = _preset(call, call.path["preset"]).definition
    return {
        "localFilters": definition["local_filters"],
        "globalFilters": definition["global_filters"],
    }


async def update_project_preset(call: Call) -> Any:
    """Change a filter preset."""
    definition = call.body.mapping("filterPreset")
    call.store[ProjectPresets].update(
        _preset(call, call.path["preset"]),
        name=call.body.text("name"),
        definition=None if definition is None else _snake(definition),
    )


async def delete_project_preset(call: Call) -> Any:
    """Remove a filter preset, if it exists."""
    preset = call.store[ProjectPresets].get(call.path["preset"])
    if preset is not None and preset.folder == _project(call).uuid:
        call.store[ProjectPresets].remove(preset)


def _project(call: Call) -> Project:
    return call.store[Projects].require(call.path["project"], call.user)


def _collection(call: Call) -> FrameCollection:
    return call.store[FrameCollections].require(call.path["collection"], _project(call))


def _preset(call: Call, uuid: str) -> FilterPreset:
    project = _project(call)
    preset = call.store[ProjectPresets].require(uuid)
    if preset.folder != project.uuid:
        raise no_access("filter preset", uuid)
    return preset


def _body_preset(call: Call) -> FilterPreset:
    return _preset(call, call.body.uuid("presetUuid") or "")


def _frames(call: Call) -> list[Frame]:
    entries = call.body.document.get("items")
    if not isinstance(entries, list):
        raise MalformedRequestError(("body", "items"), "expected a list of frames")
    frames = []
    for position, entry in enumerate(entries):
        body = Body(entry)
        if "annotationId" in body.document:
            raise _no_labels()
        row = canonical_uuid(body.document.get("dataUuid"))
        if row is None:
            raise MalformedRequestError(("body", "items", position, "dataUuid"), "expected a UUID")
        frames.append((row, body.number("frame", minimum=0, maximum=2**53)))
    return frames


def _failed(frames: list[Frame]) -> dict[str, Any]:
    return {"failedItems": [{"dataUuid": row, "frame": number} for row, number in frames]}


def _snake(definition: dict[str, Any]) -> dict[str, Any]:
    names = {"localFilters": "local_filters", "globalFilters": "global_filters"}
    return {names.get(name, name): value for name, value in definition.items()}


def _no_labels() -> ApiError:
    return ApiError(501, "The emulator covers data, not labels: collections hold frames, not annotations")


def _collection_json(collection: FrameCollection) -> dict[str, Any]:
    return {
        "collectionUuid": collection.uuid,
        "name": collection.name,
        "description": collection.description,
        "createdAt": iso(collection.created_at),
        "lastEditedAt": iso(collection.edited_at),
        "projectUuid": collection.project.uuid,
        "collectionType": "FRAME",
    }


def _preset_json(preset: FilterPreset) -> dict[str, Any]:
    return {
        "presetUuid": preset.uuid,
        "name": preset.name,
        "createdAt": iso(preset.created_at),
        "updatedAt": iso(preset.edited_at),
    }


ENTITY = Entity(
    name="frame_collections",
    part=FrameCollections,
    routes=[
        ApiRoute("POST", "active/{project:uuid}/collections", create_project_collection),
        ApiRoute("GET", "active/{project:uuid}/collections", list_project_collections),
        ApiRoute("PATCH", "active/{project:uuid}/collections/{collection:uuid}", update_project_collection),
        ApiRoute("DELETE", "active/{project:uuid}/collections/{collection:uuid}", delete_project_collection),
        ApiRoute("GET", "active/{project:uuid}/collections/{collection:uuid}/items", list_collection_frames),
        ApiRoute(
            "POST", "active/{project:uuid}/collections/{collection:uuid}/add-items", add_collection_frames
        ),
        ApiRoute(
            "POST",
            "active/{project:uuid}/collections/{collection:uuid}/remove-items",
            remove_collection_frames,
        ),
        ApiRoute(
            "POST", "active/{project:uuid}/collections/{collection:uuid}/add-preset-items", add_preset_frames
        ),
        ApiRoute(
            "POST",
            "active/{project:uuid}/collections/{collection:uuid}/remove-preset-items",
            remove_preset_frames,
        ),
        ApiRoute("POST", "active/{project:uuid}/presets", create_project_preset),
        ApiRoute("GET", "active/{project:uuid}/presets", list_project_presets),
        ApiRoute("GET", "active/{project:uuid}/presets/{preset:uuid}/raw", get_project_preset_filters),
        ApiRoute("PATCH", "active/{project:uuid}/presets/{preset:uuid}", update_project_preset),
        ApiRoute("DELETE", "active/{project:uuid}/presets/{preset:uuid}", delete_project_preset),
    ],
)
PRESETS = Entity(name="project_presets", part=ProjectPresets)
