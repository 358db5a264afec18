"""The workspace: the folder, on any object storage, that holds upload specs, receipts and reports of runs."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from airflow.providers.common.compat.sdk import conf

from encord_provider.exceptions import EncordInputError
from encord_provider.workspace.aws import s3_client

if TYPE_CHECKING:
    from airflow.sdk import Context, ObjectStoragePath

_UNSAFE = re.compile(r"[^A-Za-z0-9_.=+-]+")
_LONGEST_NAME = 200
"""Below the 255 bytes that file systems allow, with a hash and an index behind it."""
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


def path_of(uri: str) -> ObjectStoragePath:
    """Open a URI such as ``file:///data``, ``/data`` or ``s3://aws_default@bucket/folder``.

    :raises EncordInputError: if the URI is empty or relative, or the package for its scheme is not installed.
    """
    from airflow.sdk import ObjectStoragePath

    scheme = urlsplit(uri).scheme
    if not scheme and not uri.startswith("/"):
        raise EncordInputError(
            f"{uri!r} is not a URI: give one such as file:///data/encord, s3://aws_default@my-bucket/encord or an "
            "absolute path."
        )
    try:
        path = ObjectStoragePath(uri if scheme else f"file://{uri}")
        path.fs  # noqa: B018 - opens the file system, which is where a missing package shows
    except (ImportError, ValueError) as error:
        hint = " Install airflow-provider-encord[s3fs]." if scheme in ("s3", "s3a") else ""
        raise EncordInputError(f"{uri!r} cannot be opened: {error}.{hint}") from error
    return path


def safe_name(text: str) -> str:
    """Turn a run id or task id into one path segment, which no other text gives.

    A text with characters that a path cannot have gets a hash behind a ``~``, which stands in no other segment. So do
    dots at its ends, which could climb, and a long text, of which the beginning is kept.
    """
    cleaned = _UNSAFE.sub("-", text).strip(".")[:_LONGEST_NAME]
    if cleaned == text and text:
        return text
    return f"{cleaned or '-'}~{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:_HASH]}"


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
    return child(
        workspace or default_workspace(),
        safe_name(instance.dag_id),
        safe_name(instance.run_id),
        f"{safe_name(instance.task_id)}{mapped}",
    )


def read_bytes(uri: str, *, aws_conn_id: str | None) -> bytes:
    """Read a file that the user named.

    ``s3://bucket/key`` is read through the amazon provider's hook, which every installation has; a URI that
    names its own connection, and every other scheme, through Airflow's object storage.

    :param uri: what to read.
    :param aws_conn_id: the Airflow connection for an ``s3://`` URI that names none.
    :raises EncordInputError: if there is no such file, or it may not be read.
    """
    parts = urlsplit(uri)
    if parts.scheme == "s3" and "@" not in parts.netloc:
        return _read_s3(parts.netloc, uri.split("/", 3)[3] if uri.count("/") > 2 else "", uri, aws_conn_id)
    try:
        return path_of(uri).read_bytes()
    except FileNotFoundError:
        raise EncordInputError(f"There is no file {uri}.") from None
    except OSError as error:
        raise EncordInputError(f"{uri} cannot be read: {error}") from error


def _read_s3(bucket: str, key: str, uri: str, aws_conn_id: str | None) -> bytes:
    from botocore.exceptions import ClientError

    client = s3_client(aws_conn_id)
    try:
        body: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in ("NoSuchKey", "NoSuchBucket", "AccessDenied", "403", "404"):
            raise EncordInputError(
                f"{uri} cannot be read: {code}. Reading it needs the IAM action s3:GetObject."
            ) from error
        raise


def write_whole(uri: str, content: bytes | IO[bytes]) -> None:
    """Write a file so that it is there whole or not at all.

    Object stores do so by themselves; on a file system the content is written beside it and renamed.

    :param uri: the file to write.
    :param content: its content, or an open file with it, which is copied from where it stands.
    """
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    path = path_of(uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.protocol not in ("", "file", "local"):
        with path.open("wb") as file:
            shutil.copyfileobj(source, file)
        return
    target = Path(unquote(urlsplit(uri).path) if "%" in uri else urlsplit(uri).path)
    beside = target.with_name(f".{target.name}.{os.getpid()}.new")
    with beside.open("wb") as file:
        shutil.copyfileobj(source, file)
    beside.replace(target)


def remove(uri: str) -> None:
    """Remove a file if it is there."""
    with suppress(FileNotFoundError):
        path_of(uri).unlink()
