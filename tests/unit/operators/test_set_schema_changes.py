"""What EncordSetSchemaOperator does to keys that exist, and with another writer at the same time."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.exceptions import MetadataSchemaError
from encord_provider.hooks.encord import EncordHook
from encord_provider.operators.set_schema import EncordSetSchemaOperator
from tests.helpers.operators import run, writes

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

pytestmark = pytest.mark.usefixtures("encord_emulator")


def set_schema(schema: Any, **arguments: Any) -> Any:
    result = run(EncordSetSchemaOperator(task_id="set_schema", schema=schema, **arguments))
    return {name: keys for name, keys in result.items() if keys}


def sdk() -> Any:
    """The organisation's schema as the official SDK reads it."""
    return EncordHook().client.metadata_schema()


def test_every_type_is_saved_as_the_sdk_reads_it() -> None:
    scalars = ("number", "boolean", "datetime", "varchar", "text", "uuid")
    declared = {
        **{f"my {name}": name for name in scalars},
        "alias.string": "string",
        "alias.long": "long_string",
        "weather": {"type": "enum", "options": ["sun", "rain"]},
        "clip": {"type": "embedding", "size": 512},
        "where": "geospatial",
    }
    set_schema(declared)
    schema = sdk()
    assert {name: schema.get_key_type(f"my {name}") for name in scalars} == {name: name for name in scalars}
    assert (schema.get_key_type("alias.string"), schema.get_key_type("alias.long")) == ("varchar", "text")
    assert sorted(schema.get_enum_options("weather")) == ["rain", "sun"]
    assert schema.get_embedding_size("clip") == 512
    assert schema.get_key_type("where") == "geospatial"


@pytest.mark.parametrize("name", ["schema.json", "schema.yaml"])
def test_a_file_declares_what_a_mapping_does(tmp_path: Path, name: str) -> None:
    text = json.dumps({"site": "varchar"}) if name.endswith("json") else "site: varchar\n"
    (tmp_path / name).write_text(text)
    assert set_schema(f"file://{tmp_path}/{name}") == {"added": ["site"]}


def test_a_scalar_changes_its_type_only_when_told() -> None:
    set_schema({"n": "number", "weather": {"type": "enum", "options": ["sun"]}})
    with pytest.raises(MetadataSchemaError, match="'n': is number and would become text; set allow_retype"):
        set_schema({"n": "text"})
    assert set_schema({"n": "text"}, allow_retype=True) == {"retyped": ["n"], "unchanged": ["weather"]}
    assert sdk().get_key_type("n") == "text"
    with pytest.raises(MetadataSchemaError, match="Encord retypes scalar keys only"):
        set_schema({"weather": "text"}, allow_retype=True)


def test_an_enum_gets_options_and_keeps_the_others() -> None:
    set_schema({"weather": {"type": "enum", "options": ["sun", "rain"]}})
    assert set_schema({"weather": {"type": "enum", "options": ["snow"]}}) == {"extended": ["weather"]}
    assert sorted(sdk().get_enum_options("weather")) == ["rain", "snow", "sun"]


def test_deleted_softly_restored_and_deleted_for_good() -> None:
    set_schema({"a": "number", "b": "text"})
    gone = {"a": {"type": "deleted"}}
    with pytest.raises(MetadataSchemaError, match="'a': is number and would be deleted; set allow_delete"):
        set_schema(gone)
    assert set_schema(gone, allow_delete=True)["deleted"] == ["a"]
    assert (sdk().is_key_deleted("a"), sdk().has_key("b")) == (True, True)
    assert set_schema({"a": "number"})["restored"] == ["a"]
    assert sdk().get_key_type("a") == "number"

    for_good = {"a": {"type": "deleted", "hard": True}}
    assert set_schema(for_good, allow_delete=True)["deleted"] == ["a"]
    assert set_schema(for_good, allow_delete=True) == {"unchanged": ["a", "b"]}
    with pytest.raises(MetadataSchemaError, match="deleted for good, which Encord cannot undo"):
        set_schema({"a": "number"})


def test_a_dry_run_shows_each_change_and_saves_none(
    encord_emulator: EncordEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    set_schema({"n": "number", "old": "text", "weather": {"type": "enum", "options": ["sun"]}})
    encord_emulator.call(lambda store: store.requests.clear())
    wanted = {
        "n": "varchar",
        "old": {"type": "deleted"},
        "weather": {"type": "enum", "options": ["rain"]},
        "new": "uuid",
    }
    set_schema(wanted, dry_run=True, allow_retype=True, allow_delete=True)
    shown = capsys.readouterr().out
    for line in ("+ new: uuid", "! n: number -> varchar", "~ weather: enum gets rain", "- old: text"):
        assert line in shown
    assert writes(encord_emulator) == []


def test_two_writers_at_once_both_keep_their_keys() -> None:
    barrier = threading.Barrier(2)
    failed: list[BaseException] = []

    def writer(prefix: str) -> None:
        try:
            for number in range(3):
                barrier.wait(timeout=30)
                set_schema({f"{prefix}{number}": "number"})
        except BaseException as error:
            failed.append(error)
            barrier.abort()

    threads = [threading.Thread(target=writer, args=(prefix,)) for prefix in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failed == []
    assert set(sdk().keys()) == {f"{prefix}{number}" for prefix in ("a", "b") for number in range(3)}
