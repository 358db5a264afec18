"""``python -m encord_provider.emulator`` and the in-process form."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from encord_provider.emulator.server import EncordEmulator

if TYPE_CHECKING:
    from collections.abc import Iterator


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "encord_provider.emulator", *arguments]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any], float]]:
    """The process, its ready line, and how long it took."""
    began = time.monotonic()
    options = ["--key-file", str(tmp_path / "key"), "--seed", "5", "--set", "units_per_second=7", "--set"]
    options += ["skipped_units_in_result=true", "--fault", '{"kind": "status", "status": 503, "count": 1}']
    process = subprocess.Popen(command(*options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    yield process, json.loads(line), time.monotonic() - began
    process.kill()
    process.communicate()


def test_it_says_in_one_line_that_it_is_ready_and_stops_when_told(
    started: tuple[subprocess.Popen[str], dict[str, Any], float], tmp_path: Path
) -> None:
    process, ready, seconds = started

    state = requests.get(ready["url"] + "/_emulator/state", timeout=10).json()
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=20)

    assert set(ready) == {"url", "private_key_path"}
    assert ready["private_key_path"] == str(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert (state["seed"], state["settings"]["units_per_second"]) == (5, 7.0)
    assert state["settings"]["skipped_units_in_result"] is True
    assert [fault["status"] for fault in state["faults"]] == [503]
    assert rest == ""
    assert process.returncode == 0
    assert seconds < 10


def test_starting_imports_neither_the_sdk_nor_an_aws_library() -> None:
    script = (
        "import sys; from encord_provider.emulator.server import EncordEmulator\n"
        "with EncordEmulator():\n"
        "    print([name for name in ('encord', 'boto3', 'botocore', 'aiohttp') if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert output.strip() == "[]"


def test_it_shares_no_code_with_the_rest_of_the_package() -> None:
    script = (
        "import sys; import encord_provider.emulator.cli\n"
        "print([name for name in sys.modules if name.startswith('encord_provider.')"
        " and not name.startswith('encord_provider.emulator')])"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert output.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--host", "api.encord.com"], "does not pose as api.encord.com"),
        (["--host", "0.0.0.0"], "not a loopback address"),
        (["--set", "speed=1"], "unknown setting 'speed'"),
        (["--set", "units_per_second=fast"], "takes a float"),
        (["--set", "upsert=destroy"], "one of replace, merge"),
        (["--fault", '{"kind": "x"}'], "kind must be one of"),
        (["--clock-speed", "-1"], "clock speed -1.0 is not usable"),
    ],
)
def test_what_it_cannot_do_it_says_before_it_starts(arguments: list[str], complaint: str) -> None:
    done = subprocess.run(command(*arguments), capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stdout == ""


def test_a_key_file_is_used_again_and_a_wrong_one_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with EncordEmulator(key_file=path) as first:
        key = first.private_key
    with EncordEmulator(key_file=path) as second:
        assert second.private_key == key
    path.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n")

    with pytest.raises(ValueError, match="does not hold") as caught:
        EncordEmulator(key_file=path).start()

    assert "c2VjcmV0" not in str(caught.value)


def test_a_taken_port_is_an_error(encord_emulator: EncordEmulator) -> None:
    port = int(encord_emulator.url.rpartition(":")[2])

    with pytest.raises(OSError, match="in use"):
        EncordEmulator(port=port).start()


def test_the_fixture_makes_an_airflow_connection(
    encord_emulator: EncordEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    connection = json.loads(os.environ["AIRFLOW_CONN_ENCORD_DEFAULT"])

    assert connection["conn_type"] == "encord"
    assert connection["extra"] == {"domain": encord_emulator.url, "private_key": encord_emulator.private_key}


def test_labels_and_ontologies_are_out_of_scope(encord_emulator: EncordEmulator) -> None:
    got = requests.get(encord_emulator.url + "/v2/public/ontologies/x", timeout=10)

    assert got.status_code == 501
    assert "not labels, ontologies or models" in got.json()["message"]


def test_a_reset_forgets_everything_and_answers_who_waits(
    encord_emulator: EncordEmulator, folder: Any, aws: str
) -> None:
    encord_emulator.inject_fault("job_stuck")
    encord_emulator.change_settings(units_per_second=1)
    folder.add_private_data_to_folder_start(aws, {"images": [{"objectUrl": "s3://b/0.jpg"}]})

    state = requests.post(encord_emulator.url + "/_emulator/reset", timeout=10).json()

    assert state["counts"]["items"] == 0
    assert set(state["counts"].values()) == {0}
    assert state["faults"] == []
    assert state["settings"]["units_per_second"] == 500


def test_the_log_and_the_jobs_are_given_in_part(
    encord_emulator: EncordEmulator, folder: Any, aws: str
) -> None:
    control = encord_emulator.url + "/_emulator/"
    jobs = [
        str(folder.add_private_data_to_folder_start(aws, {"images": [{"objectUrl": f"s3://b/{number}.jpg"}]}))
        for number in range(3)
    ]

    log = requests.get(control + "requests", timeout=10).json()

    assert [job["uuid"] for job in requests.get(control + "jobs?limit=2", timeout=10).json()] == [
        jobs[2],
        jobs[1],
    ]
    assert requests.get(control + "requests?limit=2", timeout=10).json() == log[-2:]
    assert requests.get(f"{control}requests?after={log[1]['number']}", timeout=10).json() == log[2:]
    assert requests.get(control + "requests?after=x", timeout=10).status_code == 400


@pytest.mark.parametrize(
    ("origin", "status"), [("https://evil.example.com", 403), ("null", 403), (None, 200)]
)
def test_other_web_pages_cannot_steer_it(
    encord_emulator: EncordEmulator, origin: str | None, status: int
) -> None:
    headers = {"Origin": origin} if origin else {}

    got = requests.post(encord_emulator.url + "/_emulator/reset", headers=headers, timeout=10)

    assert got.status_code == status


def test_the_command_for_people_says_what_to_open_and_how_airflow_reaches_it(tmp_path: Path) -> None:
    code = "from encord_provider.emulator.__main__ import command; raise SystemExit(command())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "--key-file", str(tmp_path / "a key")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first, second, third = (process.stdout.readline() for _ in range(3))
    url = first.split("open ")[1].split(" ")[0]
    assert requests.get(url, timeout=10).ok
    (assignment,) = shlex.split(second.split("export ")[1])
    name, _, value = assignment.partition("=")
    extra = json.loads(value)["extra"]
    assert name == "AIRFLOW_CONN_ENCORD_DEFAULT"
    assert extra == {"domain": url, "private_key_file": str(tmp_path / "a key")}
    assert "Ctrl-C" in third
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 0
