"""What Airflow's metrics are told, over StatsD or OpenTelemetry, whichever its configuration says."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import Stats

from encord_provider.api.upload_job import UploadJob

UNITS_REGISTERED = "encord.units_registered"
UNITS_FAILED = "encord.units_failed"
UPLOAD_JOBS = "encord.upload_jobs"
CALL_RETRIES = "encord.call_retries"
TASK_SECONDS = "encord.task_seconds"


def upload_job_ended(job: UploadJob) -> None:
    """Count an upload job that has been seen to end, and its data units.

    :param job: the job.
    """
    Stats.incr(UPLOAD_JOBS, tags={"state": job.state.value})
    Stats.incr(UNITS_REGISTERED, job.units.done)
    Stats.incr(UNITS_FAILED, job.units.failed)


def call_retried() -> None:
    """Count a call to Encord that is made again."""
    Stats.incr(CALL_RETRIES)


def task_ended(operator: str, state: str, took: timedelta) -> None:
    """Time what a task has done on a worker.

    :param operator: the operator's class.
    :param state: how it ended.
    :param took: how long it took.
    """
    Stats.timing(TASK_SECONDS, took, tags={"operator": operator, "state": state})
