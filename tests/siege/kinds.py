"""The kinds of input, each with a generator and with what must hold of input that is accepted.

An attack is made of a random number generator alone. It raises one of our errors, or returns, having asserted that what
came out says what went in. Whatever else it raises is a fault of ours.
"""

from __future__ import annotations

import base64
import csv
import errno
import gzip
import hashlib
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from encord_provider.api import calls
from encord_provider.api.answers import read_answer
from encord_provider.exceptions import EncordConfigError
from encord_provider.hooks.credentials import Credentials
from encord_provider.jobs.journal import FileJournal, Journal
from encord_provider.jobs.receipts import Receipt, Receipts
from encord_provider.listing import PlaceNames, list_inventory, object_urls
from encord_provider.schema import check_metadata, parse_schema
from encord_provider.schema.declare import declaration_of
from encord_provider.sources import source_of
from encord_provider.tables import read_embeddings, read_frames, read_table
from encord_provider.text.json_values import dumps, json_problem, same_json
from encord_provider.text.secrets import redacted
from encord_provider.triggers.upload_job import UploadJobEvent
from encord_provider.upload_spec import KeyPattern, parse_spec, read_index, to_data_items, to_manifest
from encord_provider.upload_spec.sidecars import parse_sidecar
from encord_provider.workspace import files
from encord_provider.workspace.templates import value_of
from tests.siege.mutate import TEXTS, changed, damaged, odd, written

JOB = "6f1f7a9e-0000-4000-8000-000000000001"
FOLDER = "6f1f7a9e-0000-4000-8000-000000000002"


def keys(random: Random) -> None:
    """Object keys: the URL of a key names that object again, and no other."""
    key = "".join(
        random.choice([*TEXTS[:14], "a", "/", "//", "..", "?", "#", "%", "+", " ", "&", "=", "é"])
        for _ in range(5)
    )
    style = random.choice(["virtual-hosted", "path", "s3", "gcs", "endpoint", "azure"])
    endpoint = {"endpoint": "https://minio.example.com", "azure": "box"}.get(style)
    url_for = object_urls("lake", style=style, region="eu-west-1", endpoint=endpoint)
    url = url_for(key)
    assert PlaceNames(url_for, endpoint=endpoint).key_of(url) == key


ROWS = [
    {"object_url": "s3://lake/a.jpg", "site": "x", "score": 1, "tags": ["a"], "where": {"lat": 1.5}},
    {"object_url": "https://h/b.jpg", "site": "y, z", "score": 2.5, "tags": [], "where": None},
]


