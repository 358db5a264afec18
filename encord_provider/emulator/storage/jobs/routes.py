"""Upload jobs."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.errors import bad_request, not_found
from encord_provider.emulator.storage.folders.models import Role
from encord_provider.emulator.storage.jobs.models import Job
from encord_provider.emulator.storage.jobs.spec import parse_spec
from encord_provider.emulator.storage.jobs.wire import job_json


async def start_upload_job(call: Call) -> Any:
    """Begin to register the data of an upload spec; answers the job's UUID."""
    folder = call.folder(Role.ADMIN)
    if folder.remote_url is not None:
        raise bad_request(f"folder {folder.name!r} is synced with {folder.remote_url} and takes no uploads")
    integration_uuid = call.body.uuid("integrationHash")
    integration = None
    if integration_uuid is not None:
        integration = call.store.integrations.require_admin(integration_uuid, call.user)
    job = call.store.jobs.create(
        folder=folder,
        integration=integration,
        spec=parse_spec(call.body.document, call.store.settings),
        ignore_errors=call.body.flag("ignoreErrors"),
        file_name=call.body.text("fileName"),
        owner=call.user.email,
    )
    call.store.runner.start(job)
    return job.uuid


async def poll_upload_job(call: Call) -> Any:
    """A job's state; held until the job ends or the time is up."""
    job = _job(call, Role.USER)
    cap = call.store.settings.long_poll_cap_seconds
    timeout = min(call.query.number("timeoutSeconds", 60, minimum=0, maximum=2**31), cap)
    if timeout > 0:
        await call.store.clock.wait(job.finished, timeout, real_limit=cap)
    return job_json(job)


async def cancel_upload_job(call: Call) -> Any:
    """Stop a job; what is done stays."""
    return {"unitsCancelledCount": _job(call, Role.ADMIN).cancel(call.store.clock.now())}


def _job(call: Call, role: Role) -> Job:
    folder = call.folder(role)
    job = call.store.jobs.get(call.path["job"])
    if job is None or job.folder is not folder:
        raise not_found(f"folder {folder.uuid} has no upload job {call.path['job']}")
    return job


ROUTES = [
    ApiRoute("POST", "storage/folders/{folder:uuid}/data-upload-jobs", start_upload_job),
    ApiRoute("GET", "storage/folders/{folder:uuid}/data-upload-jobs/{job:uuid}", poll_upload_job),
    ApiRoute("POST", "storage/folders/{folder:uuid}/data-upload-jobs/{job:uuid}/cancel", cancel_upload_job),
]
