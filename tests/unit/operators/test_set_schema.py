"""EncordSetSchemaOperator against the emulator."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.api.calls import save_metadata_schema
from encord_provider.exceptions import EncordError, EncordInputError, MetadataSchemaError
from encord_provider.operators.set_schema import EncordSetSchemaOperator
from encord_provider.schema import parse_schema
from tests.helpers.operators import run, writes

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

DECLARED = {"site": "varchar", "score": "number", "weather": {"type": "enum", "options": ["sun", "rain"]}}


def set_schema(schema: Any, **arguments: Any) -> Any:
    params = arguments.pop("params", {})
    return run(EncordSetSchemaOperator(task_id="set_schema", schema=schema, **arguments), params=params)


def live_keys(emulator: EncordEmulator) -> dict[str, str]:
    """The organisation's schema as the official SDK shows it."""
    from encord import EncordUserClient

    client = EncordUserClient.create_with_ssh_private_key(emulator.private_key, domain=emulator.url)
    schema = client.metadata_schema()
    return {key: str(schema.get_key_type(key)) for key in schema.keys() if schema.get_key_type(key)}  # noqa: SIM118


def test_the_keys_are_there_afterwards_and_the_return_value_says_what_changed(encord: EncordEmulator) -> None:
    assert set_schema(DECLARED) == {
        "added": ["score", "site", "weather"],
        "extended": [],
        "retyped": [],
        "restored": [],
        "deleted": [],
        "unchanged": [],
    }
    assert live_keys(encord) == {"site": "varchar", "score": "number", "weather": "enum"}


def test_doing_it_again_saves_nothing(encord: EncordEmulator) -> None:
    set_schema(DECLARED)
    result = set_schema(DECLARED)
    assert result["unchanged"] == ["score", "site", "weather"]
    assert not any(keys for name, keys in result.items() if name != "unchanged")
    assert writes(encord) == ["set_metadata_schema"]


def test_keys_of_others_and_their_enum_options_stay(encord: EncordEmulator) -> None:
    set_schema({"owner": "varchar", "weather": {"type": "enum", "options": ["snow"]}})
    result = set_schema(DECLARED)
    assert (result["added"], result["extended"], result["unchanged"]) == (
        ["score", "site"],
        ["weather"],
        ["owner"],
    )
    assert set_schema({"weather": {"type": "enum", "options": ["snow", "sun", "rain"]}})["extended"] == []


@pytest.mark.parametrize(
    "form",
    [
        json.dumps,
        lambda declared: json.dumps(declared, indent=2),
        lambda _: "site: varchar\nscore: number\nweather: {type: enum, options: [sun, rain]}\n",
        str,
    ],
    ids=["JSON", "JSON of several lines", "YAML", "a mapping that a template rendered"],
)
def test_a_schema_may_be_text(form: Callable[[Any], str], encord: EncordEmulator) -> None:
    assert set_schema(form(DECLARED))["added"] == ["score", "site", "weather"]


def test_a_schema_may_come_from_a_template(encord: EncordEmulator) -> None:
    result = set_schema("{{ params.schema | tojson }}", params={"schema": DECLARED})
    assert result["added"] == ["score", "site", "weather"]