def csv_tables(random: Random) -> None:
    """CSV: every row has a key, and every value is a text of the file."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, ["object_url", "site", "score"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(
        changed(random, [{"object_url": f"k{n}", "site": "a", "score": "1"} for n in range(3)], most=0)
    )
    writer.writerow(
        {
            "object_url": random.choice(TEXTS).replace("\ud800", ""),
            "site": random.choice(TEXTS[:12])[:99].replace("\ud800", ""),
        }
    )
    content = damaged(random, out.getvalue().encode())
    for row in read_table(content, source="t.csv"):
        assert row.key
        for value in row.metadata.values():
            assert isinstance(value, str)
            assert value.replace('"', "") in content.decode("utf-8-sig").replace('"', "")


def json_tables(random: Random) -> None:
    """JSON Lines: every value is as the line has it."""
    lines = [written(random, changed(random, row)).replace(b"\n", b" ") for row in ROWS]
    content = damaged(random, b"\n".join(lines))
    for row in read_table(content, source="t.jsonl"):
        line = json.loads(content.decode("utf-8-sig").split("\n")[row.line - 1])
        assert row.key in line.values()
        assert all(key in line for key in row.metadata)
        for key, value in row.metadata.items():
            assert json_problem(value) or same_json(value, line[key])


_PARQUET: list[bytes] = []


def parquet_tables(random: Random) -> None:
    """Parquet: the rows of a whole file, or an error."""
    import pyarrow as pa
    from pyarrow import parquet

    if not _PARQUET:
        for compression in ("none", "snappy", "gzip"):
            out = io.BytesIO()
            rows = [{**ROWS[n % 2], "object_url": f"k{n}"} for n in range(40)]
            parquet.write_table(pa.Table.from_pylist(rows), out, compression=compression)
            _PARQUET.append(out.getvalue())
    whole = random.choice(_PARQUET)
    content = damaged(random, whole)
    found = list(read_table(content, source="t.parquet"))
    if content == whole:
        assert [(row.key, row.metadata["site"]) for row in found] == [
            (f"k{n}", ROWS[n % 2]["site"]) for n in range(40)
        ]
    for row in found:
        assert row.key
        dumps(row.metadata)


def embeddings(random: Random) -> None:
    """NumPy: one vector for each key."""
    import numpy as np

    out = io.BytesIO()
    shape = random.choice([*[(3, 4)] * 9, (3,), (0, 4), (3, 0), (3, 4, 2)])
    np.save(out, np.ones(shape, dtype=random.choice(["f4", "f8", "f4", "i2", "U3", "c8", "?"])))
    content = damaged(random, out.getvalue())
    found = list(
        read_embeddings(
            content, keys=["a", "b", "c"], name=random.choice([*["clip"] * 12, *TEXTS[:6]]), source="e.npy"
        )
    )
    assert [row.key for row in found] == ["a", "b", "c"]


def frames(random: Random) -> None:
    """Tables of video frames."""
    rows = [{"object_url": "s3://b/v.mp4", "frame": n, "label": "x"} for n in range(3)]
    content = damaged(
        random, b"\n".join(written(random, changed(random, row)).replace(b"\n", b" ") for row in rows)
    )
    assert all(by_frame for _, by_frame in read_frames(content, source="f.jsonl").items())


SCHEMA = {
    "site": "varchar",
    "score": "number",
    "weather": {"type": "enum", "options": ["sun", "rain"]},
    "clip": {"type": "embedding", "size": 4},
    "at": "datetime",
    "gone": {"type": "deleted", "hard": True},
}


def schemas(random: Random) -> None:
    """Metadata schemas, JSON and YAML: what was read is declared again as the same."""
    if random.random() < 0.5:
        text = written(random, changed(random, SCHEMA))
    else:
        lines = [f"{key}: {json.dumps(value)}" for key, value in SCHEMA.items()]
        text = "\n".join(lines).encode()
        if random.random() < 0.2:
            level = [
                f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, random.randrange(2, 12))
            ]
            text = "\n".join(["a0: &a0 [x, x]", *level]).encode()
    schema = parse_schema(damaged(random, text), source="s.yaml")
    assert declaration_of(parse_schema(declaration_of(schema))) == declaration_of(schema)


def values(random: Random) -> None:
    """Client metadata: what is accepted can be sent, and says what was given."""
    schema = parse_schema(SCHEMA) if random.random() < 0.7 else None
    given = changed(
        random, {"site": "x", "score": 1, "weather": "sun", "clip": [1, 2, 3, 4], "at": "2026-01-01"}
    )
    if not isinstance(given, dict):
        given = {"site": given}
    checked = check_metadata(given, schema)
    assert json.loads(dumps(checked)).keys() == given.keys()


SPEC = {
    "images": [{"objectUrl": "https://h/a.jpg", "title": "a", "clientMetadata": {"site": "x"}}],
    "videos": [
        {
            "objectUrl": "https://h/v.mp4",
            "videoMetadata": {
                "fps": 25.0,
                "duration": 2.0,
                "width": 4,
                "height": 4,
                "file_size": 9,
                "mime_type": "video/mp4",
            },
        }
    ],
    "image_groups": [
        {
            "title": "g",
            "createVideo": False,
            "objectUrl_0": "https://h/0.jpg",
            "objectUrl_1": "https://h/1.jpg",
        }
    ],
    "dicom_series": [{"title": "d", "objectUrl_0": "https://h/0.dcm"}],
    "skip_duplicate_urls": True,
}


def specs(random: Random) -> None:
    """Upload specs in JSON: what is written of what was read is the same, and can be sent."""
    content = damaged(random, written(random, changed(random, SPEC)))
    spec = parse_spec(content, source="s.json", allow_unknown=random.random() < 0.2)
    assert spec.units or spec.extra
    assert to_data_items(spec) or spec.extra
    again = parse_spec(json.dumps(to_manifest(spec)), source="s.json", allow_unknown=True)
    assert sorted(map(repr, again.units)) == sorted(map(repr, spec.units))
    assert again.skip_duplicate_urls == spec.skip_duplicate_urls
    document = json.loads(content.decode("utf-8-sig"))
    urls = sorted(url for url in _urls(document))
    if not spec.extra and not any(unit.extra for unit in spec.units):
        assert sorted(url for unit in spec.units for url in unit.urls) == urls


def _urls(value: Any, inside: bool = False) -> Any:
    for key, member in value.items() if isinstance(value, dict) else ():
        if isinstance(member, list):
            for one in member:
                yield from _urls(one, True)
        elif inside and isinstance(key, str) and key.startswith("objectUrl"):
            yield member


def csv_specs(random: Random) -> None:
    """Upload specs in CSV: every unit has its URL."""
    text = "ObjectURL,Image title\nhttps://h/a.jpg,a\nhttps://h/b.jpg,\nObjectURL,Series title\nhttps://h/1.dcm,d\nhttps://h/2.dcm,d\n"
    content = damaged(random, text.encode())
    spec = parse_spec(content, source="s.csv")
    assert all(
        url in content.decode("utf-8-sig").replace('""', '"') for unit in spec.units for url in unit.urls
    )


ITEM = {
    "uuid": JOB,
    "parent": FOLDER,
    "itemType": "image",
    "name": "a.jpg",
    "url": "https://h/a.jpg",
    "clientMetadata": '{"a": 1}',
}
POLLED = {
    "status": "DONE",
    "unitsDoneCount": 1,
    "unitsErrorCount": 1,
    "unitsCancelledCount": 0,
    "unitsPendingCount": 0,
    "unitErrors": [{"objectUrls": ["https://h/a.jpg"], "error": "no such object"}],
    "errors": [],
    "itemsWithNames": [{"itemUuid": JOB, "name": "a.jpg"}],
}
ANSWERS: tuple[tuple[Any, Any], ...] = (
    (calls.get_upload_job(FOLDER, JOB), POLLED),
    (calls.list_items(FOLDER), {"results": [ITEM], "nextPageToken": "t"}),
    (calls.get_storage_items([JOB]), {"results": [ITEM]}),
    (calls.get_cloud_integrations(), {"result": [{"integrationUuid": JOB, "title": "AWS S3"}]}),
    (calls.get_metadata_schema(), {"site": {"ty": "varchar"}}),
    (calls.cancel_upload_job(FOLDER, JOB), {"unitsCancelledCount": 3}),
    (calls.start_upload_job(calls.UploadRequest(folder=FOLDER)), JOB),
)


def answers(random: Random) -> None:
    """Answers of the server: understood, or one of our errors, or a reason to ask again."""
    call, answer = random.choice(ANSWERS)
    body = damaged(random, written(random, changed(random, answer)))
    status = random.choice([*[200] * 15, 201, 204, 301, 400, 403, 404, 413, 422, 429, 500, 503])
    retry_after = random.choice([None, "3", "-1", "NaN", "1e400", "Thu, 99 Foo 2026", "x" * 999, ""])
    read_answer(call, "https://api.encord.com", status, body, retry_after)


def events(random: Random) -> None:
    """Events of the trigger: read as they are, or refused."""
    event = {
        "status": "finished",
        "jobs": {JOB: "done"},
        "deadline": 1.5,
        "message": "",
        "http_status": None,
        "permanent": False,
    }
    payload = changed(random, event)
    read = UploadJobEvent.from_payload(payload)
    assert isinstance(read.jobs, dict)
    assert all(isinstance(text, str) for pair in read.jobs.items() for text in pair)
    assert isinstance(read.message, str)
    assert read.deadline is None or isinstance(read.deadline, int | float)
    json.dumps(read.as_payload())


_NOT_ALLOWED = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.ENOTEMPTY, errno.EEXIST)


def uris(random: Random) -> None:
    """URIs: the one file that is named is written, or none."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "inside")
        root.mkdir()
        Path(folder, "mine").write_text("mine")
        name = "/".join(
            random.choice([*TEXTS, "a", "mine", "../mine", "#x", "?x", "%41", "A", "@", "..", "b c"])
            for _ in range(2)
        )
        uri = random.choice(["", "file://", "file:", "FILE://", "file:///.."]) + f"{root}/{name}"
        try:
            files.write_whole(uri, b"new")
        except OSError as error:
            # A name that the file system does not allow.
            if error.errno not in _NOT_ALLOWED:
                raise
            return
        assert sorted(path.name for path in Path(folder).iterdir()) == ["inside", "mine"]
        assert Path(folder, "mine").read_text() == "mine"
        (found,) = [path for path in root.rglob("*") if path.is_file()]
        assert str(found) == str(Path(f"{root}/{name}"))
        assert files.read_bytes(uri, aws_conn_id=None) == b"new"


