"""The workspace: the folder, on any object storage, that holds upload specs, receipts and reports of runs."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import conf

from encord_provider.exceptions import EncordInputError
from encord_provider.text.limits import MAX_TABLE_BYTES
from encord_provider.text.secrets import redacted
from encord_provider.workspace.s3_path import S3Path

if TYPE_CHECKING:
    from airflow.sdk import Context, ObjectStoragePath

_S3_SCHEMES = frozenset({"s3", "s3a"})
_AS_THEY_STAND = _S3_SCHEMES | {"http", "https"}
"""Schemes whose readers get the whole URI, or the key as it is."""
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_DECODED = re.compile(r"[#?]|%[0-9A-Fa-f]{2}")
"""What some readers of URIs cut off or decode, and others do not."""
_UNSAFE = re.compile(r"[^A-Za-z0-9_.=+-]+")
_LONGEST_NAME = 200
"""Below the 255 bytes that file systems allow, with a hash and an index behind it."""
_PIECE = 16 * 1024 * 1024
_HASH = 12


def default_workspace() -> str:
    """Give the workspace to use when a task names none.

    :returns: the option ``[encord] workspace``, or a folder in ``AIRFLOW_HOME``, which serves while all tasks
        run on one machine.
    """
    configured = conf.get("encord", "workspace", fallback="").strip()
    if configured:
        return str(configured)
    home = os.environ.get("AIRFLOW_HOME", str(Path("~/airflow").expanduser()))
    return f"file://{Path(home).absolute()}/encord-workspace"


def child(uri: str, *names: str) -> str:
    """Give the URI of something below a folder; a connection id in the URI is kept."""
    return "/".join([uri.rstrip("/"), *names])


def parent(uri: str) -> str:
    """Give the URI of the folder that holds something."""
    return uri.rpartition("/")[0]


@dataclass(frozen=True, kw_only=True)
class Location:
    """What a URI names.

    :param scheme: ``file``, ``s3``, or that of another object store.
    :param conn_id: the Airflow connection before the ``@``, or None.
    :param bucket: the bucket or container; empty for a local file.
    :param path: what follows the bucket, or the absolute local path.
    """

    scheme: str
    conn_id: str | None
    bucket: str
    path: str

    @classmethod
    def parse(cls, uri: str) -> Location:
        """Read a URI such as ``file:///data``, ``/data`` or ``s3://aws_default@bucket/folder``.

        What is written behind the bucket or ``file://`` is the path, as it stands: nothing is decoded or cut off.
        What other readers of URIs would decode or cut off is refused therefore, but in S3, whose keys may hold it, and
        of web servers, which are asked for the whole of it.

        :raises EncordInputError: for anything that is not such a URI, or that might name another file than it seems.
        """
        scheme, separator, rest = uri.partition("://")
        scheme = scheme.lower()
        if uri.startswith("/"):
            scheme, rest = "file", uri
        elif not separator or not _SCHEME.fullmatch(scheme):
            raise EncordInputError(
                f"{shown_uri(uri)} is not a URI: give one such as file:///data/encord, "
                "s3://aws_default@my-bucket/encord or an absolute path."
            )
        netloc, _, path = ("", "", rest.removeprefix("/")) if rest.startswith("/") else rest.partition("/")
        user, at, bucket = netloc.rpartition("@")
        problem = None
        if ":" in netloc or (at and not user):
            problem = "has a user name or password in it: name an Airflow connection before the @"
        elif _CONTROL.search(uri):
            problem = "has a control character or half of a surrogate pair in it"
        elif scheme == "file" and netloc:
            problem = f"names the machine {netloc!r}: a local file has three slashes, file:///data"
        elif scheme != "file" and not bucket:
            problem = "names no bucket"
        elif any(segment in ("..", ".") for segment in path.split("/")):
            problem = "has a '..' or '.' in its path"
        elif scheme not in _AS_THEY_STAND and (found := _DECODED.search(rest)):
            problem = (
                f"has {found.group()!r} in it, which may be read as something else: rename the folder or file"
            )
        if problem is not None:
            raise EncordInputError(f"{shown_uri(uri)} {problem}.")
        path = f"/{path}" if scheme == "file" else path
        return cls(scheme=scheme, conn_id=user or None, bucket=bucket, path=path)


def shown_uri(uri: str) -> str:
    """Give a URI for a message, without a secret and not too long."""
    text = redacted(uri)
    return repr(text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}...")


def path_of(uri: str) -> ObjectStoragePath | S3Path:
    """Open a URI such as ``file:///data``, ``/data`` or ``s3://aws_default@bucket/folder``.

    :returns: a path; making its folders never creates a bucket.
    :raises EncordInputError: if it is no such URI (:meth:`Location.parse`), or the package for its scheme is not
        installed.
    """
    location = Location.parse(uri)
    if location.scheme in _S3_SCHEMES:
        return S3Path(location.bucket, location.path, location.conn_id)
    try:
        path = _object_storage_path(location, uri)
        path.fs  # noqa: B018 - opens the file system, which is where a missing package shows
    except (ImportError, ValueError) as error:
        raise EncordInputError(f"{shown_uri(uri)} cannot be opened: {error}.") from None
    return path


def _object_storage_path(location: Location, uri: str) -> ObjectStoragePath:
    from airflow.sdk import ObjectStoragePath

    return ObjectStoragePath(f"file://{location.path}") if location.scheme == "file" else _bucket_path()(uri)


@cache
def _bucket_path() -> type[ObjectStoragePath]:
    from airflow.sdk import ObjectStoragePath

    class BucketPath(ObjectStoragePath):
        """A path in an object store, whose folders need not be made, and whose buckets must not."""

        __slots__ = ()

        def mkdir(self, *_: Any, **__: Any) -> None:
            """Do nothing."""

    return BucketPath


def safe_name(text: str) -> str:
    """Turn a run id or task id into one path segment, which no other text gives.

    A text with characters that a path cannot have gets a hash behind a ``~``, which stands in no other segment. So do
    dots at its ends, which could climb, and a long text, of which the beginning is kept.
    """
    cleaned = _UNSAFE.sub("-", text).strip(".")[:_LONGEST_NAME]
    if cleaned == text and text:
        return text
    return f"{cleaned or '-'}~{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:_HASH]}"


def run_folder(workspace: str | None, *, dag_id: str, run_id: str) -> str:
    """Give the URI of the folder of a run, in which its tasks have theirs: workspace, DAG, run.

    :param workspace: the URI of the workspace; None or empty for the default one.
    :param dag_id: the DAG.
    :param run_id: its run.
    """
    return child(workspace or default_workspace(), safe_name(dag_id), safe_name(run_id))


def folder_memories(workspace: str | None) -> str:
    """Give the URI below which is kept what is known of storage folders from one run to the next.

    :param workspace: the URI of the workspace; None or empty for the default one.
    """
    # With a ~ in front, as no DAG's folder has it.
    return child(workspace or default_workspace(), "~folders")


def task_folder(workspace: str | None, context: Context) -> str:
    """Give the URI of the folder of one task of one DAG run: workspace, DAG, run, task.

    Two runs of the same day at once have two folders, so that neither disturbs the other. All attempts of a task
    have the same one.

    :param workspace: the URI of the workspace; None or empty for the default one.
    :param context: the task's context.
    """
    instance = context["ti"]
    index = instance.map_index
    # Behind a ~, as no task id has it: load.0 may be another task.
    mapped = f"~{index}" if index is not None and index >= 0 else ""
    run = run_folder(workspace, dag_id=instance.dag_id, run_id=instance.run_id)
    return child(run, f"{safe_name(instance.task_id)}{mapped}")


def read_bytes(uri: str, *, aws_conn_id: str | None, limit: int = MAX_TABLE_BYTES) -> bytes:
    """Read a file that the user named, in S3 also a version of an object: ``s3://bucket/key?versionId=...``.

    :param uri: what to read.
    :param aws_conn_id: the Airflow connection for an ``s3://`` URI that names none.
    :param limit: how many bytes it may have.
    :raises EncordInputError: if there is no such file, it may not be read, or it is larger.
    """
    location = Location.parse(uri)
    path = path_of(uri)
    if isinstance(path, S3Path):
        key, _, version = path.key.partition("?versionId=")
        path = replace(path, key=key, version=version or None, usual=aws_conn_id)
    try:
        if isinstance(path, S3Path):
            try:
                content = path.read_bytes(limit + 1)
            except FileNotFoundError as error:
                raise EncordInputError(str(error)) from None
        else:
            with (Path(location.path) if location.scheme == "file" else path).open("rb") as file:
                content = _read(file, limit + 1)
    except FileNotFoundError:
        raise EncordInputError(f"There is no file {uri}.") from None
    except OSError as error:
        raise EncordInputError(f"{uri} cannot be read: {error.strerror or error}") from None
    if len(content) > limit:
        raise EncordInputError(f"{uri} has more than {limit:,} bytes, which is the limit; divide it.")
    return content


def _read(file: IO[bytes], limit: int) -> bytes:
    # In pieces: a file sets aside as much memory as it is asked for.
    pieces = []
    while limit > 0 and (piece := file.read(min(limit, _PIECE))):
        pieces.append(piece)
        limit -= len(piece)
    return b"".join(pieces)


def write_whole(uri: str, content: bytes | IO[bytes]) -> None:
    """Write a file so that it is there whole or not at all.

    Object stores do so by themselves; on a file system the content is written beside it and renamed.

    :param uri: the file to write.
    :param content: its content, or an open file with it, which is copied from where it stands.
    """
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    location = Location.parse(uri)
    if location.scheme != "file":
        with path_of(uri).open("wb") as file:
            shutil.copyfileobj(source, file)
        return
    target = Path(location.path)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}.new")
    with beside.open("wb") as file:
        shutil.copyfileobj(source, file)
    beside.replace(target)


def remove(uri: str) -> None:
    """Remove a file if it is there."""
    with suppress(FileNotFoundError):
        path_of(uri).unlink()
