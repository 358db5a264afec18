"""Whatever a user hands in is read or refused with an error of ours; nothing else comes out.

The long run: ``HYPOTHESIS_PROFILE=fuzz FUZZ_EXAMPLES=50000 python -m pytest tests/unit -k fuzz``.
"""

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from encord_provider.exceptions import EncordInputError
from encord_provider.listing import object_urls, parse_object_url
from encord_provider.upload_spec import KeyPattern, parse_manifest, parse_spec, to_data_items, to_manifest
from encord_provider.upload_spec.media_types import MEDIA_TYPES

WORDS = st.sampled_from(
    [
        *MEDIA_TYPES.arrays,
        *(
            "title",
            "objectUrl",
            "objectUrl_0",
            "objectUrl_1",
            "clientMetadata",
            "createVideo",
            "scene",
            "settings",
        ),
        *("videoMetadata", "imageMetadata_0", "dicomMetadata_0", "tags", "uri", "skip_duplicate_urls", ""),
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["https://h/1", "s3://b/k", "t"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
ITEMS = st.dictionaries(WORDS, VALUES, max_size=5)
DOCUMENTS = st.dictionaries(
    st.sampled_from(list(MEDIA_TYPES.arrays)), st.lists(ITEMS | VALUES, max_size=3), max_size=4
)
SPLICE = st.tuples(st.integers(0, 400), st.integers(0, 5), st.binary(max_size=4))
CSV_TEXT = st.lists(
    st.lists(
        st.sampled_from(
            ["ObjectURL", "Video title", "Image group title", "Create video", "Series title", "true", ""]
        )
        | st.text('",\n;ab ', max_size=4)
        | st.just("https://h/1"),
        max_size=4,
    ).map(",".join),
    max_size=6,
).map("\n".join)


@given(document=DOCUMENTS | VALUES, allow_unknown=st.booleans())
def test_fuzz_parsed_documents(document, allow_unknown):
    with contextlib.suppress(EncordInputError):
        spec = parse_manifest(json.dumps(document), allow_unknown=allow_unknown)
        to_data_items(parse_manifest(to_manifest(spec), allow_unknown=allow_unknown))


@given(document=DOCUMENTS, splices=st.lists(SPLICE, max_size=3))
def test_fuzz_json_bytes(document, splices):
    data = json.dumps(document, indent=1).encode()
    for at, length, inserted in splices:
        data = data[:at] + inserted + data[at + length :]
    with contextlib.suppress(EncordInputError):
        parse_spec(data, source="spec.json")


@given(data=st.binary(max_size=60) | CSV_TEXT.map(str.encode) | CSV_TEXT, by_extension=st.booleans())
def test_fuzz_csv(data, by_extension):
    with contextlib.suppress(EncordInputError):
        parse_manifest(to_manifest(parse_spec(data, source="spec.csv", by_extension=by_extension)))


@given(
    url=st.text(max_size=40) | st.text("htps3:/[]@.?#%arn-", max_size=30) | st.text().map("https://".__add__)
)
def test_fuzz_object_urls(url):
    with contextlib.suppress(EncordInputError):
        parse_object_url(url)


@given(
    bucket=st.text(max_size=10),
    key=st.text(max_size=20),
    style=st.sampled_from(["virtual-hosted", "path", "s3", "mrap", "gs", "gcs", "azure", "otc", "endpoint"]),
    region=st.none() | st.text(max_size=8),
    endpoint=st.none() | st.text(max_size=12) | st.text(max_size=8).map("http://".__add__),
)
def test_fuzz_writing_object_urls(bucket, key, style, region, endpoint):
    with contextlib.suppress(EncordInputError):
        object_urls(bucket, style=style, region=region, endpoint=endpoint)(key)


@given(text=st.text(max_size=20) | st.text("(?P<ab>)[]*+{1,}\\|^$", max_size=20))
def test_fuzz_key_patterns(text):
    with contextlib.suppress(EncordInputError):
        KeyPattern.compile(text).metadata("a/b")