def other_uris(random: Random) -> None:
    """URIs of object stores: bucket and key are what stands in them."""
    text = random.choice(["s3://", "gs://", "abfs://", "s3a:/", "", "nosuch://", "s3://conn@"]) + "".join(
        random.choice([*TEXTS[:20], "lake", "/", "@", ":", "#", "?", "key"]) for _ in range(4)
    )
    found = files.Location.parse(text)
    assert found.path in text
    assert found.bucket in text
    assert ":" not in found.bucket + (found.conn_id or "")


class _Bucket:
    """What the reader of inventories needs of a client of S3."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self._objects = objects

    def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803 - as boto3 has it
        from botocore.exceptions import ClientError

        if Key not in self._objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self._objects[Key])}


def inventories(random: Random) -> None:
    """Manifests and files of S3 inventories: every key of a whole report, or an error."""
    rows = [f'"lake","in/{n:03d}%20a.jpg","{n}"\n' for n in range(50)]
    text = "".join(rows).encode()
    if random.random() < 0.05:
        text = b"x" * 50_000_000 if random.random() < 0.5 else b'"lake","a","1"\n' * 100_000
    data = gzip.compress(text, 1, mtime=0)
    broken = damaged(random, data)
    manifest = {
        "sourceBucket": "lake",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size",
        "files": [{"key": "data/1.csv.gz", "size": 1, "MD5checksum": hashlib.md5(broken).hexdigest()}],
    }
    said = (
        damaged(random, written(random, changed(random, manifest, most=2)))
        if random.random() < 0.7
        else written(random, manifest)
    )
    bucket = _Bucket({"manifest.json": said, "data/1.csv.gz": broken})
    found = [one.key for one in list_inventory(bucket, "reports", "manifest.json")]  # type: ignore[arg-type]
    if data == broken and same_json(_parsed(said), manifest):
        assert len(found) == text.count(b"\n")
    assert found == sorted(found, key=str.encode)


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def journals(random: Random) -> None:
    """Journals in the workspace: read as they were written, or counted as damaged; never half."""
    journal = Journal(token="t", folder=FOLDER, attempt=1, active={})
    content = damaged(random, written(random, changed(random, journal.as_json())))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "journal.json")
        path.write_bytes(content)
        read = FileJournal(str(path)).load()
    if read is not None and not getattr(read, "in_doubt", False):
        assert isinstance(read.token, str)
        assert isinstance(read.folder, str)
        assert isinstance(read.attempt, int)
        assert isinstance(read.gone, int)
        assert isinstance(read.version, int)
        assert all(isinstance(name, str) for name in read.active)


RECEIPT = {
    "part": "part-00000",
    "sha256": "a" * 64,
    "job_id": JOB,
    "state": "done",
    "units": {"done": 3, "failed": 0, "cancelled": 0, "pending": 0},
    "unit_errors": [],
    "errors": [],
    "items_added": 3,
    "attempt": 1,
    "is_whole": True,
}


def receipts(random: Random) -> None:
    """Receipts in the workspace: read as they were written, or taken for missing."""
    content = damaged(random, written(random, changed(random, RECEIPT)))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "part-00000.json").write_bytes(content)
        read = Receipts(folder).read("part-00000", "a" * 64)
    if read is not None:
        assert isinstance(read, Receipt)
        counts = read.job.units
        assert all(
            isinstance(count, int) for count in (counts.done, counts.failed, counts.cancelled, counts.pending)
        )
        assert isinstance(read.job.job_id, str)
        assert isinstance(read.job.items_added, int)
        assert all(isinstance(error, str) for error in read.job.errors)


INDEX = {
    "version": 1,
    "parts": [
        {
            "name": "part-00000.json",
            "units": 1,
            "urls": 1,
            "counts": {"image": 1},
            "sha256": "a" * 64,
            "bytes": 9,
        }
    ],
    "counts": {"image": 1},
    "units": 1,
    "urls": 1,
    "skipped": 0,
    "skip_duplicate_urls": True,
}


def indexes(random: Random) -> None:
    """Indexes of specs in parts."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "index.json")
        path.write_bytes(damaged(random, written(random, changed(random, INDEX))))
        found = read_index(path)
    assert all(isinstance(part.name, str) and isinstance(part.units, int) for part in found.parts)
    assert isinstance(found.skip_duplicate_urls, bool)
    assert isinstance(found.units, int)


