"""ENCORD_RETRY_POLICY, as Airflow 3.3 asks it, and on Airflows that have no retry policies."""

from __future__ import annotations

from datetime import timedelta

import pytest
from airflow.sdk import DAG

from encord_provider.exceptions import (
    EncordConfigError,
    EncordError,
    EncordNotFoundError,
    EncordUnavailableError,
    UploadJobCancelledError,
    UploadJobFailedError,
    UploadJobTimeoutError,
)
from encord_provider.operators.import_data import EncordImportDataOperator
from encord_provider.retry_policy import ENCORD_RETRY_POLICY
from tests.helpers.versions import requires_airflow

needs_retry_policies = requires_airflow("3.3", "retry policies")


@needs_retry_policies
@pytest.mark.parametrize(
    ("error", "action", "delay"),
    [
        (EncordConfigError("x"), "FAIL", None),
        (EncordNotFoundError("x", status=404), "FAIL", None),
        (UploadJobCancelledError("x"), "FAIL", None),
        (EncordUnavailableError("x"), "RETRY", timedelta(minutes=5)),
        (UploadJobTimeoutError("x"), "RETRY", timedelta(0)),
        (UploadJobFailedError("x"), "DEFAULT", None),
        (EncordError("x"), "DEFAULT", None),
        (OSError("disk full"), "DEFAULT", None),
    ],
)
def test_what_is_retried(error: Exception, action: str, delay: timedelta | None) -> None:
    decision = ENCORD_RETRY_POLICY.evaluate(error, 1, 3)
    assert (decision.action.name, decision.retry_delay) == (action, delay)


@needs_retry_policies
def test_a_dag_that_uses_it_can_be_stored() -> None:
    stored = ENCORD_RETRY_POLICY.serialize()
    again = type(ENCORD_RETRY_POLICY).deserialize(stored)
    assert again.evaluate(EncordUnavailableError("x"), 1, 3).retry_delay == timedelta(minutes=5)


def test_default_args_may_hold_it_on_every_airflow() -> None:
    with DAG("imports", default_args={"retry_policy": ENCORD_RETRY_POLICY}):
        EncordImportDataOperator(task_id="import_data", spec="s3://lake/spec/index.json", folder="lake")
