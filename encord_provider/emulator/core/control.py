"""``/_emulator/``: seeing and steering the emulator. Not part of Encord, not authenticated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from encord_provider.emulator.core import snapshot
from encord_provider.emulator.core.calls import Answer
from encord_provider.emulator.core.errors import ApiError, bad_request, conflict, forbidden, not_found
from encord_provider.emulator.core.faults import Fault
from encord_provider.emulator.core.gateway import HasStore, as_answer, error_answer
from encord_provider.emulator.core.params import Body
from encord_provider.emulator.core.request_log import MAX_ENTRIES
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.organisation.users.models import OrganisationRole, User
from encord_provider.emulator.storage.folders.models import Role
from encord_provider.emulator.storage.integrations.models import Integration
from encord_provider.emulator.storage.jobs.wire import job_json
from encord_provider.emulator.storage.objects.urls import StorageLocation

PREFIX = "/_emulator/"


class Controlled(HasStore, Protocol):
    """Whoever can be reset."""

    def reset(self) -> None:
        """Begin again with an empty state."""

    def restore(self, lines: Iterable[bytes]) -> None:
        """Begin again with the state of a snapshot."""


def counts(store: Store) -> dict[str, int]:
    """How much there is of everything."""
    return {
        "folders": len(store.folders),
        "items": len(store.items),
        "datasets": len(store.datasets.all()),
        "collections": len(store.collections.all()),
        "projects": len(store.projects.all()),
        "groups": len(store.groups.all()),
        "jobs": len(store.jobs.all()),
        "pendingJobs": sum(job.status == "PENDING" for job in store.jobs.all()),
        "requests": store.requests.count,
        "schemaKeys": len(store.schema.keys or {}),
    }


def state_json(store: Store) -> dict[str, Any]:
    """An overview of the state."""
    return {
        "time": store.clock.now(),
        "clockSpeed": store.clock.speed,
        "seed": store.chance.seed,
        "settings": store.settings.as_dict(),
        "counts": counts(store),
        "users": [{"email": user.email, "role": user.role} for user in store.users.all()],
        "integrations": [
            {"uuid": entry.uuid, "title": entry.title, "location": entry.location}
            for entry in store.integrations.all()
        ],
        "faults": [fault.as_dict() for fault in store.faults.all()],
    }


async def get_state(owner: Controlled, request: Request) -> Any:
    """Overview: time, settings, counts, users, integrations, faults."""
    del request
    return state_json(owner.store)


async def reset(owner: Controlled, request: Request) -> Any:
    """Begin again with an empty state, no faults, and the settings of the start."""
    del request
    owner.reset()
    return state_json(owner.store)


async def get_snapshot(owner: Controlled, request: Request) -> Any:
    """The whole state as JSON lines, to be restored later."""
    del request
    return Answer(b"".join(snapshot.dump(owner.store)), "application/x-ndjson")


async def restore_snapshot(owner: Controlled, request: Request) -> Any:
    """Begin again with the state of a snapshot."""
    owner.restore((await request.body()).splitlines())
    return state_json(owner.store)


async def get_requests(owner: Controlled, request: Request) -> Any:
    """The latest requests: those after number ``after``, at most ``limit``."""
    entries = owner.store.requests.entries(after=_number(request, "after", 0))
    limit = _number(request, "limit", MAX_ENTRIES)
    return [entry.as_dict() for entry in entries[max(0, len(entries) - limit) :]]


async def clear_requests(owner: Controlled, request: Request) -> Any:
    """Forget the requests so far."""
    del request
    owner.store.requests.clear()
    return None


async def get_faults(owner: Controlled, request: Request) -> Any:
    """The faults in force."""
    del request
    return [fault.as_dict() for fault in owner.store.faults.all()]


async def add_fault(owner: Controlled, request: Request) -> Any:
    """Put a fault into force."""
    return owner.store.faults.add(Fault.from_json((await _body(request)).document)).as_dict()


async def remove_faults(owner: Controlled, request: Request) -> Any:
    """End one fault, or all."""
    fault_id = request.path_params.get("fault")
    if fault_id is None:
        owner.store.faults.clear()
    elif not owner.store.faults.remove(fault_id):
        raise not_found(f"there is no fault {fault_id}")
    return None


async def get_clock(owner: Controlled, request: Request) -> Any:
    """The time and its speed."""
    del request
    return {"time": owner.store.clock.now(), "speed": owner.store.clock.speed}


async def set_clock(owner: Controlled, request: Request) -> Any:
    """Change the speed (0 stops the clock), or move the clock forward by ``advance`` seconds."""
    document = (await _body(request)).document
    unknown = document.keys() - {"speed", "advance"}
    if unknown or not all(isinstance(value, int | float) for value in document.values()):
        raise bad_request("give speed (virtual seconds per second) or advance (seconds), as numbers")
    if "speed" in document:
        owner.store.clock.set_speed(document["speed"])
    if "advance" in document:
        owner.store.clock.advance(document["advance"])
    return await get_clock(owner, request)


async def change_settings(owner: Controlled, request: Request) -> Any:
    """Change some settings."""
    owner.store.settings = owner.store.settings.changed((await _body(request)).document)
    return owner.store.settings.as_dict()


async def get_jobs(owner: Controlled, request: Request) -> Any:
    """The latest upload jobs, at most ``limit``, the newest first, without their items."""
    newest = owner.store.jobs.all()[: -_number(request, "limit", 1_000) - 1 : -1]
    return [
        {
            "uuid": job.uuid,
            "folder": job.folder.uuid,
            "folderPath": job.folder.path(),
            "createdAt": job.created_at,
            "finishedAt": job.finished_at,
            "total": job.total,
            "stuck": job.stuck,
            "owner": job.owner,
            **{
                name: value
                for name, value in job_json(job, with_items=False).items()
                if name not in ("errors", "unitErrors")
            },
            "unitErrors": [
                {"objectUrls": list(error.urls), "error": error.error} for error in job.errors[:20]
            ],
        }
        for job in newest
    ]


async def cancel_job(owner: Controlled, request: Request) -> Any:
    """Cancel a job, as another user would in the web app."""
    job = owner.store.jobs.get(str(request.path_params["job"]))
    if job is None:
        raise not_found(f"there is no upload job {request.path_params['job']}")
    return {"unitsCancelledCount": job.cancel(owner.store.clock.now())}


async def add_user(owner: Controlled, request: Request) -> Any:
    """Add a user of the organisation; answers a private key for it."""
    body = await _body(request)
    email = body.required_text("email")
    role = OrganisationRole(body.text("role") or OrganisationRole.MEMBER)
    user = owner.store.users.add(User(email=email, role=role, joined_at=owner.store.clock.now()))
    return {"email": email, "role": role, "privateKey": owner.store.users.new_key(user).private_key}


async def grant_folder_role(owner: Controlled, request: Request) -> Any:
    """Give a user a role in a folder, or take it away with a null role."""
    body = await _body(request)
    folder = owner.store.folders.find(str(request.path_params["folder"]))
    user = owner.store.users.find(body.required_text("email"))
    if folder is None or user is None:
        raise not_found("there is no such folder or user")
    role = body.text("role")
    if role is None:
        folder.user_roles.pop(user.email, None)
    else:
        folder.user_roles[user.email] = Role(role)
    return {"folder": folder.uuid, "userRoles": folder.user_roles}


async def set_folder_tags(owner: Controlled, request: Request) -> Any:
    """Put organisation tags on a folder, in place of those that it has; Encord's API cannot."""
    names = (await _body(request)).texts("tags")
    folder = owner.store.folders.find(str(request.path_params["folder"]))
    if folder is None:
        raise not_found("there is no such folder")
    unknown = [name for name in names if owner.store.tags.named(name) is None]
    if unknown:
        raise not_found(f"the organisation has no tag {unknown[0]!r}")
    folder.tags = list(dict.fromkeys(names))
    return {"folder": folder.uuid, "tags": folder.tags}


