"""Datasets in the v2 API: making and listing them, and who may use them."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.entity import Entity
from encord_provider.emulator.core.filters import ListingFilter
from encord_provider.emulator.core.pages import all_json
from encord_provider.emulator.datasets import row_routes, upload_routes
from encord_provider.emulator.datasets.models import DataRows, Dataset, DatasetRole, Datasets
from encord_provider.emulator.datasets.wire import dataset_json
from encord_provider.emulator.organisation.groups.access import group_routes


async def create_dataset(call: Call) -> Any:
    """Make a dataset, with a folder that it mirrors if that is asked for."""
    dataset = call.store[Datasets].create(
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
    everything = call.sees_organisation("datasets")
    ignore_case = call.store.settings.like_ignores_case
    wanted = ListingFilter.read(call.query, ignore_case=ignore_case, description="description")
    datasets = call.store[Datasets]
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


def _dataset(call: Call, role: DatasetRole) -> Dataset:
    return call.store[Datasets].require(call.path["dataset"], call.user, role)


ENTITY = Entity(
    name="datasets",
    part=Datasets,
    routes=[
        ApiRoute("POST", "datasets", create_dataset),
        ApiRoute("GET", "datasets/list", list_datasets),
        ApiRoute("GET", "datasets/{dataset:uuid}/users", list_dataset_users),
        ApiRoute("POST", "datasets/{dataset:uuid}/users/bulk-delete", remove_dataset_users),
        *group_routes(
            "dataset",
            "datasets/{dataset:uuid}",
            lambda call, admin: _dataset(call, DatasetRole.ADMIN if admin else DatasetRole.USER),
            lambda call: call.body.numbered("userRole", DatasetRole),
        ),
    ],
    legacy_routes=[*row_routes.ROUTES, *upload_routes.ROUTES],
    counts=lambda datasets: {"datasets": len(datasets)},
)
DATA_ROWS = Entity(name="data_rows", part=DataRows)
