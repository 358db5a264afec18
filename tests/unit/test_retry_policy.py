"""ENCORD_RETRY_POLICY, as Airflow 3.3 asks it."""

from __future__ import annotations

import importlib
import sys
from datetime import timedelta
from types import ModuleType
from typing import Any

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


@pytest.fixture
def policy() -> Any:
    """The policy as a process gets it that imports the module for the first time."""
    return importlib.reload(importlib.import_module("encord_provider.retry_policy")).ENCORD_RETRY_POLICY


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
def test_what_is_retried(error: Exception, action: RetryAction, delay: timedelta | None, policy: Any) -> None:
    decision = policy.evaluate(error, 1, 3)
    assert (decision.action, decision.retry_delay) == (action, delay)


def test_an_airflow_without_retry_policies_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    older = importlib.import_module("encord_provider.retry_policy")
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "airflow.sdk", ModuleType("airflow.sdk"))
        assert importlib.reload(older).ENCORD_RETRY_POLICY is None
    assert importlib.reload(older).ENCORD_RETRY_POLICY is not None


def test_a_dag_that_uses_it_can_be_stored(policy: Any) -> None:
    stored = policy.serialize()
    again = type(policy).deserialize(stored)
    assert again.evaluate(EncordUnavailableError("x"), 1, 3).retry_delay == timedelta(minutes=5)
