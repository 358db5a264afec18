"""Which errors a task should retry, for Airflow 3.3's retry policies.

``ENCORD_RETRY_POLICY`` goes into ``retry_policy`` of any Encord task, or into ``default_args``::

    EncordImportDataOperator(..., retries=3, retry_policy=ENCORD_RETRY_POLICY)

Below Airflow 3.3 there are no retry policies, and it is None. Errors that stay until somebody changes something end
a task at once without it too, on every version: they are ``AirflowFailException``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from encord_provider.exceptions import (
    EncordPermanentError,
    EncordUnavailableError,
    UploadJobCancelledError,
    UploadJobTimeoutError,
)


def _policy() -> Any:
    try:
        from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
    except ImportError:
        return None
    return ExceptionRetryPolicy(
        rules=[
            RetryRule(
                exception=EncordPermanentError,
                action=RetryAction.FAIL,
                reason="a retry does not help: the connection, the spec or a permission has to change",
            ),
            RetryRule(
                exception=UploadJobCancelledError,
                action=RetryAction.FAIL,
                reason="somebody has cancelled an upload job; run the task again to import the rest",
            ),
            RetryRule(
                exception=EncordUnavailableError,
                action=RetryAction.RETRY,
                retry_delay=timedelta(minutes=5),
                reason="Encord is out of reach; the retry goes on where this attempt stopped",
            ),
            RetryRule(
                exception=UploadJobTimeoutError,
                action=RetryAction.RETRY,
                retry_delay=timedelta(0),
                reason="the time of this attempt was over; the retry sends what is missing",
            ),
        ]
    )


ENCORD_RETRY_POLICY: Any = _policy()
"""Fails at once where a retry cannot help or somebody has cancelled a job; waits five minutes for an Encord that is
out of reach; goes on at once after a timeout; leaves everything else to the task's own retry settings."""
