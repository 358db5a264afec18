"""ENCORD_RETRY_POLICY, as Airflow 3.3 asks it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from airflow.sdk import RetryAction

from encord_provider.exceptions import (
    EncordConfigError,
    EncordError,
    EncordNotFoundError,
    EncordUnavailableError,
    UploadJobCancelledError,
    UploadJobFailedError,
    UploadJobTimeoutError,
)
from encord_provider.retry_policy import ENCORD_RETRY_POLICY


@pytest.mark.parametrize(
    ("error", "action", "delay"),
    [
        (EncordConfigError("x"), RetryAction.FAIL, None),
        (EncordNotFoundError("x", status=404), RetryAction.FAIL, None),
        (UploadJobCancelledError("x"), RetryAction.FAIL, None),
        (EncordUnavailableError("x"), RetryAction.RETRY, timedelta(minutes=5)),
        (UploadJobTimeoutError("x"), RetryAction.RETRY, timedelta(0)),
        (UploadJobFailedError("x"), RetryAction.DEFAULT, None),
        (EncordError("x"), RetryAction.DEFAULT, None),
        (OSError("disk full"), RetryAction.DEFAULT, None),
    ],
)
def test_what_is_retried(error: Exception, action: RetryAction, delay: timedelta | None) -> None:
    decision = ENCORD_RETRY_POLICY.evaluate(error, 1, 3)
    assert (decision.action, decision.retry_delay) == (action, delay)


def test_a_dag_that_uses_it_can_be_stored() -> None:
    stored = ENCORD_RETRY_POLICY.serialize()
    again = type(ENCORD_RETRY_POLICY).deserialize(stored)
    assert again.evaluate(EncordUnavailableError("x"), 1, 3).retry_delay == timedelta(minutes=5)