def sidecars(random: Random) -> None:
    """Sidecars: the JSON object that they are."""
    content = damaged(random, written(random, changed(random, {"site": "x", "nested": {"a": [1, 2]}})))
    found = parse_sidecar(content, source="a.jpg.json")
    assert same_json(found, json.loads(content.decode("utf-8-sig")))


def patterns(random: Random) -> None:
    """Key patterns: no key of an ordinary length takes long."""
    pieces = [
        "(?P<site>[^/]+)",
        "(a+)+",
        "(?P<x>.*)",
        ".*",
        "$",
        "^",
        "(",
        ")",
        "[",
        "a|a",
        "{1,9999}",
        "\\d",
        "(?=a)",
        "\\1",
        *TEXTS[:12],
    ]
    text = "".join(random.choice(pieces) for _ in range(random.randrange(1, 6)))
    pattern = KeyPattern.compile(text)
    for key in ("site=a/dt=1/x.jpg", "a" * 256, "/" * 256):
        assert all(value in key for value in pattern.metadata(key).values())


def connections(random: Random) -> None:
    """Connections: credentials, or an error that shows nothing of them."""
    secret = base64.b64encode(random.randbytes(40)).decode()
    names = [
        "private_key",
        "private_key_file",
        "bearer_token",
        "private_key_passphrase",
        "domain",
        "integration",
        "retry_seconds",
    ]
    extra = {
        name: random.choice([secret, secret, odd(random)])
        for name in random.sample(names, random.randrange(4))
    }
    try:
        Credentials.from_connection(conn_id="c", password=random.choice([None, secret]), extra=extra)
    except EncordConfigError as error:
        if secret in repr(error):
            raise AssertionError("the error shows a secret") from None
        raise


