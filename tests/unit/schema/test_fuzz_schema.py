"""Whatever a user hands in is read or refused with an error of ours; nothing else comes out."""

import contextlib
import io

import pyarrow
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from encord_provider.exceptions import EncordInputError
from encord_provider.schema import MetadataSchema, check_metadata, merge, parse_schema
from encord_provider.tables import read_embeddings, read_frames, read_table

TYPES = st.sampled_from(
    ["number", "varchar", "enum", "embedding", "deleted", "geospatial", "datetime", "string"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | TYPES
ENTRIES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "options", "size", "hard", "ty", "hint", "values", "deleted_ty"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
DECLARATIONS = st.dictionaries(st.text("ab$ keyframs", max_size=4), ENTRIES, max_size=4)
YAML = st.text("ab:{}[]-,&*!|>'\"#% \n?0e.=<~", max_size=40)
TAGS = st.tuples(
    st.sampled_from(
        ["!!int", "!!float", "!!timestamp", "!!bool", "!!binary", "!!set", "!!omap", "!!map", "!!seq"]
    ),
    st.text("0123-_:.abc \n{}[]", max_size=8),
).map(lambda pair: f"a: {pair[0]} {pair[1]}")
CELLS = st.text('ab,"\n\r;{}: 01', max_size=8)
KEYS = st.sampled_from(["key", "object_url", "frame", "site"])


@given(declaration=DECLARATIONS)
def test_fuzz_declarations(declaration):
    with contextlib.suppress(EncordInputError):
        schema = parse_schema(declaration)
        merge(schema, schema, allow_delete=True)


@given(text=YAML | TAGS | st.binary(max_size=40) | st.text(max_size=40))
def test_fuzz_schema_files(text):
    with contextlib.suppress(EncordInputError):
        parse_schema(text)


@given(body=st.dictionaries(st.text(max_size=3), ENTRIES, max_size=3))
def test_fuzz_schema_answers(body):
    with contextlib.suppress(EncordInputError):
        MetadataSchema.from_wire(body).to_wire()


@given(
    header=st.lists(KEYS | CELLS, max_size=3).map(",".join),
    rows=st.lists(CELLS, max_size=5).map("\n".join),
    name=st.sampled_from(["t.csv", "t.jsonl"]),
)
def test_fuzz_tables(header, rows, name):
    with contextlib.suppress(EncordInputError):
        read_table(f"{header}\n{rows}", source=name)
    with contextlib.suppress(EncordInputError):
        read_frames(f"{header}\n{rows}", source=name)


@given(data=st.binary(max_size=80), name=st.sampled_from(["t.csv", "t.jsonl", "t.parquet"]))
def test_fuzz_table_bytes(data, name):
    with contextlib.suppress(EncordInputError):
        read_table(data, source=name)


def _parquet():
    out = io.BytesIO()
    parquet.write_table(pyarrow.table({"key": ["a", "b"], "n": [1.5, 2.5], "s": ["x", "y"]}), out)
    return out.getvalue()


PARQUET = _parquet()


@given(at=st.integers(0, len(PARQUET) - 1), value=st.integers(0, 255), cut=st.integers(0, len(PARQUET)))
def test_fuzz_damaged_parquet(at, value, cut):
    data = bytearray(PARQUET)
    data[at] = value
    for damaged in (bytes(data), PARQUET[:cut]):
        with contextlib.suppress(EncordInputError):
            read_table(damaged, source="t.parquet")


@given(data=st.binary(max_size=40) | st.binary(max_size=40).map(b"\x93NUMPY\x01\x00".__add__))
def test_fuzz_embeddings(data):
    with contextlib.suppress(EncordInputError):
        read_embeddings(data, keys=["a"], name="clip")


SCHEMA = parse_schema(
    {
        **{name: name for name in ("number", "boolean", "datetime", "varchar", "text", "uuid", "geospatial")},
        "enum": {"type": "enum", "options": ["a", "b"]},
        "embedding": {"type": "embedding", "size": 2},
        "deleted": {"type": "deleted"},
    }
)
DATES = st.text("0123456789-T:.Z+", max_size=26)
VALUES = st.recursive(
    SCALARS | DATES | st.binary(max_size=3), lambda inner: st.lists(inner, max_size=3), max_leaves=4
)


@given(
    metadata=st.dictionaries(
        st.sampled_from([*SCHEMA, "keyframes", "$encord", "$x", "other"]), VALUES, min_size=1, max_size=3
    )
)
def test_fuzz_values(metadata):
    with contextlib.suppress(EncordInputError):
        check_metadata(metadata, SCHEMA)
