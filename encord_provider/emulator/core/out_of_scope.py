"""What the emulator does not do: labels, ontologies, models. Answered with 501 and a message."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.routing import Route

from encord_provider.emulator.core.calls import Answer, HasStore
from encord_provider.emulator.core.control import plain_endpoint
from encord_provider.emulator.core.errors import ApiError, not_found

_OUTSIDE = re.compile(
    "ontolog(ies|y)|ml-models|label-rows|labels|issues|issue-tags|editor-logs|priorities|analytics|workflow"
    "|projects/cvat|dicom-deidentification"
)


def routes(owner: HasStore) -> list[Route]:
    """The routes that catch what nobody else has taken."""

    async def refuse(request: Request) -> Answer:
        path = request.path_params["path"]
        error: ApiError
        if _OUTSIDE.search(path):
            error = ApiError(501, f"The emulator covers data, not labels, ontologies or models: {path}")
        else:
            error = not_found(f"Encord has no {request.method} {path} that the emulator knows of")
        owner.store.requests.add(
            at=owner.store.clock.now(),
            method=request.method,
            route="unknown",
            target=str(request.url.path),
            user_agent=request.headers.get("user-agent", ""),
            body=await request.body(),
        ).status = error.status
        raise error

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return [Route("/v2/public/{path:path}", plain_endpoint(refuse), methods=methods)]
