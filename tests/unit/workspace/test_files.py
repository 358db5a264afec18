"""The workspace: where a task keeps its files, and how they are read and written."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from encord_provider.exceptions import EncordInputError
from encord_provider.workspace import files as workspace

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator


def context_of(
    *, dag_id: str = "lake", run_id: str = "manual__2026", task_id: str = "import", map_index: int | None = -1
) -> Any:
    return {"ti": SimpleNamespace(dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index)}


def test_a_task_that_names_no_workspace_gets_the_configured_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__ENCORD__WORKSPACE", "s3://aws_default@lake/encord")
    assert (
        workspace.task_folder(None, context_of()) == "s3://aws_default@lake/encord/lake/manual__2026/import"
    )
    assert workspace.task_folder("", context_of()) == "s3://aws_default@lake/encord/lake/manual__2026/import"


def test_without_configuration_it_lies_in_the_airflow_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", "/srv/airflow")
    assert workspace.default_workspace() == "file:///srv/airflow/encord-workspace"
    monkeypatch.delenv("AIRFLOW_HOME")
    assert workspace.default_workspace() == f"file://{Path.home()}/airflow/encord-workspace"


def test_two_runs_and_two_mapped_tasks_have_folders_of_their_own() -> None:
    folders = [
        workspace.task_folder("/w", context_of(run_id="a")),
        workspace.task_folder("/w", context_of(run_id="b")),
        workspace.task_folder("/w", context_of(run_id="b", map_index=None)),
        workspace.task_folder("/w", context_of(run_id="b", map_index=0)),
        workspace.task_folder("/w", context_of(run_id="b", map_index=1)),
    ]
    assert folders == [
        "/w/lake/a/import",
        "/w/lake/b/import",
        "/w/lake/b/import",
        "/w/lake/b/import~0",
        "/w/lake/b/import~1",
    ]


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("scheduled__2026-05-01T00:00:00+00:00", "scheduled__2026-05-01T00-00-00+00-00~"),
        ("../../etc", "-..-etc~"),
        ("..", "-~"),
        ("", "-~"),
        (".hidden", "hidden~"),
        ("a/b\\c", "a-b-c~"),
        ("100 %", "100-~"),
        ("straße", "stra-e~"),
        ("x" * 250, "x" * 200 + "~"),
    ],
)
def test_a_name_becomes_one_segment_of_a_path(text: str, begins: str) -> None:
    name = workspace.safe_name(text)
    assert name.startswith(begins)
    assert re.fullmatch("[0-9a-f]{12}", name.removeprefix(begins))


def test_a_plain_name_stays_as_it_is() -> None:
    assert workspace.safe_name("import.import_data") == "import.import_data"


IDS = st.one_of(
    st.sampled_from(
        ["load", "load.0", "load-0", "load~0", "site:a", "site-a", "eu:1", "eu~1", "импорт_камер", "..", "."]
    ),
    st.text(min_size=1, max_size=250),
    st.text(alphabet="ab.-~:/0", min_size=1, max_size=4),
)
TASKS = st.tuples(IDS, IDS, IDS, st.one_of(st.just(-1), st.integers(0, 12)))


@given(TASKS, TASKS)
@example(("импорт_камер", "r", "t", -1), ("импорт_лидар", "r", "t", -1))
@example(("d", "site:a", "t", -1), ("d", "site-a", "t", -1))
@example(("d", "eu:1", "t", -1), ("d", "eu~1", "t", -1))
@example(("d", "r", "load", 0), ("d", "r", "load.0", -1))
@example(("d", "r", "load", 0), ("d", "r", "load~0", -1))
@example(("d", "r", "x" * 249 + "a", -1), ("d", "r", "x" * 249 + "b", -1))
def test_two_tasks_never_share_a_folder(one: Any, other: Any) -> None:
    def folder(task: Any) -> str:
        dag_id, run_id, task_id, index = task
        return workspace.task_folder(
            "/w", context_of(dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=index)
        )

    for task in (one, other):
        segments = folder(task).split("/")
        assert len(segments) == 5
        assert all(
            re.fullmatch(r"[A-Za-z0-9_=+-][A-Za-z0-9_.=+~-]{0,254}", segment) for segment in segments[2:]
        )
    assert (folder(one) == folder(other)) == (one == other)


@pytest.mark.parametrize("uri", ["", "encord", "./encord", "~/encord"])
def test_a_relative_workspace_is_refused_with_examples(uri: str) -> None:
    with pytest.raises(EncordInputError, match=rf"{uri!r}.*such as file:///data/encord, s3://"):
        workspace.path_of(uri)


def test_a_scheme_without_its_package_names_what_to_install() -> None:
    with pytest.raises(EncordInputError, match=r"'nosuch://lake/encord' cannot be opened"):
        workspace.path_of("nosuch://lake/encord")


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_a_file_is_there_whole_and_read_back(form: str, tmp_path: Path) -> None:
    uri = form.format(tmp_path / "a" / "b.json")
    workspace.write_whole(uri, b"first")
    workspace.write_whole(uri, b"second")
    assert workspace.path_of(uri).read_bytes() == b"second"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.json"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"file://{tmp_path}/journal.json"
    workspace.write_whole(uri, b"old")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        workspace.write_whole(uri, b"new")
    assert Path(tmp_path, "journal.json").read_bytes() == b"old"


def test_a_folder_with_blanks_and_umlauts_serves_too(tmp_path: Path) -> None:
    uri = f"file://{tmp_path}/meine Läufe/100 %/index.json"
    workspace.write_whole(uri, b"{}")
    assert workspace.path_of(uri).read_bytes() == b"{}"
    assert workspace.read_bytes(uri, aws_conn_id=None) == b"{}"


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    uri = f"file://{tmp_path}/journal.json"
    workspace.write_whole(uri, b"{}")
    workspace.remove(uri)
    workspace.remove(uri)
    assert list(tmp_path.iterdir()) == []


def test_children_and_parents_keep_the_connection_in_a_uri() -> None:
    assert workspace.child("s3://aws_lab@lake/encord/", "a", "b.json") == "s3://aws_lab@lake/encord/a/b.json"
    assert workspace.parent("s3://aws_lab@lake/encord/a/b.json") == "s3://aws_lab@lake/encord/a"


class TestReading:
    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(EncordInputError, match=rf"There is no file file://{tmp_path}/labels\.csv"):
            workspace.read_bytes(f"file://{tmp_path}/labels.csv", aws_conn_id=None)

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(EncordInputError, match=f"{tmp_path} cannot be read"):
            workspace.read_bytes(str(tmp_path), aws_conn_id=None)

    def test_an_s3_uri_is_read_with_the_amazon_connection(
        self, encord: EncordEmulator, s3: Any, bucket: str
    ) -> None:
        s3.put_object(Bucket=bucket, Key="a table/100 %.csv", Body=b"key,site\n")
        assert (
            workspace.read_bytes(f"s3://{bucket}/a table/100 %.csv", aws_conn_id="aws_default")
            == b"key,site\n"
        )

    @pytest.mark.parametrize(
        ("uri", "code"), [("s3://{}/none.csv", "NoSuchKey"), ("s3://no-such-{}/x.csv", "NoSuchBucket")]
    )
    def test_what_s3_does_not_have_is_named_with_the_permission_that_reading_takes(
        self, uri: str, code: str, encord: EncordEmulator, bucket: str
    ) -> None:
        uri = uri.format(bucket)
        with pytest.raises(EncordInputError, match=rf"{uri} cannot be read: {code}.*s3:GetObject"):
            workspace.read_bytes(uri, aws_conn_id="aws_default")
