"""Projects in the older API: making them, their datasets, and label rows without labels."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.errors import bad_request, not_found
from encord_provider.emulator.core.filters import ListingFilter, sql_like
from encord_provider.emulator.core.ids import canonical_uuid
from encord_provider.emulator.core.legacy_gateway import LegacyCall, LegacyRoute
from encord_provider.emulator.core.params import Body
from encord_provider.emulator.datasets.models import DataRow, Dataset, Datasets
from encord_provider.emulator.datasets.wire import image_json
from encord_provider.emulator.organisation.groups.access import add_users_route
from encord_provider.emulator.projects.models import Project, ProjectRole, Projects
from encord_provider.emulator.projects.wire import (
    STAGE_TITLE,
    TASK_STATUS,
    label_row_json,
    legacy_project_json,
)
from encord_provider.emulator.storage.items.item import Item, signer


async def create_project(call: LegacyCall) -> Any:
    """Make a project; answers its UUID."""
    body = call.body
    ontology = body.uuid("ontology_hash")
    if ontology is not None:
        call.store[Projects].with_ontology(ontology, call.user)
    return (
        call.store[Projects]
        .create(
            title=body.required_text("title"),
            description=body.text("description") or "",
            user=call.user,
            datasets=_datasets(call, body.texts("dataset_hashes")),
            ontology=ontology,
        )
        .uuid
    )


async def get_legacy_project(call: LegacyCall) -> Any:
    """One project."""
    with_label_rows = call.body.flag("include_labels_metadata", True)
    return legacy_project_json(_project(call), with_label_rows=with_label_rows)


async def list_legacy_projects(call: LegacyCall) -> Any:
    """Projects that match all filters."""
    filters = Body(call.body.mapping("filter") or {})
    wanted = ListingFilter.read(filters, ignore_case=call.store.settings.like_ignores_case, snake=True)
    projects = call.store[Projects]
    return [
        {
            "project": legacy_project_json(project, with_label_rows=False),
            "user_role": projects.role(project, call.user),
        }
        for project in filter(wanted.fits, projects.visible(call.user))
    ]


async def add_project_datasets(call: LegacyCall) -> Any:
    """Add datasets to a project."""
    project = _project(call, admin=True)
    call.store[Projects].add_datasets(project, _datasets(call, call.body.texts("dataset_hashes")))
    return True


async def remove_project_datasets(call: LegacyCall) -> Any:
    """Take datasets out of a project."""
    project = _project(call, admin=True)
    call.store[Projects].remove_datasets(project, _datasets(call, call.uid_list()))
    return True


async def list_label_rows(call: LegacyCall) -> Any:
    """The label rows of a project that match all filters; there is one for each data row, without labels."""
    project, body = _project(call), call.body
    branch = body.text("branch_name")
    if (
        body.document.get("label_hashes") is not None
        or not body.flag("include_uninitialised_labels")
        or (branch is not None and branch != "main")
    ):
        return []
    rows = [row for row in project.rows() if _wanted(call, row)]
    with_metadata = body.flag("include_client_metadata")
    by_url = with_metadata and body.flag("client_metadata_as_signed_url")
    return [
        label_row_json(
            project,
            row,
            with_metadata=with_metadata,
            metadata_url=call.link(f"metadata/{row.item.uuid}") if by_url else None,
            with_images=body.flag("include_images_data"),
            with_stage=body.flag("include_workflow_graph_node", True),
        )
        for row in rows
    ]


async def get_data(call: LegacyCall) -> Any:
    """The files of a data row, with signed URLs if asked for."""
    uid = Body(call.uid)
    uuid = uid.required_text("data_hash")
    row = next((row for row in _project(call).rows() if row.uuid == uuid), None)
    if row is None:
        raise not_found(f"the project has no data row {uuid}")
    signed = uid.flag("get_signed_url")

    def link(item: Item) -> str | None:
        return signer(call)(item) if signed else item.url

    item = row.item
    images = None
    if item.type.is_image:
        images = [item]
    elif item.type.optimised is False:
        images = item.children or []
    return {
        "data_hash": row.uuid,
        "video": None
        if images is not None
        else {"data_hash": row.uuid, "title": item.name, "file_link": link(item), "backing_item_uuid": None},
        "images": None
        if images is None
        else [{**image_json(image, None), "file_link": link(image)} for image in images],
    }


def _project(call: LegacyCall, *, admin: bool = False) -> Project:
    return call.store[Projects].require(call.resource_id, call.user, admin=admin)


def _datasets(call: LegacyCall, hashes: list[str]) -> list[Dataset]:
    found = []
    for entry in hashes:
        uuid = canonical_uuid(entry)
        if uuid is None:
            raise bad_request(f"expected the UUID of a dataset, not {entry!r}")
        found.append(call.store[Datasets].require(uuid, call.user))
    return found


def _wanted(call: LegacyCall, row: DataRow) -> bool:
    body, title = call.body, row.item.name
    ignore_case = call.store.settings.like_ignores_case

    def fits(name: str, text: str) -> bool:
        exact, pattern = body.text(f"{name}_eq"), body.text(f"{name}_like")
        return (exact is None or text == exact) and (
            pattern is None or sql_like(pattern, text, ignore_case=ignore_case)
        )

    hashes = body.document.get("data_hashes")
    statuses = body.document.get("label_statuses")
    return (
        (hashes is None or row.uuid in hashes)
        and (statuses is None or TASK_STATUS in statuses)
        and body.text("edited_before") is None
        and body.text("edited_after") is None
        and body.text("shadow_data_state") in (None, "NOT_SHADOW_DATA", "ALL_DATA")
        and fits("data_title", title)
        and fits("workflow_graph_node_title", STAGE_TITLE)
    )


ROUTES = [
    LegacyRoute("project", "POST", "", create_project),
    LegacyRoute("project", "GET", "project", get_legacy_project),
    LegacyRoute("projectwithuserrole", "GET", "", list_legacy_projects),
    LegacyRoute("projectdataset", "POST", "project", add_project_datasets),
    LegacyRoute("projectdataset", "DELETE", "project", remove_project_datasets),
    add_users_route("project", lambda call: _project(call, admin=True), ProjectRole.ADMIN),
    LegacyRoute("labelrowmetadata", "GET", "project", list_label_rows),
    LegacyRoute("datasetdata", "GET", "project", get_data),
]
