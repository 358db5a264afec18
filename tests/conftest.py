"""What the tests share: an Airflow home of their own, moto's S3, and an emulator that looks objects up in it."""

from __future__ import annotations

import functools
import itertools
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

# Airflow reads its home once, when it is imported; no test may see that of the machine.
_HOME = tempfile.mkdtemp(prefix="airflow-home-")
for _name in [name for name in os.environ if name.startswith(("AIRFLOW__", "AIRFLOW_CONN_", "AIRFLOW_VAR_"))]:
    del os.environ[_name]
os.environ["AIRFLOW_HOME"] = _HOME
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
# Tests save DAGs of the same name one after the other.
os.environ["AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL"] = "0"

_BUCKETS = itertools.count()
_TESTS = Path(__file__).parent
_LONGEST_FIRST = ("e2e", "chaos", "unit/test_leaks.py", "docs", "integration", "emulator", "oracles", "unit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left alone with it at the end."""

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(_TESTS)
        return next(
            (place for place, one in enumerate(_LONGEST_FIRST) if path.is_relative_to(one)),
            len(_LONGEST_FIRST),
        )

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are processors: one of them mostly waits for a whole Airflow."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give the tests of a file to one worker, and all of ``tests/e2e``, which share one Airflow, to one worker."""
    from xdist.scheduler import LoadFileScheduling

    class OneAirflow(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            shared = "tests/e2e/"
            return shared if nodeid.startswith(shared) else str(super()._split_scope(nodeid))

    if config.getvalue("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False  # in the order of the collected tests, see above
    return OneAirflow(config, log)


def pytest_unconfigure() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)


@functools.cache  # a process may hold several test sessions, one after the other
def _read_service_models_once() -> None:
    """Keep botocore's descriptions of AWS: every new client would read a megabyte of JSON again."""
    from botocore.loaders import JSONFileLoader

    read = functools.partial(JSONFileLoader._load_file, None)
    JSONFileLoader._load_file = staticmethod(functools.cache(read))


@pytest.fixture(autouse=True)
def _forget_the_bundles() -> None:
    """Let Airflow read its DAG bundles anew: from 3.4 on a process keeps those that it has read first."""
    manager = sys.modules.get("airflow.dag_processing.bundles.manager")
    keeps = getattr(manager, "_load_bundle_config_snapshot", None)
    if keeps is not None:
        keeps.cache_clear()


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """moto's S3 on a free port."""
    from moto.server import ThreadedMotoServer

    _read_service_models_once()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def s3(s3_endpoint: str) -> Any:
    """A boto3 client of moto's S3."""
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=s3_endpoint,
        region_name="eu-west-1",
        aws_access_key_id="testing-access-key",
        aws_secret_access_key="testing-secret-key",
    )


@pytest.fixture
def bucket(s3: Any) -> str:
    """An empty bucket of the test's own."""
    name = f"lake-{next(_BUCKETS)}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return name


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's database, in the home of the tests, and what runs DAGs on it in this process."""
    from airflow.utils.db import initdb

    initdb()
    _make_once()


@functools.cache
def _make_once() -> None:
    """Keep what a DAG run in this process would make anew for each task."""
    from airflow.sdk.execution_time import supervisor
    from jsonschema.validators import Draft202012Validator

    # Below Airflow 3.3 each task has an API server of its own, with its threads; from 3.3 on Airflow keeps one.
    if not hasattr(supervisor.in_process_api_server, "cache_info"):
        supervisor.in_process_api_server = functools.cache(supervisor.in_process_api_server)

    # The schemas of the forms are few, and Airflow checks each of them for each task.
    check = Draft202012Validator.check_schema
    good: set[str] = set()

    def check_new(schema: Any) -> None:
        said = json.dumps(schema, sort_keys=True)
        if said not in good:
            check(schema)
            good.add(said)

    Draft202012Validator.check_schema = staticmethod(check_new)


@pytest.fixture(scope="session")
def encord_server_with_s3(s3_endpoint: str) -> Iterator[EncordEmulator]:
    """The session's emulator that finds only what moto's S3 has."""
    from encord_provider.emulator.server import EncordEmulator

    with EncordEmulator(s3_endpoint=s3_endpoint) as emulator:
        yield emulator


@pytest.fixture
def encord(
    encord_server_with_s3: EncordEmulator, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EncordEmulator]:
    """The same with an empty state, and the connections ``encord_default`` and ``aws_default``."""
    emulator = encord_server_with_s3
    emulator.reset()
    aws = {
        "conn_type": "aws",
        "login": "testing-access-key",
        "password": "testing-secret-key",
        "extra": {"endpoint_url": s3_endpoint, "region_name": "eu-west-1"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_ENCORD_DEFAULT", json.dumps(emulator.connection_json()))
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(aws))
    yield emulator
    emulator.clear_faults()


@pytest.fixture
def serve(
    airflow_database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], Any]:
    """Put a DAG file into the one DAG bundle of Airflow, and give the DAG."""

    def served(dag_id: str, text: str) -> Any:
        folder = tmp_path / "dags"
        folder.mkdir(exist_ok=True)
        (folder / f"{dag_id}.py").write_text(text, encoding="utf-8")
        bundle = {
            "name": "own",
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(folder)},
        }
        dag = load(dag_id, bundle, monkeypatch)
        save_dags()
        return dag

    from tests.helpers.dags import load, save_dags  # Airflow may be imported only once its home is set

    monkeypatch.setenv("AIRFLOW__ENCORD__WORKSPACE", (tmp_path / "workspace").as_uri())
    return served
