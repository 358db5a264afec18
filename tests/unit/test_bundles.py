"""The DAG bundle that serves the bundled DAGs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.bundles.manager import DagBundlesManager

from encord_provider import bundles

CONFIG = '[{"name": "encord", "classpath": "encord_provider.bundles.EncordDagBundle", "kwargs": {}}]'
OPTION = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"


class Absent:
    """Makes the installed example DAGs impossible to import."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.startswith("airflow_provider_encord"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_one_line_of_configuration_serves_the_bundled_dags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OPTION, CONFIG)
    (bundle,) = DagBundlesManager().get_all_dag_bundles()
    bundle.initialize()
    assert isinstance(bundle, bundles.EncordDagBundle)
    assert (bundle.path / "encord_s3_import.py").is_file()


def test_a_checkout_serves_its_own_folder() -> None:
    assert bundles.bundled_dags_folder() == Path(bundles.__file__).parents[1] / "dags"


def test_a_wheel_serves_the_folder_that_airflow_takes_example_dags_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "airflow_provider_encord" / "example_dags"
    installed.mkdir(parents=True)
    (installed / "__init__.py").touch()
    monkeypatch.setattr(bundles, "__file__", str(tmp_path / "encord_provider" / "bundles.py"))
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        assert bundles.bundled_dags_folder() == installed
    finally:
        for name in [name for name in sys.modules if name.startswith("airflow_provider_encord")]:
            del sys.modules[name]


def test_an_installation_without_them_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "__file__", str(tmp_path / "encord_provider" / "bundles.py"))
    # The parent package is missing as well, which importlib tells in another way.
    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    with pytest.raises(FileNotFoundError, match="Reinstall airflow-provider-encord"):
        bundles.bundled_dags_folder()
