"""Connections, configuration and shell commands on the pages are used as they stand, but for paths and addresses."""

from __future__ import annotations

import configparser
import contextlib
import fnmatch
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement

from encord_provider.hooks.encord import EncordHook
from encord_provider.workspace.files import default_workspace
from tests.helpers.dags import load, read_dags, run
from tests.helpers.keys import encrypted_with
from tests.helpers.pages import Block, blocks
from tests.helpers.recordings import QUAY, given_a_dropped_spec, given_imported_recordings, items, short

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

KEY_FILE = "/run/secrets/encord"
BUNDLE = {"name": "encord", "classpath": "encord_provider.bundles.EncordDagBundle", "kwargs": {}}


def json_blocks(kind: str) -> list[Block]:
    """The JSON blocks of a kind: connection, connections, params, policy or spec."""

    def kind_of(block: Block) -> str:
        value = json.loads(block.text)
        if block.target:
            return "spec"
        if "conn_type" in value:
            return "connection"
        if "Statement" in value:
            return "policy"
        if "encord_default" in value:
            return "connections"
        if block.page in (
            "dags/encord_metadata_sync.md",
            "dags/encord_spec_import.md",
            "dags/encord_s3_to_project.md",
        ):
            return block.page
        assert "bucket" in value, f"{block.name} is used by no test"
        return "params"

    return [block for block in blocks("json") if kind_of(block) == kind]


@pytest.fixture
def real(encord: EncordEmulator, tmp_path: Path) -> Callable[[str], str]:
    """Put the emulator's key into the place of the one that a page only hints at."""

    def put(text: str) -> str:
        passphrase = re.search(r'"private_key_passphrase": "([^"]+)"', text)
        key = _protected(encord.private_key, passphrase.group(1)) if passphrase else encord.private_key
        file = tmp_path / "key"
        file.write_text(key)
        file.chmod(0o600)
        text = text.replace(KEY_FILE, str(file))
        begin, end = "-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"
        body = "".join(key.strip().splitlines()[1:-1])
        return re.sub(rf"{begin}(\\n| )\.\.\.(\\n| ){end}", lambda _: f"{begin} {body} {end}", text)

    return put


def _protected(key: str, passphrase: str) -> str:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PrivateFormat,
        load_ssh_private_key,
    )

    loaded = load_ssh_private_key(key.encode(), None)
    return loaded.private_bytes(
        Encoding.PEM,
        PrivateFormat.OpenSSH,
        encrypted_with(passphrase),
    ).decode()


