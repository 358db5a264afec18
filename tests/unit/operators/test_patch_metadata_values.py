"""EncordPatchMetadataOperator and values: exactly compared, checked first, never rewritten; and refused items."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import DictLoader
from jinja2.sandbox import SandboxedEnvironment

from encord_provider.api.client import EncordApi
from encord_provider.exceptions import (
    EncordAuthenticationError,
    EncordError,
    EncordPermissionError,
    EncordRequestError,
    MetadataValueError,
)
from encord_provider.operators.check_metadata import EncordCheckMetadataOperator
from encord_provider.operators.export_metadata import EncordExportMetadataOperator
from encord_provider.operators.patch_metadata import EncordPatchMetadataOperator
from encord_provider.operators.set_schema import EncordSetSchemaOperator
from encord_provider.options import ItemSelection
from tests.helpers.folders import images, metadata_in, new_folder, register, url
from tests.helpers.operators import run, writes

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

pytestmark = [
    pytest.mark.usefixtures("encord_emulator"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture
def patch(tmp_path: Path) -> Callable[..., Any]:
    def patched(**arguments: Any) -> Any:
        arguments = {"folder": "lake", "workspace": tmp_path.as_uri(), **arguments}
        if "items" in arguments:
            del arguments["folder"]
        return run(EncordPatchMetadataOperator(task_id="patch", **arguments))

    return patched


@pytest.fixture
def report(tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """The lines of the last report, by the key of the row."""

    def read() -> dict[str, Any]:
        (path,) = tmp_path.rglob("report.jsonl")
        return {line["key"]: line for line in map(json.loads, path.read_text().splitlines())}

    return read


def counts(result: Any) -> dict[str, int]:
    return {name: count for name, count in result.items() if isinstance(count, int) and count}


def write_raw(emulator: EncordEmulator, texts: dict[str, str]) -> None:
    """Set the text of the client metadata of items as somebody else may have written it."""
    from encord_provider.emulator.storage.items.models import Items

    def write(store: Any) -> None:
        for uuid, text in texts.items():
            store[Items].get(uuid).metadata = text

    emulator.call(write)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("stored", "given_value"), [(1, True), (True, 1), ("5", 5), (0, None), ([1], [True])]
)
def test_values_of_different_types_are_not_the_same(stored: Any, given_value: Any, patch: Any) -> None:
    folder = new_folder("lake")
    register(folder, images("a.jpg", ok=stored))
    assert counts(patch(metadata={url("a.jpg"): {"ok": given_value}})) == {"patched": 1}
    found = metadata_in(folder)["a.jpg"]["ok"]
    assert orjson.dumps(found) == orjson.dumps(given_value)
    assert counts(patch(metadata={url("a.jpg"): {"ok": given_value}})) == {"unchanged": 1}


def test_a_text_keeps_its_line_ends(patch: Any) -> None:
    folder = new_folder("lake")
    register(folder, images("a.jpg"))
    note = "first\r\nsecond\rthird\n"
    assert counts(patch(metadata={url("a.jpg"): {"note": note}})) == {"patched": 1}
    assert metadata_in(folder)["a.jpg"]["note"] == note


def test_a_file_of_templates_of_ones_own_operator_is_read() -> None:
    class WithFiles(EncordPatchMetadataOperator):
        template_ext = (".tmpl",)

    environment = SandboxedEnvironment(loader=DictLoader({"metadata.tmpl": "for {{ ds }}"}))
    operator = WithFiles(task_id="patch", folder="lake", metadata="metadata.tmpl")
    assert operator.render_template("metadata.tmpl", {"ds": "2026-05-01"}, environment) == "for 2026-05-01"


def test_one_number_in_two_spellings_is_the_same(patch: Any) -> None:
    register(new_folder("lake"), images("a.jpg", n=1, m=2.0))
    assert counts(patch(metadata={url("a.jpg"): {"n": 1.0, "m": 2}})) == {"unchanged": 1}


class TestWhatCannotBeStored:
    WRONG = (
        (math.nan, "nan is not a JSON number"),
        (float("1e999"), "inf is not a JSON number"),
        (2**70, "integer of 71 bits, the limit is 64"),
        ("a\0b", "NUL character"),
        ("\ud800", "half of a surrogate pair"),
        (nested(300), "nested more than 200 deep"),
        ("x" * 10_500_000, "the limit is 10,485,760"),
    )

    @pytest.mark.parametrize(("value", "message"), WRONG)
    @pytest.mark.parametrize("validate", [True, False])
    def test_is_refused_before_anything_is_sent(
        self,
        encord_emulator: EncordEmulator,
        patch: Any,
        tmp_path: Path,
        value: Any,
        message: str,
        validate: bool,
    ) -> None:
        rows = {url(f"{n}.jpg"): {"n": n} for n in range(3)} | {url("bad.jpg"): {"score": value}}
        with pytest.raises(MetadataValueError, match=message) as caught:
            patch(metadata=rows, validate=validate)
        assert "bad.jpg" in str(caught.value)
        assert validate or encord_emulator.requests() == []
        assert writes(encord_emulator) == []
        operator = EncordCheckMetadataOperator(task_id="check", metadata=rows, workspace=tmp_path.as_uri())
        with pytest.raises(MetadataValueError, match=message):
            run(operator)
        with pytest.raises(MetadataValueError, match=f"for_all.*{message}"):
            patch(for_all={"score": value}, validate=validate)

    def test_all_values_are_named_at_once(self, patch: Any, tmp_path: Path) -> None:
        run(EncordSetSchemaOperator(task_id="s", schema={"score": "number", "ok": "boolean"}))
        lines = "".join(f"{n}.jpg,high,maybe\n" for n in range(15))
        (tmp_path / "t.csv").write_text(f"object_key,score,ok\n{lines}")
        with pytest.raises(MetadataValueError) as caught:
            patch(metadata=f"{tmp_path}/t.csv", key="object_key")
        first, *shown, rest = str(caught.value).splitlines()
        assert first == "30 values of 15 rows are wrong:"
        assert len(shown) == 20
        assert "t.csv, line 2, row '0.jpg': 'score' must be a number, got 'high'" in shown[0]
        assert rest == "... and 10 more"

    def test_a_merge_that_becomes_too_large_fails_alone(self, patch: Any, report: Any) -> None:
        folder = new_folder("lake")
        register(folder, images("large.jpg", theirs="x" * 6_000_000))
        register(folder, images("a.jpg"))
        with pytest.raises(EncordError, match=r"1 items; 1 were patched.*limit is 10,485,760"):
            patch(for_all={"ours": "y" * 5_000_000})
        assert set(metadata_in(folder)["large.jpg"]) == {"theirs"}


class TestWhatSomebodyElseWrote:
    THEIRS = '"b":12345678901234567890123,"c":1.50,"d":[1e400,-0]'

    def test_its_numbers_are_sent_back_digit_by_digit(
        self, encord_emulator: EncordEmulator, patch: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        items = register(new_folder("lake"), images("a.jpg"))
        write_raw(encord_emulator, {items["a.jpg"]: f"{{{self.THEIRS}}}"})
        sent: list[bytes] = []

        class CapturedError(Exception):
            pass

        perform = EncordApi.perform

        def captured(api: EncordApi, call: Any) -> Any:
            if call.name == "patch_storage_items":
                sent.append(call.content())
                raise CapturedError
            return perform(api, call)

        monkeypatch.setattr(EncordApi, "perform", captured)
        with pytest.raises(CapturedError):
            patch(metadata={url("a.jpg"): {"a": 1, "c": 1.5}})
        assert f'"clientMetadata":{{{self.THEIRS},"a":1}}'.encode() in sent[0]

    @pytest.mark.parametrize("odd", ["null", "[1]", '{"a": NaN}', "{'a': 1}", '"\\ud800"', '"text"'])
    def test_one_odd_item_does_not_stop_the_others(
        self, encord_emulator: EncordEmulator, patch: Any, report: Any, odd: str, tmp_path: Path
    ) -> None:
        folder = new_folder("lake")
        items = register(folder, images("a.jpg", "odd.jpg", "z.jpg"))
        write_raw(encord_emulator, {items["odd.jpg"]: odd})
        with pytest.raises(EncordError, match=r"1 items; 2 were patched.*odd\.jpg.*its client metadata is"):
            patch(for_all={"n": 1})
        assert report()[url("odd.jpg")]["outcome"] == "failed"
        assert "mode 'replace' overwrites it" in report()[url("odd.jpg")]["reason"]
        export = EncordExportMetadataOperator(task_id="e", folder="lake", workspace=tmp_path.as_uri())
        with pytest.raises(EncordError, match=r"(?s)1 items are not in the table .*odd\.jpg"):
            run(export)
        assert len(next(tmp_path.rglob("metadata.jsonl")).read_text().splitlines()) == 2
        assert counts(patch(for_all={"n": 1}, mode="replace")) == {"patched": 1, "unchanged": 2}
        assert metadata_in(folder) == {name: {"n": 1} for name in ("a.jpg", "odd.jpg", "z.jpg")}


TEXTS = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=5
) | st.sampled_from(["5", "true", "null", "", "[1]", "1e5", "2026-01-01"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(
    SCALARS, lambda one: st.lists(one, max_size=3) | st.dictionaries(TEXTS, one, max_size=2)
)
KEYS = (
    st.sampled_from(
        ["score", "ok", "site", "day", "$encord", "keyframes", "encord_uuid", "encord_prio", "a/b"]
    )
    | TEXTS
)
METADATA = st.dictionaries(KEYS, VALUES, max_size=5)


class TestAnExportThatNobodyEdited:
    @pytest.mark.parametrize("mode", ["merge", "replace"])
    @pytest.mark.parametrize("file_format", ["jsonl", "csv", "parquet"])
    def test_changes_nothing_whatever_the_metadata_and_the_schema_are(
        self, encord_emulator: EncordEmulator, patch: Any, tmp_path: Path, file_format: Any, mode: str
    ) -> None:
        declared = {"score": "number", "ok": "boolean", "site": "varchar", "day": "datetime"}
        run(EncordSetSchemaOperator(task_id="s", schema=declared))
        folder = new_folder("lake")
        items = list(register(folder, images("a.jpg", "b.jpg", "c.jpg")).values())

        @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(METADATA, min_size=3, max_size=3))
        def check(metadata: list[Any]) -> None:
            write_raw(
                encord_emulator,
                {uuid: json.dumps(one) for uuid, one in zip(items, metadata, strict=True)},
            )
            export = EncordExportMetadataOperator(
                task_id="export", folder="lake", file_format=file_format, workspace=tmp_path.as_uri()
            )
            encord_emulator.call(lambda store: store.requests.clear())
            table = run(export)["uri"]
            result = patch(metadata=table, key="uuid", key_column="encord_uuid", mode=mode)
            assert counts(result) == {"unchanged": 3}
            assert writes(encord_emulator) == []

        check()

    def test_only_edited_values_must_fit_the_schema(self, patch: Any, tmp_path: Path) -> None:
        folder = new_folder("lake")
        register(folder, images("a.jpg", score="high", note="5", n=1))
        run(EncordSetSchemaOperator(task_id="s", schema={"score": "number", "site": "varchar"}))
        export = EncordExportMetadataOperator(
            task_id="e", folder="lake", file_format="csv", workspace=tmp_path.as_uri()
        )
        path = Path(run(export)["uri"].removeprefix("file://"))
        text = path.read_text()

        def edited(old: str, new: str) -> Any:
            path.write_text(text.replace(old, new))
            return patch(metadata=str(path), key="uuid", key_column="encord_uuid")

        with pytest.raises(MetadataValueError, match=r"line 2.*'score' must be a number, got 'low'"):
            edited("high", "low")
        with pytest.raises(MetadataValueError, match="integer of 71 bits"):
            edited(",1,", f",{2**70},")
        assert metadata_in(folder)["a.jpg"] == {"score": "high", "note": "5", "n": 1}
        assert counts(edited("high", "7.10")) == {"patched": 1}
        assert metadata_in(folder)["a.jpg"] == {"score": 7.1, "note": "5", "n": 1}


def test_only_the_columns_of_the_exporter_are_left_aside(patch: Any, tmp_path: Path) -> None:
    folder = new_folder("lake")
    register(folder, images("a.jpg", encord_prio="high"))
    (tmp_path / "t.csv").write_text("object_key,encord_name,encord_prio\na.jpg,A,low\n")
    patch(metadata=f"{tmp_path}/t.csv", key="object_key", mode="replace")
    assert metadata_in(folder) == {"a.jpg": {"encord_prio": "low"}}


class TestRefusals:
    @pytest.fixture
    def refuse(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
        """Let Encord refuse every call of a name that holds one of these items; gives the names of all calls."""

        def refused(name: str, uuids: Collection[str], *, status: int) -> list[str]:
            calls: list[str] = []
            perform = EncordApi.perform
            kind = {401: EncordAuthenticationError, 403: EncordPermissionError}.get(
                status, EncordRequestError
            )

            def performed(api: EncordApi, call: Any) -> Any:
                calls.append(call.name)
                if call.name == name and not set(uuids).isdisjoint(
                    call.body.get("itemUuids") or call.body["itemPatches"]
                ):
                    raise kind("Encord says no", status=status)
                return perform(api, call)

            monkeypatch.setattr(EncordApi, "perform", performed)
            return calls

        return refused

    @pytest.fixture
    def items(self) -> dict[str, str]:
        return register(new_folder("lake"), images(*(f"{n}.jpg" for n in range(300))))

    @pytest.mark.parametrize("status", [400, 403, 404, 413, 422])
    @pytest.mark.parametrize("call", ["patch_storage_items", "get_storage_items"])
    def test_single_items_are_found_and_the_others_patched(
        self, patch: Any, items: Any, refuse: Any, report: Any, status: int, call: str
    ) -> None:
        bad = [items["0.jpg"], items["1.jpg"], items["150.jpg"], items["299.jpg"]]
        calls = refuse(call, bad, status=status)
        with pytest.raises(EncordError, match="4 items; 296 were patched"):
            patch(for_all={"n": 1})
        assert calls.count(call) < 70
        failed = {uuid for line in report().values() if line["outcome"] == "failed" for uuid in line["items"]}
        assert failed == set(bad)

    @pytest.mark.parametrize("status", [403, 404])
    def test_items_by_uuid_of_which_one_does_not_exist(
        self, patch: Any, items: Any, refuse: Any, report: Any, status: int
    ) -> None:
        refuse("get_storage_items", [items["7.jpg"]], status=status)
        result = patch(for_all={"n": 1}, items=ItemSelection(uuids=list(items.values())))
        assert counts(result) == {"patched": 299, "unmatched": 1}
        assert report()[items["7.jpg"]]["outcome"] == "unmatched"

    @pytest.mark.parametrize("call", ["patch_storage_items", "get_storage_items"])
    def test_401_ends_at_once(self, patch: Any, items: Any, refuse: Any, call: str) -> None:
        calls = refuse(call, list(items.values()), status=401)
        with pytest.raises(EncordAuthenticationError):
            patch(for_all={"n": 1})
        assert calls.count(call) == 1

    def test_403_of_the_whole_folder_ends_at_once(
        self, patch: Any, items: Any, refuse: Any, encord_emulator: EncordEmulator, monkeypatch: Any
    ) -> None:
        calls = refuse("patch_storage_items", list(items.values()), status=403)
        monkeypatch.setattr("encord_provider.metadata.patch.MetadataPatcher._can_read", lambda *_: False)
        with pytest.raises(EncordPermissionError):
            patch(for_all={"n": 1})
        assert calls.count("patch_storage_items") == 1

    @pytest.mark.parametrize("status", [400, 403])
    def test_what_is_refused_whatever_it_holds_is_not_divided_to_the_end(
        self, patch: Any, items: Any, refuse: Any, report: Any, status: int
    ) -> None:
        calls = refuse("patch_storage_items", list(items.values()), status=status)
        with pytest.raises(EncordError, match=r"300 items; 0 were patched"):
            patch(for_all={"n": 1})
        assert calls.count("patch_storage_items") == 20
        assert "20 calls in a row" in next(iter(report().values()))["reason"]

    def test_items_by_uuid_that_are_all_refused(self, patch: Any, items: Any, refuse: Any) -> None:
        calls = refuse("get_storage_items", list(items.values()), status=403)
        with pytest.raises(EncordPermissionError):
            patch(for_all={"n": 1}, items=ItemSelection(uuids=list(items.values())))
        assert calls.count("get_storage_items") == 20