def parameters(random: Random) -> None:
    """What a template rendered to: read as the type that is wanted, or refused."""
    given = random.choice([odd(random), json.dumps(odd(random), default=str), repr(odd(random))])
    if random.random() < 0.5:
        kind = random.choice([int, float, bool, dict, list])
        found = value_of(given, kind, parameter="p")
        assert found is None or isinstance(found, kind | int)
    else:
        source_of(changed(random, {"kind": "inventory", "manifest": "s3://b/k", "prefix": "a/"}))


def messages(random: Random) -> None:
    """Any text can be looked through for secrets."""
    text = "".join(
        random.choice([*TEXTS, "://", "a:b@", "?sig=", "-----BEGIN PRIVATE KEY-----", "eyJ.", "b3BlbnNzaC1r"])
        for _ in range(30)
    )
    assert redacted(redacted(text)) == redacted(text)


KINDS: dict[str, Callable[[Random], None]] = {
    attack.__name__.replace("_", " "): attack
    for attack in (
        *(
            keys,
            csv_tables,
            json_tables,
            parquet_tables,
            embeddings,
            frames,
            schemas,
            values,
            specs,
            csv_specs,
            answers,
        ),
        *(
            events,
            uris,
            other_uris,
            inventories,
            journals,
            receipts,
            indexes,
            sidecars,
            patterns,
            connections,
        ),
        *(parameters, messages),
    )
}
