"""The script of the page and what replaces it do the same, and the second knows the items of the first."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from encord_provider.hooks.encord import EncordHook
from tests.helpers.dags import run
from tests.helpers.pages import blocks

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

BEFORE, AFTER = blocks("python", page="migrating.md")
FOLDER = "Daily import"


def run_script(encord: EncordEmulator, s3_endpoint: str, folder: Path) -> str:
    key = folder / "key"
    key.write_text(encord.private_key)
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL_S3": s3_endpoint,
        "AWS_ACCESS_KEY_ID": "testing-access-key",
        "AWS_SECRET_ACCESS_KEY": "testing-secret-key",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "ENCORD_KEY_FILE": str(key),
        "ENCORD_DOMAIN": encord.url,
    }
    done = subprocess.run(
        [sys.executable, "-c", BEFORE.text], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def found() -> list[tuple[str, Any, str]]:
    hook = EncordHook()
    folder = hook.client.get_storage_folder(hook.find_folder(FOLDER))
    items = folder.list_items(include_client_metadata=True)
    return sorted((item.name, item.client_metadata, str(item.uuid)) for item in items)


def test_the_dag_registers_what_the_script_did(
    encord: EncordEmulator, lake: Any, s3_endpoint: str, serve: Callable[[str, str], Any], tmp_path: Path
) -> None:
    assert BEFORE.target == "before"
    assert AFTER.target == "after"
    assert run_script(encord, s3_endpoint, tmp_path) == "2 done 0 failed"
    by_script = found()
    encord.reset()
    state, states, _ = run(serve(AFTER.dag_id, AFTER.text), logical_date=datetime(2026, 5, 2, tzinfo=UTC))
    assert (state, set(states.values())) == ("success", {"success"}), states
    assert [one[:2] for one in found()] == [one[:2] for one in by_script]