async def put_integration(owner: Controlled, request: Request) -> Any:
    """Add an integration, or change the one of that UUID."""
    body = await _body(request)
    uuid = str(request.path_params["integration"])
    known = owner.store.integrations.get(uuid)
    title = body.text("title") or (known.title if known else None)
    location = body.text("location") or (known.location if known else None)
    if title is None or location is None:
        raise bad_request("a new integration needs title and location")
    others = [entry for entry in owner.store.integrations.all() if entry.uuid != uuid]
    if any(entry.title == title for entry in others) and not body.flag("allowDuplicateTitle"):
        raise conflict(f"there is already an integration {title!r}")
    admins = body.document.get("admins", known.admins if known else None)
    users = body.document.get("users", known.users if known else [])
    owner.store.integrations.add(
        Integration(
            uuid=uuid,
            title=title,
            location=StorageLocation(location),
            can_write=body.flag("canWrite", known.can_write if known else True),
            client_only=body.flag("clientOnly", known.client_only if known else False),
            admins=admins,
            users=users,
        )
    )
    return {"uuid": uuid, "title": title, "location": location}


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdigit():
        raise bad_request(f"{name} must be a number")
    return int(text)


def _refuse_other_sites(request: Request) -> None:
    # Any web page can make a browser send requests to loopback; browsers name the page in Origin.
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise forbidden(f"the emulator is not steered from the web page {origin}")


async def _body(request: Request) -> Body:
    try:
        return Body(orjson.loads(await request.body() or b"{}"))
    except orjson.JSONDecodeError as error:
        raise bad_request(f"the body is not JSON: {error}") from None


_Handler = Callable[[Any, Request], Awaitable[Any]]

_TABLE: list[tuple[str, str, _Handler]] = [
    ("GET", "state", get_state),
    ("POST", "reset", reset),
    ("GET", "snapshot", get_snapshot),
    ("POST", "restore", restore_snapshot),
    ("GET", "requests", get_requests),
    ("DELETE", "requests", clear_requests),
    ("GET", "faults", get_faults),
    ("POST", "faults", add_fault),
    ("DELETE", "faults", remove_faults),
    ("DELETE", "faults/{fault:int}", remove_faults),
    ("GET", "clock", get_clock),
    ("POST", "clock", set_clock),
    ("PATCH", "settings", change_settings),
    ("GET", "jobs", get_jobs),
    ("POST", "jobs/{job:uuid}/cancel", cancel_job),
    ("POST", "users", add_user),
    ("POST", "folders/{folder:uuid}/roles", grant_folder_role),
    ("PUT", "folders/{folder:uuid}/tags", set_folder_tags),
    ("PUT", "integrations/{integration:uuid}", put_integration),
]


def routes(owner: Controlled) -> list[Route]:
    """The routes, on the present state of ``owner``."""
    return [
        Route(PREFIX + path, endpoint(owner, handler), methods=[method]) for method, path, handler in _TABLE
    ]


def endpoint(owner: Any, handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
    """A Starlette endpoint that answers a handler's result as JSON, and errors as 4xx."""

    async def handle(request: Request) -> Response:
        try:
            _refuse_other_sites(request)
            answer = as_answer(await handler(owner, request))
        except ApiError as error:
            answer = error_answer(error)
        except ValueError as error:
            answer = error_answer(bad_request(str(error)))
        return Response(answer.content, answer.status, dict(answer.headers), answer.content_type)

    return handle
