"""What Airflow discovers about this provider, against Airflow's own rules."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from encord_provider import __version__
from encord_provider.get_provider_info import get_provider_info
from tests.helpers.versions import requires_airflow

INFO = get_provider_info()


def schema(name: str) -> Any:
    return json.loads((files("airflow") / name).read_text())


def test_airflow_accepts_it_when_it_starts() -> None:
    jsonschema.validate(INFO, schema("provider_info.schema.json"))


def test_it_follows_the_stricter_rules_for_airflows_own_providers() -> None:
    # What a release of Airflow's own providers adds; these rules are the ones that specify the connection form.
    released = {"state": "ready", "source-date-epoch": 0, "versions": [__version__]}
    jsonschema.validate(INFO | released, schema("provider.yaml.schema.json"))


def test_the_package_has_the_name_and_version_of_its_distribution() -> None:
    # Airflow does not start with any other name.
    distribution = importlib.metadata.distribution(INFO["package-name"])
    assert distribution.metadata["Name"] == INFO["package-name"]
    assert distribution.version == __version__


def test_the_entry_point_leads_to_it() -> None:
    distribution = importlib.metadata.distribution(INFO["package-name"])
    (entry,) = distribution.entry_points.select(group="apache_airflow_provider")
    assert entry.load()() == INFO


def test_airflow_lists_the_provider() -> None:
    from airflow.providers_manager import ProvidersManager

    provider = ProvidersManager().providers[INFO["package-name"]]
    assert provider.version == __version__
    assert provider.data["name"] == "Encord"


@pytest.mark.parametrize("kind", ["hooks", "operators", "sensors", "triggers", "bundles"])
def test_every_module_that_it_names_is_there(kind: str) -> None:
    for group in INFO[kind]:
        for name in group["python-modules"]:
            assert importlib.import_module(name).__doc__


def test_every_operator_sensor_and_trigger_module_is_named() -> None:
    import pkgutil

    import encord_provider

    bases = {"operators": "BaseOperator", "sensors": "BaseSensorOperator", "triggers": "BaseTrigger"}
    for kind, base in bases.items():
        package = importlib.import_module(f"encord_provider.{kind}")
        holding = set()
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(found.name)
            own = [
                one
                for one in vars(module).values()
                if isinstance(one, type) and one.__module__ == module.__name__
            ]
            if found.name != "encord_provider.operators.base" and any(
                base in {ancestor.__name__ for ancestor in one.__mro__} for one in own
            ):
                holding.add(found.name)
        named = {name for group in INFO[kind] for name in group["python-modules"]}
        assert named == holding, f"of {encord_provider.__name__}.{kind}"


def test_the_connection_type_names_the_hook() -> None:
    (connection_type,) = INFO["connection-types"]
    module, _, name = connection_type["hook-class-name"].rpartition(".")
    hook = getattr(importlib.import_module(module), name)
    assert hook.conn_type == connection_type["connection-type"]
    assert hook.hook_name == connection_type["hook-name"]


@requires_airflow("3.2", "the options of providers in the configuration that tasks read")
def test_the_configured_workspace_is_an_option_that_airflow_knows() -> None:
    from airflow.providers.common.compat.sdk import conf

    assert conf.get("encord", "workspace") == ""


def test_the_registry_is_told_of_every_module_that_airflow_is_told_of() -> None:
    told = yaml.safe_load((Path(__file__).parents[2] / ".airflow-registry.yaml").read_text(encoding="utf-8"))
    info = get_provider_info()
    assert told["package-name"] == info["package-name"]
    for kind in ("hooks", "operators", "sensors", "triggers"):
        (named,) = info[kind]
        assert sorted(one["module"] for one in told[kind]) == sorted(named["python-modules"]), kind
    assert all(importlib.util.find_spec(one["module"]) for one in told["other"])
