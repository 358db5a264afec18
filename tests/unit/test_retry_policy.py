"""ENCORD_RETRY_POLICY, as Airflow 3.3 asks it, and on Airflows that have no retry policies."""

from __future__ import annotations

import importlib
import sys
from datetime import timedelta
from types import ModuleType
from typing import Any

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
from tests.helpers.versions import requires_airflow

MODULE = "encord_provider.retry_policy"
needs_retry_policies = requires_airflow("3.3", "retry policies")


@pytest.fixture
def policy() -> Any:
    """The policy as a process gets it that imports the module for the first time."""
    return importlib.reload(importlib.import_module(MODULE)).ENCORD_RETRY_POLICY


def test_an_airflow_without_retry_policies_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module(MODULE)
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "airflow.sdk", ModuleType("airflow.sdk"))
        assert importlib.reload(module).ENCORD_RETRY_POLICY is None
    importlib.reload(module)


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
def test_what_is_retried(error: Exception, action: str, delay: timedelta | None, policy: Any) -> None:
    decision = policy.evaluate(error, 1, 3)
    assert (decision.action.name, decision.retry_delay) == (action, delay)


@needs_retry_policies
def test_a_dag_that_uses_it_can_be_stored(policy: Any) -> None:
    stored = policy.serialize()
    again = type(policy).deserialize(stored)
    assert again.evaluate(EncordUnavailableError("x"), 1, 3).retry_delay == timedelta(minutes=5)


def test_default_args_may_hold_it_on_every_airflow(policy: Any) -> None:
    with DAG("imports", default_args={"retry_policy": policy}):
        EncordImportDataOperator(task_id="import_data", spec="s3://lake/spec/index.json", folder="lake")
