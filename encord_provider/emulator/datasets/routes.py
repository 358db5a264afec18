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
from encord_provider.emulator.organisation.groups.access import group_routes, user_routes


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
    found = filter(wanted.fits, datasets.visible(call.user, any_role=everything))
    return {"result": [dataset_json(dataset, datasets.role(dataset, call.user)) for dataset in found]}


def _dataset(call: Call, admin: bool) -> Dataset:
    role = DatasetRole.ADMIN if admin else DatasetRole.USER
    return call.store[Datasets].require(call.path["dataset"], call.user, role)


def _users_json(call: Call, users: list[dict[str, Any]]) -> dict[str, Any]:
    return all_json(users, lambda user: {"datasetUuid": call.path["dataset"], **user})


_PATH = "datasets/{dataset:uuid}"

ENTITY = Entity(
    name="datasets",
    part=Datasets,
    routes=[
        ApiRoute("POST", "datasets", create_dataset),
        ApiRoute("GET", "datasets/list", list_datasets),
        *user_routes("dataset", _PATH, _dataset, _users_json, DatasetRole.ADMIN),
        *group_routes("dataset", _PATH, _dataset, lambda call: call.body.numbered("userRole", DatasetRole)),
    ],
    legacy_routes=[*row_routes.ROUTES, *upload_routes.ROUTES],
    counts=lambda datasets: {"datasets": len(datasets)},
)
DATA_ROWS = Entity(name="data_rows", part=DataRows)
