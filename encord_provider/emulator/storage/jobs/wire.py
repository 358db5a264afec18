"""Upload jobs on the wire."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.storage.jobs.models import Job


def job_json(job: Job, *, with_items: bool = True) -> dict[str, Any]:
    """A job's state, as a poll answers it.

    :param with_items: name what the job registered; there may be hundreds of thousands.
    """
    items = (*job.items, *job.skipped) if with_items else ()
    return {
        "status": job.status,
        "itemsWithNames": [{"itemUuid": item.uuid, "name": item.name} for item in items],
        "errors": [error.error for error in job.errors],
        "unitErrors": [
            {
                "objectUrls": error.urls,
                "error": error.error,
                "subtaskUuid": error.subtask_uuid,
                "actionDescription": error.action,
            }
            for error in job.errors
        ],
        "unitsPendingCount": job.pending_count,
        "unitsDoneCount": job.done_count,
        "unitsErrorCount": job.error_count,
        "unitsCancelledCount": job.cancelled_count,
        "fileName": job.file_name,
    }
