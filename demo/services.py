"""The two services that the demo needs, on free loopback ports, and the environment in which Airflow finds them."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.bucket import BUCKET, KEY_PATTERN, PREFIX, REGION, SCHEMA, TABLE_KEY

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROOT = Path(__file__).resolve().parent.parent
DAG_ID = "encord_s3_import"
FOLDER = "Field recordings/Daily import"
_ACCESS_KEY, _SECRET_KEY = "demo-access-key", "demo-secret-key"


@dataclass(frozen=True, kw_only=True)
class Services:
    """Where the running services are.

    :param s3_url: endpoint of the S3 server
    :param encord_url: base URL of the Encord emulator; its page is there too
    :param private_key_path: the key that the emulator accepts
    """

    s3_url: str
    encord_url: str
    private_key_path: Path

    def s3_client(self) -> S3Client:
        """A client of the S3 server."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.s3_url,
            region_name=REGION,
            aws_access_key_id=_ACCESS_KEY,
            aws_secret_access_key=_SECRET_KEY,
        )


@contextmanager
def _s3_server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextmanager
def _emulator(s3_url: str, home: Path, *options: str) -> Iterator[dict[str, str]]:
    command = [sys.executable, "-m", "encord_provider.emulator", "--s3-endpoint", s3_url, *options]
    log_path = home / "emulator.log"
    with log_path.open("wb") as log:
        # Its own session: Ctrl-C reaches only the demo, which then stops things in order.
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, start_new_session=True
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"The Encord emulator did not start:\n{log_path.read_text(errors='replace')}")
        yield json.loads(line)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def services(home: Path, *emulator_options: str) -> Iterator[Services]:
    """Start the S3 server and the emulator; both end with the block.

    :param home: folder for the emulator's key and log
    :param emulator_options: further command-line options of the emulator
    """
    with (
        _s3_server() as s3_url,
        _emulator(s3_url, home, "--key-file", str(home / "encord-key"), *emulator_options) as ready,
    ):
        yield Services(
            s3_url=s3_url, encord_url=ready["url"], private_key_path=Path(ready["private_key_path"])
        )


def airflow_environment(
    home: Path, running: Services, params: Mapping[str, Any], workspace: Path
) -> dict[str, str]:
    """The environment of an Airflow of its own that knows both services and the bundled DAGs.

    :param home: its AIRFLOW_HOME
    :param params: the bundled DAG's parameters for runs that are given none
    :param workspace: where tasks keep specs, receipts and reports
    """
    encord = {
        "conn_type": "encord",
        "extra": {
            "domain": running.encord_url,
            "private_key": running.private_key_path.read_text(),
            "integration": "AWS S3",
        },
    }
    aws = {
        "conn_type": "aws",
        "login": _ACCESS_KEY,
        "password": _SECRET_KEY,
        "extra": {"endpoint_url": running.s3_url, "region_name": REGION},
    }
    bundles = [{"name": "encord", "classpath": "encord_provider.bundles.EncordDagBundle", "kwargs": {}}]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return {
        **inherited,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", "")]),
        "PYTHONPATH": str(ROOT),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
        "AIRFLOW_CONN_ENCORD_DEFAULT": json.dumps(encord),
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(aws),
        # Airflow's server reads reports where the tasks write them.
        "AIRFLOW__ENCORD__WORKSPACE": workspace.as_uri(),
        "AIRFLOW_VAR_ENCORD_S3_IMPORT": json.dumps(params),
    }


def dag_params() -> dict[str, Any]:
    """The parameters with which the bundled DAG imports the demo's bucket."""
    return {
        "bucket": BUCKET,
        "prefix": PREFIX,
        "folder": FOLDER,
        "integration": "",
        "schema": dict(SCHEMA),
        "metadata": {"table": f"s3://{BUCKET}/{TABLE_KEY}", "key_pattern": KEY_PATTERN},
        "media": "auto",
    }
