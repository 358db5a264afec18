"""Upload jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.control import Controlled, ControlRoute, number
from encord_provider.emulator.core.entity import Entity
from encord_provider.emulator.core.errors import not_found
from encord_provider.emulator.storage.folders.models import Folder, Role, folder_of, upload_folder
from encord_provider.emulator.storage.integrations.models import Integrations
from encord_provider.emulator.storage.jobs.models import Job, Jobs
from encord_provider.emulator.storage.jobs.runner import JobRunner
from encord_provider.emulator.storage.jobs.spec import parse_spec


def new_job(call: Call, folder: Folder, document: Mapping[str, Any], *, integration_name: str) -> Job:
    """The upload job that a call asks for, not yet begun.

    :param document: the upload spec: ``externalFiles`` or ``dataItems``.
    :param integration_name: under which name the body gives the integration.
    """
    integration_uuid = call.body.uuid(integration_name)
    integration = None
    if integration_uuid is not None:
        integration = call.store[Integrations].require_admin(integration_uuid, call.user)
    spec = parse_spec(document, call.store.settings)
    return call.store[Jobs].new(
        folder=folder,
        integration=integration,
        units=spec.units[::-1],
        total=len(spec.units),
        skip_duplicate_urls=spec.skip_duplicate_urls,
        upsert_metadata=spec.upsert_metadata,
        ignore_errors=call.body.flag("ignoreErrors"),
        file_name=call.body.text("fileName"),
        owner=call.user.email,
    )


async def start_upload_job(call: Call) -> Any:
    """Begin to register the data of an upload spec; answers the job's UUID."""
    folder = upload_folder(folder_of(call, Role.ADMIN))
    job = new_job(call, folder, call.body.document, integration_name="integrationHash")
    call.store[JobRunner].start(job)
    return job.uuid


async def poll_upload_job(call: Call) -> Any:
    """A job's state; held until the job ends or the time is up."""
    job = _job(call, Role.USER)
    await call.poll(job.finished)
    return job.as_json()


async def cancel_upload_job(call: Call) -> Any:
    """Stop a job; what is done stays."""
    return {"unitsCancelledCount": _job(call, Role.ADMIN).cancel(call.store.clock.now())}


async def get_jobs(owner: Controlled, request: Request) -> Any:
    """The latest upload jobs, at most ``limit``, the newest first, without their items."""
    newest = owner.store[Jobs].all()[: -number(request, "limit", 1_000) - 1 : -1]
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
                for name, value in job.as_json(with_items=False).items()
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
    job = owner.store[Jobs].known(str(request.path_params["job"]))
    return {"unitsCancelledCount": job.cancel(owner.store.clock.now())}


def _job(call: Call, role: Role) -> Job:
    folder = folder_of(call, role)
    job = call.store[Jobs].get(call.path["job"])
    if job is None or job.folder is not folder:
        raise not_found(f"folder {folder.uuid} has no upload job {call.path['job']}")
    return job


_PATH = "storage/folders/{folder:uuid}/data-upload-jobs"

ENTITY = Entity(
    name="jobs",
    part=Jobs,
    routes=[
        ApiRoute("POST", _PATH, start_upload_job),
        ApiRoute("GET", _PATH + "/{job:uuid}", poll_upload_job),
        ApiRoute("POST", _PATH + "/{job:uuid}/cancel", cancel_upload_job),
    ],
    control_routes=[
        ControlRoute("GET", "jobs", get_jobs),
        ControlRoute("POST", "jobs/{job:uuid}/cancel", cancel_job),
    ],
    counts=lambda jobs: {"jobs": len(jobs), "pendingJobs": sum(job.status == "PENDING" for job in jobs)},
)
RUNNER = Entity(name="runner", part=JobRunner)
