"""What the web page shows of datasets, collections and projects."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from encord_provider.emulator.core.control import PREFIX, endpoint
from encord_provider.emulator.core.gateway import HasStore


async def get_curation(owner: HasStore, request: Request) -> Any:
    """Datasets, collections and projects, each with what it is made of and how much it holds."""
    del request
    store = owner.store
    return [
        *(
            {
                "kind": "mirrored dataset" if dataset.backing_folder else "dataset",
                "uuid": dataset.uuid,
                "name": dataset.title,
                "of": dataset.backing_folder.path() if dataset.backing_folder else "",
                "size": len(dataset.rows),
            }
            for dataset in store.datasets.all()
        ),
        *(
            {
                "kind": "collection",
                "uuid": collection.uuid,
                "name": collection.name,
                "of": collection.folder.path(),
                "size": len(store.collections.items(collection)),
            }
            for collection in store.collections.all()
        ),
        *(
            {
                "kind": "project",
                "uuid": project.uuid,
                "name": project.title,
                "of": ", ".join(dataset.title for dataset in project.datasets),
                "size": sum(len(dataset.rows) for dataset in project.datasets),
            }
            for project in store.projects.all()
        ),
    ]


def routes(owner: HasStore) -> list[Route]:
    """The routes, on the present state of ``owner``."""
    return [Route(PREFIX + "curation", endpoint(owner, get_curation), methods=["GET"])]
