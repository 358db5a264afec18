"""The bundled DAGs as a DAG bundle, so that one line of configuration serves them in production."""

from __future__ import annotations

from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.local import LocalDagBundle


def bundled_dags_folder() -> Path:
    """Find the folder that holds the bundled DAGs.

    A wheel carries them as the package ``airflow_provider_encord.example_dags``; in a checkout they are the
    folder ``dags`` beside this package.

    :returns: an existing folder.
    :raises FileNotFoundError: if the installation has neither.
    """
    checkout = Path(__file__).parent.parent / "dags"
    if (checkout / "encord_s3_import.py").is_file():
        return checkout
    spec = None
    with suppress(ModuleNotFoundError):  # when the package above it is missing too
        spec = find_spec("airflow_provider_encord.example_dags")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(
            "The bundled DAGs are not installed: the package airflow_provider_encord.example_dags is "
            "missing. Reinstall airflow-provider-encord."
        )
    return Path(next(iter(spec.submodule_search_locations)))


class EncordDagBundle(LocalDagBundle):  # type: ignore[misc, unused-ignore]
    """Serve the bundled DAGs from wherever this package is installed.

    Configure it beside your own bundles::

        [dag_processor]
        dag_bundle_config_list = [
            {"name": "dags-folder", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {}},
            {"name": "encord", "classpath": "encord_provider.bundles.EncordDagBundle", "kwargs": {}}]

    :raises FileNotFoundError: if the installation lacks the bundled DAGs.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(path=str(bundled_dags_folder()), **kwargs)
