"""Every input has a limit of size, depth and time, which the error names."""

from __future__ import annotations

import io
import json
import time
from typing import Any

import pytest

from encord_provider.exceptions import EncordError, MetadataSchemaError, MetadataTableError, UploadSpecError
from encord_provider.schema import parse_schema
from encord_provider.tables import read_table
from encord_provider.tables import records as table_records
from encord_provider.text import limits
from encord_provider.upload_spec import parse_spec
from encord_provider.upload_spec.sidecars import parse_sidecar

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{level}: &a{level}\n  <<: [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10)
)


class TestSchemas:
    @pytest.mark.parametrize(
        ("text", "named"),
        [
            (BOMB, "100,000"),
            (MERGES, "100,000"),
            ("a: &a [*a]\n", "itself"),
            ("a: &a\n  b: *a\n", "itself"),
            ("a: " + "[" * 5000, "200"),
            ("[" * 100_000, "200"),
            ("a: " + "{a: " * 300 + "}" * 300, "200"),
            ("a: varchar\n" * 100_000, "1,048,576"),
        ],
    )
    def test_a_text_that_grows_when_it_is_read_is_refused_in_no_time(self, text: str, named: str) -> None:
        began = time.process_time()
        with pytest.raises(MetadataSchemaError) as caught:
            parse_schema(text, source="keys.yaml")
        assert named in str(caught.value)
        assert "keys.yaml" in str(caught.value)
        assert time.process_time() - began < 5

    def test_an_alias_may_be_used(self) -> None:
        assert len(parse_schema("w: &w {type: enum, options: [a, b]}\nv: *w\n")) == 2


class TestSpecs:
    @pytest.mark.parametrize("indent", [None, 1])
    @pytest.mark.parametrize(
        ("unit", "named"),
        [
            ({"objectUrl": 5}, "objectUrl"),
            ({"objectUrl": "s3://b/k", "titel": "t"}, "did you mean 'title'"),
            ({"objectUrl": "s3://b/k", "x" * 200: "t"}, "xxx"),
        ],
    )
    def test_a_hundred_thousand_wrong_units_are_refused_in_seconds(
        self, indent: int | None, unit: dict[str, Any], named: str
    ) -> None:
        text = json.dumps({"images": [unit] * 100_000}, indent=indent)
        began = time.process_time()
        with pytest.raises(UploadSpecError) as caught:
            parse_spec(text, source="spec.json")
        first, *lines, rest = str(caught.value).split("\n")
        # 316 s once; as much slower as a busy machine may be.
        assert time.process_time() - began < 10
        assert "100000" in first
        assert len(lines) == 20
        assert all(
            "line" in line and named in line and f"images[{at}]" in line for at, line in enumerate(lines)
        )
        assert "99980" in rest
        if indent is None:
            assert len({line.partition("column ")[2].partition(",")[0] for line in lines}) == 20

    def test_a_value_that_is_nested_too_deeply_is_named(self) -> None:
        deep = "[" * 201 + "]" * 201
        with pytest.raises(UploadSpecError, match=r"line 2, column \d+: .*200"):
            parse_spec('{"images": [\n{"objectUrl": ' + deep + "}]}", source="s.json")


class TestTables:
    def test_a_line_that_is_too_long_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(table_records, "MAX_LINE_CHARACTERS", 100)
        line = json.dumps({"key": "a", "b": "x" * 100})
        with pytest.raises(MetadataTableError, match=r"t\.jsonl, line 2: \d+ characters.*100"):
            read_table(('{"key": "k", "b": "y"}\n' + line).encode(), source="t.jsonl")

    def test_a_parquet_table_that_unpacks_to_too_much_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        out = io.BytesIO()
        pq.write_table(pa.table({"key": [str(one) for one in range(20_000)], "x": ["a" * 500] * 20_000}), out)
        assert len(out.getvalue()) < 500_000
        monkeypatch.setattr(table_records, "MAX_TABLE_ROWS", 19_999)
        with pytest.raises(MetadataTableError, match=r"t\.parquet: 20,000 rows.*19,999"):
            read_table(out.getvalue(), source="t.parquet")
        monkeypatch.setattr(table_records, "MAX_TABLE_ROWS", 20_000)
        monkeypatch.setattr(table_records, "MAX_EXPANDED_BYTES", 10_000)
        with pytest.raises(MetadataTableError, match=r"t\.parquet: [\d,]+ bytes once unpacked.*10,000"):
            read_table(out.getvalue(), source="t.parquet")

    def test_an_archive_is_no_array(self) -> None:
        import numpy as np

        from encord_provider.tables import read_embeddings

        out = io.BytesIO()
        np.savez_compressed(out, np.zeros((1000, 1000)))
        with pytest.raises(MetadataTableError, match=r"e\.npy"):
            read_embeddings(out.getvalue(), keys=["a"], name="clip", source="e.npy")

    def test_an_array_that_claims_more_than_it_has_is_refused(self) -> None:
        from encord_provider.tables import read_embeddings

        header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (4000000000, 512), }".ljust(117) + b"\n"
        data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
        with pytest.raises(MetadataTableError, match=r"e\.npy"):
            read_embeddings(data, keys=["a"], name="clip", source="e.npy")


def test_a_sidecar_that_is_nested_too_deeply_is_named() -> None:
    with pytest.raises(MetadataTableError, match=r"a\.jpg\.json.*200"):
        parse_sidecar(b'{"a": ' + b"[" * 300 + b"]" * 300 + b"}", source="a.jpg.json")


def test_a_sidecar_that_is_too_large_is_named() -> None:
    with pytest.raises(MetadataTableError, match=r"a\.jpg\.json.*10,485,760"):
        parse_sidecar(b'{"a": "' + b"x" * limits.MAX_METADATA_BYTES + b'"}', source="a.jpg.json")


def test_a_message_is_never_longer_than_somebody_reads() -> None:
    text = str(EncordError("first\n" + "x" * 1_000_000 + "\nall of them: s3://w/report.jsonl"))
    assert text.startswith("first")
    assert text.endswith("s3://w/report.jsonl")
    assert len(text) < limits.MAX_MESSAGE_CHARACTERS + 100
