"""Secrets where they do not belong, in every input: none of them is seen in what is logged, raised, kept or written."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from encord_provider.exceptions import EncordError
from encord_provider.hooks.encord import EncordHook
from tests.helpers.airflow_task import TaskRecord, in_dag
from tests.helpers.kills import silence

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

SECRETS = {
    "amazon": "a1b2c3d4e5f60718293a4b5c6d7e8f90",
    "google": "99887766554433221100ffeeddccbbaa",
    "azure": "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6",
    "password": "hunter2-correct-horse",
}
SIGNED = (
    f"https://lake.s3.amazonaws.com/a.jpg?X-Amz-Date=1&X-Amz-Signature={SECRETS['amazon']}",
    f"https://storage.googleapis.com/lake/b.jpg?X-Goog-Signature={SECRETS['google']}",
    f"https://box.blob.core.windows.net/lake/c.jpg?sv=1&sig={SECRETS['azure']}",
    f"https://me:{SECRETS['password']}@files.example.com/d.jpg",
)
NOWHERE = f"https://127.0.0.1:1/a.json?X-Amz-Signature={SECRETS['amazon']}"
WITH_PASSWORD = f"s3://AKIAEXAMPLE:{SECRETS['password']}@lake/encord"
PEM_BODY = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQyNTUxOQ"
KEY = (
    f"-----BEGIN OPENSSH PRIVATE KEY-----\n{PEM_BODY}\nAAAAIPlantedPlanted\n-----END OPENSSH PRIVATE KEY-----"
)
TOKEN = "eyJhbGciOiJFZERTQSJ9.cGxhbnRlZHBsYW50ZWQ.c2lnbmF0dXJlc2ln"


def _operators(folder: Path, workspace: str) -> dict[str, Callable[[], Any]]:
    from encord_provider.operators.build_upload_spec import EncordBuildUploadSpecOperator
    from encord_provider.operators.check_metadata import EncordCheckMetadataOperator
    from encord_provider.operators.export_metadata import EncordExportMetadataOperator
    from encord_provider.operators.import_data import EncordImportDataOperator
    from encord_provider.operators.patch_metadata import EncordPatchMetadataOperator
    from encord_provider.operators.read_upload_spec import EncordReadUploadSpecOperator
    from encord_provider.operators.set_schema import EncordSetSchemaOperator

    rows = "object_url,site\n" + "".join(f"{url},x\n" for url in SIGNED)
    (folder / "rows.csv").write_text(rows)
    (folder / "twice.csv").write_text(rows + rows)
    (folder / "broken.json").write_text(
        json.dumps({"images": [{"objectUrl": url, "x": url} for url in SIGNED]})
    )
    (folder / "whole.json").write_text(
        json.dumps({"images": [{"objectUrl": url} for url in SIGNED[:3]], "skip_duplicate_urls": True})
    )
    table = {"kind": "table", "uri": str(folder / "rows.csv")}
    every = {"workspace": workspace}
    return {
        "set_schema": lambda: EncordSetSchemaOperator(task_id="t", schema=WITH_PASSWORD + "/s.yaml"),
        "build": lambda: EncordBuildUploadSpecOperator(task_id="t", source=table, **every),
        "build_away": lambda: EncordBuildUploadSpecOperator(
            task_id="t", source={"kind": "folder", "uri": WITH_PASSWORD}, **every
        ),
        "build_workspace": lambda: EncordBuildUploadSpecOperator(
            task_id="t", source=table, workspace=WITH_PASSWORD
        ),
        "read": lambda: EncordReadUploadSpecOperator(task_id="t", spec=str(folder / "broken.json"), **every),
        "read_url": lambda: EncordReadUploadSpecOperator(task_id="t", spec=NOWHERE, **every),
        "import": lambda: EncordImportDataOperator(
            task_id="t", spec=str(folder / "whole.json"), folder="lake", create_folder=True, **every
        ),
        "import_broken": lambda: EncordImportDataOperator(
            task_id="t",
            spec={"images": [{"objectUrl": url, "x": 1} for url in SIGNED]},
            folder="lake",
            **every,
        ),
        "patch": lambda: EncordPatchMetadataOperator(
            task_id="t",
            metadata=[{"object_url": url, "site": url} for url in SIGNED],
            folder="lake",
            validate=False,
            **every,
        ),
        "patch_twice": lambda: EncordPatchMetadataOperator(
            task_id="t", metadata=str(folder / "twice.csv"), folder="lake", max_unmatched=0, **every
        ),
        "check": lambda: EncordCheckMetadataOperator(
            task_id="t", metadata=str(folder / "rows.csv"), strict=True, **every
        ),
        "export": lambda: EncordExportMetadataOperator(task_id="t", folder=WITH_PASSWORD, **every),
    }


NAMES = (
    *("set_schema", "build", "build_away", "build_workspace", "read", "read_url", "import", "import_broken"),
    *("patch", "patch_twice", "check", "export"),
)
SENT = ("part-00000.json",)
"""What is sent to Encord holds the URLs as they are: it could not read the objects otherwise."""


@pytest.mark.parametrize("name", NAMES)
def test_a_signature_or_a_password_in_an_input_is_seen_nowhere(
    name: str, encord: EncordEmulator, tmp_path: Path
) -> None:
    inputs, seen = tmp_path / "inputs", tmp_path / "seen"
    inputs.mkdir()
    seen.mkdir()
    make = _operators(inputs, (seen / "workspace").as_uri())[name]
    EncordHook().find_folder("lake", create=True)
    encord.inject_fault("unit_error", message=f"cannot read {SIGNED[0]}")
    record = TaskRecord(seen / "airflow.json", task_id="t")

    def listen() -> None:
        silence(seen / "output.log")
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
        logging.basicConfig(level=logging.INFO, filename=seen / "info.log", force=True)
        run = record.run

        def kept(operator: Any) -> Any:
            result = run(operator)
            if result.error is not None:
                text = "".join(traceback.format_exception(result.error, chain=False))
                (seen / "error").write_text(f"{result.error!r}\n{text}")
            return result

        record.run = kept  # type: ignore[method-assign]

    record.run_in_worker(lambda: in_dag(make), prepare=listen)

    known = record.read()
    assert known["rendered"], "the fields of the task were rendered"
    assert known["state"] in ("success", "failed")
    assert (known["state"] == "failed") == (seen / "error").exists()
    for path in seen.rglob("*"):
        if path.is_file() and path.name not in SENT:
            text = path.read_text(errors="replace")
            assert [which for which, secret in SECRETS.items() if secret in text] == [], path.name


FIELDS = (
    *("private_key", "private_key_file", "bearer_token", "private_key_passphrase", "domain", "integration"),
    *(
        "retry_seconds",
        "allow_custom_domain",
        "allow_readable_key_file",
        "password",
        "login",
        "host",
        "schema",
    ),
)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "planted", [KEY, KEY.replace("\n", "\\n"), PEM_BODY, TOKEN, WITH_PASSWORD], ids=str.__len__
)
@pytest.mark.parametrize("beside", [True, False])
def test_a_secret_in_any_field_of_the_connection_is_not_shown(
    field: str,
    planted: str,
    beside: bool,
    encord: EncordEmulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="encord_provider")
    fields: dict[str, Any] = encord.connection_json()["extra"] if beside else {"domain": encord.url}
    outer = {"password", "login", "host", "schema"}
    connection = {"conn_type": "encord", "extra": {**fields, **({} if field in outer else {field: planted})}}
    connection |= {field: planted} if field in outer else {}
    monkeypatch.setenv("AIRFLOW_CONN_ENCORD_DEFAULT", json.dumps(connection))
    said = []
    for act in (
        lambda: EncordHook().get_conn(),
        lambda: EncordHook().find_integration(),
        lambda: EncordHook().test_connection(),
    ):
        try:
            said.append(repr(act()))
        except EncordError as error:
            said += traceback.format_exception(error)
    said += [record.getMessage() for record in caplog.records]
    text = "\n".join(said)
    for piece in (PEM_BODY[40:70], "AAAAIPlantedPlanted", TOKEN.partition(".")[2][:12], SECRETS["password"]):
        assert piece not in text
