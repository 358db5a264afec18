"""No operator has more parameters of its own than a reader can oversee."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

import pytest

from encord_provider import operators
from encord_provider.operators import base
from encord_provider.operators.base import EncordOperator

MOST = 14


def operator_classes() -> list[Any]:
    for module in pkgutil.iter_modules(operators.__path__):
        importlib.import_module(f"encord_provider.operators.{module.name}")
    found: list[Any] = []
    waiting: list[Any] = [EncordOperator]
    while waiting:
        one = waiting.pop()
        waiting += one.__subclasses__()
        if one.__module__ != base.__name__:
            found.append(one)
    return sorted(found, key=lambda one: one.__name__)


def own_parameters(operator: Any) -> set[str]:
    """The keyword parameters that an operator adds to those of Airflow and those that all Encord operators share."""
    return {
        name
        for one in operator.__mro__
        if one.__module__.startswith("encord_provider.") and one.__module__ != base.__name__
        for name, parameter in inspect.signature(one.__init__).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }


@pytest.mark.parametrize("operator", operator_classes(), ids=lambda one: one.__name__)
def test_an_operator_has_few_parameters_of_its_own(operator: Any) -> None:
    assert len(own_parameters(operator)) <= MOST


def test_the_build_operator_stays_below_with_connections_and_workspace_too() -> None:
    (build,) = [one for one in operator_classes() if one.__name__ == "EncordBuildUploadSpecOperator"]
    assert len(own_parameters(build) | {"encord_conn_id", "aws_conn_id", "workspace"}) <= MOST


def test_all_operators_are_counted() -> None:
    assert len(operator_classes()) >= 8