def at_the_emulator(hook: EncordHook, emulator: EncordEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send the calls of a checked connection to the emulator."""
    from dataclasses import replace

    checked = hook.credentials
    monkeypatch.setitem(hook.__dict__, "credentials", replace(checked, domain=emulator.url))


@pytest.mark.parametrize("block", json_blocks("connection"), ids=lambda block: block.name)
def test_the_connection_on_the_page_connects(
    block: Block, encord: EncordEmulator, real: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ENCORD_DEFAULT", json.dumps(json.loads(real(block.text))))
    hook = EncordHook()
    domain = json.loads(block.text).get("extra", {}).get("domain", "https://api.encord.com")
    assert hook.credentials.domain == domain
    at_the_emulator(hook, encord, monkeypatch)
    works, message = hook.test_connection()
    assert works, message


def test_the_secrets_backend_on_the_page_gives_the_connection(
    encord: EncordEmulator,
    real: Any,
    shell_environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (connections,) = json_blocks("connections")
    (settings,) = [block for block in blocks("ini") if "[secrets]" in block.text]
    file = tmp_path / "connections.json"
    file.write_text(real(connections.text))
    apply(settings, monkeypatch, {"/run/secrets/connections.json": str(file)})
    # Airflow looks for its backends once, so in a process of its own; no call is made there.
    environment = {name: value for name, value in os.environ.items() if name != "AIRFLOW_CONN_ENCORD_DEFAULT"}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from encord_provider.hooks.encord import EncordHook\n"
            "found = EncordHook().credentials\n"
            "print(found.domain, found.private_key is not None)",
        ],
        env={**environment, "PYTHONPATH": shell_environment["PYTHONPATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip().endswith("https://api.encord.com True"), done.stdout + done.stderr


def apply(block: Block, monkeypatch: pytest.MonkeyPatch, paths: dict[str, str] | None = None) -> None:
    """Set the options of a configuration block, as environment variables."""
    text = block.text
    for shown, used in (paths or {}).items():
        assert shown in text
        text = text.replace(shown, used)
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    for section in parser.sections():
        for option, value in parser[section].items():
            monkeypatch.setenv(f"AIRFLOW__{section.upper()}__{option.upper()}", value)


class TestConfiguration:
    def test_the_bundle_serves_the_bundled_dag_beside_your_own(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from airflow.dag_processing.bundles.manager import DagBundlesManager

        (block,) = [block for block in blocks("ini") if "dag_bundle_config_list" in block.text]
        apply(block, monkeypatch)
        monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(tmp_path))
        bundles = {one.name: one for one in DagBundlesManager().get_all_dag_bundles()}
        assert set(bundles) == {"dags-folder", "encord"}
        bundle = bundles["encord"]
        bundle.initialize()
        assert "encord_s3_import" in read_dags(bundle.path, bundle_name=bundle.name)

    @pytest.mark.parametrize(
        "block",
        [block for block in blocks("ini") if "[encord]" in block.text],
        ids=lambda block: block.name,
    )
    def test_the_workspace_is_the_one_that_tasks_use(
        self, block: Block, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        apply(block, monkeypatch)
        assert f"workspace = {default_workspace()}\n" in block.text
        assert re.fullmatch(r"file:///mnt/\S+|s3://aws_default@\S+", default_workspace())

    def test_the_production_settings_are_options_of_airflow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from airflow.configuration import conf

        (block,) = [block for block in blocks("ini") if "default_deferrable" in block.text]
        apply(block, monkeypatch)
        assert conf.getboolean("operators", "default_deferrable") is True
        assert conf.get("core", "test_connection") == "Enabled"

    def test_every_configuration_block_is_used_above(self) -> None:
        used = ("[secrets]", "dag_bundle_config_list", "[encord]", "default_deferrable")
        assert [block.name for block in blocks("ini") if not any(one in block.text for one in used)] == []


class TestToProject:
    def test_the_parameters_on_the_page_bring_their_day_to_the_project(
        self, lake: Any, airflow_database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__ENCORD__WORKSPACE", (tmp_path / "workspace").as_uri())
        (block,) = json_blocks("dags/encord_s3_to_project.md")
        parameters = json.loads(block.text)
        client = EncordHook().client
        project = client.get_project(client.create_project(parameters["project"], []))
        state, states, _ = run(load("encord_s3_to_project", BUNDLE, monkeypatch), run_conf=parameters)
        assert (state, set(states.values())) == ("success", {"success"}), states
        titles = [row.data_title for row in project.list_label_rows_v2()]
        assert short(titles) == ["crane.mp4", "gate.png", "quay-1.jpg", "quay-2.jpg"]
        assert {title.split("/")[1] for title in titles} == {"dt=2026-05-01"}


class TestBundledDag:
    def parameters(self) -> dict[str, Any]:
        first, _ = json_blocks("params")
        value: dict[str, Any] = json.loads(first.text)
        return value

    @pytest.fixture
    def dag(self, lake: Any, airflow_database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setenv("AIRFLOW__ENCORD__WORKSPACE", (tmp_path / "workspace").as_uri())
        return load("encord_s3_import", BUNDLE, monkeypatch)

    def test_the_parameters_on_the_page_import_their_day(self, dag: Any) -> None:
        state, states, _ = run(dag, run_conf=self.parameters())
        assert (state, set(states.values())) == ("success", {"success"}), states
        found = items("lake/daily")
        assert {title.split("/")[1] for title in found} == {"dt=2026-05-01"}
        assert found["site=oslo/dt=2026-05-01/quay-1.jpg"] == {
            "site": "oslo",
            "weather": "rain",
            "score": 0.5,
        }
        assert len(found) == 4

    def test_every_group_on_the_page_reaches_the_import(self, dag: Any) -> None:
        from tests.helpers.recordings import items

        _, second = json_blocks("params")
        parameters = json.loads(second.text)
        state, _, _ = run(dag, run_conf=parameters)
        assert state == "success"
        sampling = {"$encord": {"config": {"sampling_rate": 0.5}}}
        assert items("lake/videos") == {"oslo: crane.mp4": {"site": "oslo", **sampling}}

    def test_a_key_that_a_group_does_not_have_fails_before_anything_is_listed(self, dag: Any) -> None:
        state, states, _ = run(dag, run_conf={**self.parameters(), "filters": {"includes": ["*.mp4"]}})
        assert (state, states["import.build_spec"]) == ("failed", "failed")

    def test_a_run_may_be_given_another_source_than_the_variable_has(
        self, dag: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from tests.helpers.recordings import items

        variable = {"bucket": "lake", "prefix": "site=*/", "folder": "lake/daily", "integration": "AWS S3"}
        monkeypatch.setenv("AIRFLOW_VAR_ENCORD_S3_IMPORT", json.dumps(variable))
        source = {"kind": "table", "uri": "s3://lake/tables/urls.csv"}
        state, _, _ = run(dag, run_conf={"source": source})
        found = {title.rpartition("/")[2]: metadata for title, metadata in items("lake/daily").items()}
        assert (state, found) == ("success", {"gate.png": {"site": "bergen"}, "quay-1.jpg": {"site": "oslo"}})

    def test_a_day_that_runs_again_changes_nothing(self, dag: Any, encord: EncordEmulator) -> None:
        run(dag, run_conf=self.parameters())
        before = items("lake/daily")
        encord.call(lambda store: store.requests.clear())
        state, _, returned = run(dag, run_conf=self.parameters())
        assert state == "success"
        assert returned["import.import_data"]["items_added"] == 0
        assert (returned["import.patch_metadata"]["patched"], items("lake/daily")) == (0, before)
        assert encord.requests("set_metadata_schema") == encord.requests("patch_items") == []

    def test_a_day_without_objects_is_skipped(self, dag: Any) -> None:
        state, states, _ = run(dag, run_conf={**self.parameters(), "date": "2020-01-01"})
        assert state == "success"
        assert states == {
            "import.set_schema": "success",
            "import.build_spec": "skipped",
            "import.import_data": "skipped",
            "import.patch_metadata": "skipped",
        }

    def test_scheduled_runs_take_the_variable_and_what_a_run_is_given_comes_first(
        self, dag: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from datetime import UTC, datetime

        (block,) = [block for block in blocks("bash") if "airflow variables set" in block.text]
        found = re.search(r"set encord_s3_import '(.*)'", block.text)
        assert found
        monkeypatch.setenv("AIRFLOW_VAR_ENCORD_S3_IMPORT", found.group(1))
        state, _, _ = run(dag, logical_date=datetime(2026, 5, 2, tzinfo=UTC))
        assert (state, len(items("lake/daily"))) == ("success", 4)
        state, _, _ = run(
            dag, logical_date=datetime(2026, 5, 3, tzinfo=UTC), run_conf={"folder": "lake/elsewhere"}
        )
        days = {title.split("/")[1] for title in items("lake/elsewhere")}
        assert (state, days) == ("success", {"dt=2026-05-02"})

    def test_the_policy_on_the_page_permits_what_a_run_asks_of_s3_and_no_more(
        self, dag: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from botocore.client import BaseClient

        (block,) = [one for one in json_blocks("policy") if one.page != "security.md"]
        listing, reading = json.loads(block.text)["Statement"]
        perform = BaseClient._make_api_call
        asked: list[tuple[str, str]] = []

        def noted(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
            asked.append((operation, arguments.get("Prefix") or arguments.get("Key") or ""))
            return perform(client, operation, arguments)

        monkeypatch.setattr(BaseClient, "_make_api_call", noted)
        assert run(dag, run_conf=self.parameters())[0] == "success"
        assert (listing["Action"], reading["Action"]) == ("s3:ListBucket", "s3:GetObject")
        prefixes = listing["Condition"]["StringLike"]["s3:prefix"]
        objects = reading["Resource"].partition(":::")[2]
        refused = [
            (operation, what)
            for operation, what in asked
            if not (
                (operation == "ListObjectsV2" and any(fnmatch.fnmatch(what, one) for one in prefixes))
                or (operation == "GetObject" and fnmatch.fnmatch(f"lake/{what}", objects))
                # Its answer is not needed: a refusal names the region, too.
                or operation == "HeadBucket"
            )
        ]
        assert refused == []
        assert {operation for operation, _ in asked} == {"ListObjectsV2", "GetObject", "HeadBucket"}


class TestOtherBundledDags:
    def test_the_table_on_the_page_reaches_the_items(
        self, lake: Any, airflow_database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__ENCORD__WORKSPACE", (tmp_path / "workspace").as_uri())
        given_imported_recordings()
        (block,) = json_blocks("dags/encord_metadata_sync.md")
        dag = load("encord_metadata_sync", BUNDLE, monkeypatch)
        state, states, returned = run(dag, run_conf=json.loads(block.text))
        assert (state, set(states.values())) == ("success", {"success"}), states
        assert returned["sync.report"]["patched"] == 3
        assert items("lake/daily")[QUAY] == {"weather": "rain", "score": 0.5}

    def test_the_specs_below_the_prefix_on_the_page_are_imported(
        self, lake: Any, airflow_database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__ENCORD__WORKSPACE", (tmp_path / "workspace").as_uri())
        given_a_dropped_spec()
        (block,) = json_blocks("dags/encord_spec_import.md")
        dag = load("encord_spec_import", BUNDLE, monkeypatch)
        state, states, _ = run(dag, run_conf=json.loads(block.text))
        assert (state, set(states.values())) == ("success", {"success"}), states
        assert short(items("lake/handmade")) == ["quay-1.jpg"]
        left = lake.list_objects_v2(Bucket="lake", Prefix="encord/inbox/")["Contents"]
        assert sorted(entry["Key"].rpartition("/")[2] for entry in left) == [
            "one.json",
            "one.json.receipt.json",
        ]


class TestShell:
    def text(self, word: str) -> str:
        (block,) = [block for block in blocks("bash") if word in block.text]
        return block.text

    def shell(self, text: str, environment: dict[str, str]) -> str:
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", text],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @pytest.fixture
    def airflow(self, airflow_database: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
        """Run a command of Airflow that is not on a page, in the Airflow that is here; a new one takes seconds."""
        from airflow.cli.cli_parser import get_parser

        # Some commands set it for their process.
        monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
        parser = get_parser()

        def run_command(*words: str) -> str:
            arguments = parser.parse_args(words)
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                arguments.func(arguments)
            return printed.getvalue()

        return run_command

    def test_the_environment_variable_is_a_connection(
        self,
        encord: EncordEmulator,
        real: Any,
        shell_environment: dict[str, str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        text = real(self.text("export AIRFLOW_CONN"))
        printed = self.shell(f'{text}\nprintf %s "$AIRFLOW_CONN_ENCORD_DEFAULT"', shell_environment)
        monkeypatch.setenv("AIRFLOW_CONN_ENCORD_DEFAULT", printed)
        hook = EncordHook()
        at_the_emulator(hook, encord, monkeypatch)
        assert hook.test_connection()[0]

    def test_the_command_adds_the_connection(
        self,
        real: Any,
        airflow: Callable[..., str],
        shell_environment: dict[str, str],
        tmp_path: Path,
    ) -> None:
        self.shell(real(self.text("airflow connections add")), shell_environment)
        try:
            airflow("connections", "export", str(tmp_path / "connections.json"))
            added = json.loads((tmp_path / "connections.json").read_text())["encord_default"]
            assert added["conn_type"] == "encord"
            assert "private_key_file" in added["extra"]
        finally:
            airflow("connections", "delete", "encord_default")

    def test_the_variable_and_the_backfill(
        self,
        airflow: Callable[..., str],
        lake: Any,
        shell_environment: dict[str, str],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        bundles = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"
        monkeypatch.setenv(bundles, json.dumps([BUNDLE]))
        environment = {**shell_environment, bundles: json.dumps([BUNDLE])}
        airflow("dags", "reserialize")
        self.shell(self.text("airflow variables set"), environment)
        airflow("variables", "export", str(tmp_path / "variables.json"))
        assert json.loads((tmp_path / "variables.json").read_text())["encord_s3_import"]["bucket"] == "lake"
        printed = self.shell(self.text("airflow backfill create"), environment)
        assert sorted(set(re.findall(r"2026-04-0\d", printed))) == ["2026-04-01", "2026-04-02", "2026-04-03"]
        airflow("variables", "delete", "encord_s3_import")

    def test_airflow_finds_the_provider(self, shell_environment: dict[str, str]) -> None:
        printed = self.shell(self.text("airflow providers get"), shell_environment)
        assert "airflow-provider-encord" in printed

    def test_what_is_installed_is_this_distribution_with_an_extra_that_it_has(self) -> None:
        texts = [block.text for block in blocks("bash") if "pip install" in block.text]
        named = [one for text in texts for one in re.findall(r"pip install ['\"]?([^'\"\s]+)", text)]
        assert named
        for wanted in map(Requirement, named):
            ours = metadata(wanted.name)
            assert ours["Name"] == wanted.name
            assert wanted.extras <= set(ours.get_all("Provides-Extra") or ())

    def test_every_make_command_names_a_target_and_tests_that_there_are(self) -> None:
        root = Path(__file__).parents[2]
        targets = set(
            re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        )
        commands = [
            line for block in blocks("bash") for line in block.text.splitlines() if line.startswith("make ")
        ]
        assert commands
        for command in commands:
            assert command.split()[1] in targets, command
            paths = re.findall(r"tests/[\w/.]+", command)
            assert all((root / path).exists() for path in paths), command

    def test_every_command_is_used_above(self) -> None:
        used = (
            "export AIRFLOW_CONN",
            "airflow connections add",
            "airflow variables set",
            "airflow backfill create",
            "airflow providers get",
            "pip install",
            "make ",
        )
        assert [block.name for block in blocks("bash") if not any(one in block.text for one in used)] == []


def test_the_spec_on_the_page_is_one_that_an_import_takes(lake: Any, encord: EncordEmulator) -> None:
    from encord_provider.upload_spec import parse_manifest

    (block,) = json_blocks("spec")
    spec = parse_manifest(block.text, source=block.name)
    assert [unit.title for unit in spec.units] == ["quay-1.jpg"]
    assert spec.skip_duplicate_urls
