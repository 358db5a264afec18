import io

import numpy as np
import pytest

from encord_provider.exceptions import MetadataTableError
from encord_provider.schema import check_metadata, parse_schema
from encord_provider.tables import read_embeddings


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def test_each_object_gets_its_vector():
    table = read_embeddings(
        npy(np.array([[1, 2], [3, 4.5]], dtype="float32")), keys=["a.jpg", "b.jpg"], name="clip"
    )
    assert table.get("b.jpg").metadata == {"clip": [3.0, 4.5]}
    schema = parse_schema({"clip": {"type": "embedding", "size": 2}})
    assert check_metadata(table.get("b.jpg").metadata, schema) == {"clip": [3.0, 4.5]}


def test_a_path_is_read_and_named(tmp_path):
    np.save(tmp_path / "clip.npy", np.zeros((1, 3)))
    assert read_embeddings(tmp_path / "clip.npy", keys=["a"], name="clip").source.endswith("clip.npy")


@pytest.mark.parametrize(
    ("data", "keys", "message"),
    [
        (b"not numpy", ["a"], "clip.npy: .*NumPy"),
        (b"", ["a"], "clip.npy: .*NumPy"),
        (npy(np.zeros(3)), ["a"], r"a two-dimensional array of numbers, got shape \(3,\)"),
        (npy(np.array([["x"]])), ["a"], "a two-dimensional array of numbers"),
        (npy(np.zeros((2, 3))), ["a"], "clip.npy: 2 rows, but 1 keys"),
        (npy(np.zeros((2, 3))), ["a", "a"], "clip.npy, record 2.*'a' already has a row on record 1"),
        (npy(np.array([[1.0], [np.nan]])), ["a", "b"], "clip.npy, record 2: NaN or infinity"),
    ],
)
def test_what_cannot_be_embeddings_is_refused(data, keys, message):
    with pytest.raises(MetadataTableError, match=message):
        read_embeddings(data, keys=keys, name="clip", source="clip.npy")


def test_a_pickled_array_is_never_loaded():
    out = io.BytesIO()
    np.save(out, np.array([[{"a": 1}]], dtype=object), allow_pickle=True)
    with pytest.raises(MetadataTableError, match="allow_pickle=False"):
        read_embeddings(out.getvalue(), keys=["a"], name="clip")


def test_the_name_must_be_a_metadata_key():
    with pytest.raises(MetadataTableError, match=r"embeddings.*'a/b' is not a metadata key"):
        read_embeddings(npy(np.zeros((1, 1))), keys=["a"], name="a/b")


def test_the_name_may_be_that_of_the_key_column():
    table = read_embeddings(npy(np.zeros((1, 1))), keys=["a"], name="key")
    assert table.get("a").metadata == {"key": [0.0]}
