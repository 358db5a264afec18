"""Datasets in the v2 API: making and listing them, and who may use them."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.errors import forbidden
from encord_provider.emulator.core.filters import ListingFilter
from encord_provider.emulator.core.pages import all_json
from encord_provider.emulator.datasets.models import Dataset, DatasetRole
from encord_provider.emulator.datasets.wire import dataset_json
from encord_provider.emulator.organisation.groups.wire import entity_group_json


async def create_dataset(call: Call) -> Any:
    """Make a dataset, with a folder that it mirrors if that is asked for."""
    dataset = call.store.datasets.create(
        title=call.body.required_text("title"),
        description=call.body.text("description") or "",
        user=call.user,
        mirrored=call.body.flag("createBackingFolder"),
    )
    return {
        "datasetUuid": dataset.uuid,
        "backingFolderUuid": dataset.backing_folder.uuid if dataset.backing_folder else None,
    }


async def list_datasets(call: Call) -> Any:
    """Datasets that match all filters."""
    query = call.query
    everything = query.flag("includeOrgAccess") or False
    if everything and not call.user.is_organisation_admin:
        raise forbidden("only an admin of the organisation can see all its datasets")
    wanted = ListingFilter(
        title_eq=query.text("titleEq"),
        title_like=query.text("titleLike"),
        description_eq=query.text("descriptionEq"),
        description_like=query.text("descriptionLike"),
        created_before=query.moment("createdBefore"),
        created_after=query.moment("createdAfter"),
        edited_before=query.moment("editedBefore"),
        edited_after=query.moment("editedAfter"),
        ignore_case=call.store.settings.like_ignores_case,
    )
    datasets = call.store.datasets
    found = datasets.visible(call.user, wanted, any_role=everything)
    return {"result": [dataset_json(dataset, datasets.role(dataset, call.user)) for dataset in found]}


async def list_dataset_users(call: Call) -> Any:
    """Who has a role in a dataset by name."""
    dataset = _dataset(call, DatasetRole.USER)
    roles = {dataset.owner: DatasetRole.ADMIN, **dataset.user_roles}
    return all_json(
        list(roles.items()),
        lambda entry: {"datasetUuid": dataset.uuid, "userEmail": entry[0], "userRole": entry[1]},
    )


async def remove_dataset_users(call: Call) -> Any:
    """Take users' roles in a dataset away; who has none is passed over."""
    dataset = _dataset(call, DatasetRole.ADMIN)
    for email in call.body.texts("userEmails"):
        dataset.user_roles.pop(email, None)
    return None


async def list_dataset_groups(call: Call) -> Any:
    """Groups that have a role in a dataset."""
    roles = _dataset(call, DatasetRole.USER).group_roles
    return all_json(
        list(roles.items()),
        lambda entry: entity_group_json(call.store.groups.require(entry[0]), entry[1]),
    )


async def add_dataset_groups(call: Call) -> Any:
    """Give groups a role in a dataset."""
    dataset = _dataset(call, DatasetRole.ADMIN)
    groups = [call.store.groups.require(uuid) for uuid in call.body.uuids("groupHashList")]
    role = call.body.numbered("userRole", DatasetRole)
    dataset.group_roles.update((group.uuid, role) for group in groups)
    return None


async def remove_dataset_groups(call: Call) -> Any:
    """Take groups' roles in a dataset away."""
    dataset = _dataset(call, DatasetRole.ADMIN)
    for uuid in call.query.texts("groupHashList"):
        dataset.group_roles.pop(uuid, None)
    return None


def _dataset(call: Call, role: DatasetRole) -> Dataset:
    return call.store.datasets.require(call.path["dataset"], call.user, role)


ROUTES = [
    ApiRoute("POST", "datasets", create_dataset),
    ApiRoute("GET", "datasets/list", list_datasets),
    ApiRoute("GET", "datasets/{dataset:uuid}/users", list_dataset_users),
    ApiRoute("POST", "datasets/{dataset:uuid}/users/bulk-delete", remove_dataset_users),
    ApiRoute("GET", "datasets/{dataset:uuid}/groups", list_dataset_groups),
    ApiRoute("POST", "datasets/{dataset:uuid}/groups", add_dataset_groups),
    ApiRoute("DELETE", "datasets/{dataset:uuid}/groups", remove_dataset_groups),
]