@pytest.mark.parametrize("name", ["schema.json", "schema.yaml", "schema.yml"])
def test_a_schema_may_be_a_file(name: str, encord: EncordEmulator, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(json.dumps(DECLARED) if name.endswith("json") else "site: varchar\n")
    for uri in (str(path), f"file://{path}"):
        assert "site" in {key for keys in set_schema(uri).values() for key in keys}
    assert "site" in live_keys(encord)


def test_a_schema_may_lie_in_s3(encord: EncordEmulator, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="conf/schema.json", Body=json.dumps(DECLARED))
    assert set_schema(f"s3://{bucket}/conf/schema.json")["added"] == ["score", "site", "weather"]


def test_a_dry_run_shows_the_difference_and_saves_nothing(
    encord: EncordEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    result = set_schema(DECLARED, dry_run=True)
    assert result["added"] == ["score", "site", "weather"]
    assert "+ site: varchar" in capsys.readouterr().out
    assert writes(encord) == []


class TestWhatMustBeAllowed:
    def test_a_new_type(self, encord: EncordEmulator) -> None:
        set_schema({"score": "number"})
        with pytest.raises(MetadataSchemaError, match=r"score.*allow_retype"):
            set_schema({"score": "varchar"})
        assert writes(encord) == ["set_metadata_schema"]
        assert live_keys(encord) == {"score": "number"}
        assert set_schema({"score": "varchar"}, allow_retype=True)["retyped"] == ["score"]
        assert live_keys(encord) == {"score": "varchar"}

    def test_leaving_keys_out_in_mode_replace(self, encord: EncordEmulator) -> None:
        set_schema({"owner": "varchar", "site": "varchar"})
        with pytest.raises(MetadataSchemaError, match=r"owner.*allow_delete"):
            set_schema({"site": "varchar"}, mode="replace")
        assert set(live_keys(encord)) == {"owner", "site"}
        result = set_schema({"site": "varchar"}, mode="replace", allow_delete=True)
        assert (result["deleted"], result["unchanged"]) == (["owner"], ["site"])
        assert set(live_keys(encord)) == {"site"}

    def test_a_deleted_key_comes_back_when_it_is_declared_again(self, encord: EncordEmulator) -> None:
        set_schema({"owner": "varchar", "site": "varchar"})
        set_schema({"site": "varchar"}, mode="replace", allow_delete=True)
        assert set_schema({"owner": "varchar"})["restored"] == ["owner"]
        assert set(live_keys(encord)) == {"owner", "site"}


def test_another_writer_in_between_loses_nothing_and_neither_do_we(
    encord: EncordEmulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    operator = EncordSetSchemaOperator(task_id="set_schema", schema={"site": "varchar"})
    _overwrite_after_saving(operator, monkeypatch, times=1)
    assert run(operator)["added"] == ["site"]
    assert live_keys(encord) == {"site": "varchar", "theirs0": "number"}
    assert "Another writer saved the metadata schema at the same time" in capsys.readouterr().out


def test_a_writer_that_never_rests_is_reported(
    encord: EncordEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = EncordSetSchemaOperator(task_id="set_schema", schema={"site": "varchar"})
    _overwrite_after_saving(operator, monkeypatch, times=100)
    with pytest.raises(EncordError, match="overwritten by another writer 5 times in a row"):
        run(operator)


def _overwrite_after_saving(operator: Any, monkeypatch: pytest.MonkeyPatch, *, times: int) -> None:
    """Be the other writer, who read the schema before we saved it and saves just after."""
    perform = operator.hook.api.perform
    done: list[int] = []

    def performed(call: Any) -> Any:
        answer = perform(call)
        if call.method == "POST" and len(done) < times:
            done.append(1)
            theirs = parse_schema({f"theirs{len(done) - 1}": "number"})
            perform(save_metadata_schema(theirs.to_wire()))
        return answer

    monkeypatch.setattr(operator.hook.api, "perform", performed)


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("[1, 2]", "is a mapping from key to type"),
        ("site: {type: varchar", "line 1"),
        ({"site": "string!"}, "site"),
        ({"keyframes": "number"}, "reserved by Encord"),
        ({"$encord": "varchar"}, "starts with"),
        ({"weather": {"type": "enum"}}, "weather"),
        ({"clip": {"type": "embedding", "size": 0}}, "clip"),
        ('{"site": "varchar", "site": "number"}', "'site' is given twice"),
    ],
)
def test_a_malformed_schema_is_refused_and_nothing_is_sent(
    schema: Any, says: str, encord: EncordEmulator
) -> None:
    with pytest.raises(MetadataSchemaError, match=says):
        set_schema(schema)
    assert encord.requests() == []


def test_a_schema_file_that_is_not_there_is_named(encord: EncordEmulator, tmp_path: Path) -> None:
    with pytest.raises(EncordInputError, match=f"There is no file {tmp_path}/schema.yaml"):
        set_schema(f"{tmp_path}/schema.yaml")
    assert encord.requests() == []


def test_an_unknown_mode_is_refused(encord: EncordEmulator) -> None:
    with pytest.raises(MetadataSchemaError, match="use 'merge' or 'replace'"):
        set_schema(DECLARED, mode="overwrite")
    assert writes(encord) == []
