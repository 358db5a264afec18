"""A file or folder in S3, through the amazon provider's hook, with the methods of a path that the workspace uses."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

from encord_provider.exceptions import EncordConfigError, EncordInputError, StorageUnavailableError
from encord_provider.listing import ListedObject, list_s3
from encord_provider.workspace.aws import USUAL_CONNECTION, s3_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MISSING = ("NoSuchKey", "NoSuchVersion", "404")
_LASTING = (
    "NoSuchBucket",
    "InvalidBucketName",
    "AccessDenied",
    "AllAccessDisabled",
    "403",
    "PermanentRedirect",
)
_DONE = {"s3:GetObject": "read", "s3:PutObject": "written", "s3:DeleteObject": "removed"}
_IN_MEMORY = 8 * 1024 * 1024


@dataclass(frozen=True)
class S3Path:
    """``s3://<connection>@<bucket>/<key>``; nothing in a key is special, and no bucket is ever created.

    :param bucket: the bucket.
    :param key: the key, or the prefix of a folder.
    :param conn_id: the Airflow connection that the URI names, or None.
    :param usual: the connection for a URI that names none; None for what the machine itself may do.
    :param version: the version of the object to read; None for the newest.
    """

    bucket: str
    key: str
    conn_id: str | None = None
    usual: str | None = USUAL_CONNECTION
    version: str | None = None

    protocol = "s3"

    def __str__(self) -> str:
        connection = f"{self.conn_id}@" if self.conn_id else ""
        return f"s3://{connection}{self.bucket}/{self.key}"

    def __truediv__(self, name: str) -> S3Path:
        return replace(self, key=f"{self.key.rstrip('/')}/{name}" if self.key else name)

    @property
    def parent(self) -> S3Path:
        """The folder that this path is in."""
        return replace(self, key=self.key.rstrip("/").rpartition("/")[0])

    @property
    def path(self) -> str:
        """Bucket and key, as file systems of object stores have it."""
        return f"{self.bucket}/{self.key}"

    @property
    def client(self) -> S3Client:
        """The client, one for a process and connection."""
        conn_id = self.conn_id or self.usual
        connection = None
        with suppress(AirflowNotFoundException):
            connection = BaseHook.get_connection(conn_id).get_uri() if conn_id else None
        return _client(conn_id, connection)

    def mkdir(self, *, parents: bool = True, exist_ok: bool = True) -> None:
        """Do nothing: S3 has no folders, and a bucket that is not there was misspelt."""

    def exists(self) -> bool:
        """Whether there is an object at this key, or below it."""
        listed = islice(list_s3(self.client, self.bucket, self.key), 1)
        return any(self.key in ("", one.key) for one in listed) or any(True for _ in self.objects())

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rstrip("/").rpartition("/")[2]

    def iterdir(self) -> Iterator[S3Path]:
        """List the objects in this folder, without those of the folders in it.

        :raises ListingError: if the bucket does not exist or may not be listed.
        """
        above = len(self.key.rstrip("/")) + 1 if self.key else 0
        return (replace(self, key=one.key) for one in self.objects() if "/" not in one.key[above:])

    def objects(self) -> Iterator[ListedObject]:
        """List what is in this folder, in the order of the keys.

        :raises ListingError: if the bucket does not exist or may not be listed.
        """
        folder = self.key.rstrip("/")
        return list_s3(self.client, self.bucket, f"{folder}/" if folder else "")

    def read_bytes(self, limit: int | None = None) -> bytes:
        """Read the object.

        :param limit: how many bytes are read at most.
        :raises FileNotFoundError: if there is none.
        :raises EncordInputError: if there is no such bucket, or it may not be read.
        """
        with self._explained("s3:GetObject"):
            version: dict[str, Any] = {"VersionId": self.version} if self.version else {}
            body = self.client.get_object(Bucket=self.bucket, Key=self.key, **version)["Body"]
            return body.read(limit)

    @contextmanager
    def open(self, mode: str) -> Iterator[IO[bytes]]:
        """Open the object to read it (``rb``), or to write it whole when it is closed without an error (``wb``).

        :raises FileNotFoundError: if there is none to read.
        :raises EncordInputError: if there is no such bucket, or it may not be read or written.
        """
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
            content: IO[bytes] = file
            if mode == "rb":
                with self._explained("s3:GetObject"):
                    self.client.download_fileobj(self.bucket, self.key, content)
                file.seek(0)
                yield content
                return
            yield content
            file.seek(0)
            with self._explained("s3:PutObject"):
                # A file of its own, because the transfer closes what it is given.
                self.client.upload_fileobj(_Kept(file), self.bucket, self.key)  # type: ignore[arg-type]

    def unlink(self) -> None:
        """Remove the object; there need not be one."""
        with self._explained("s3:DeleteObject"):
            self.client.delete_object(Bucket=self.bucket, Key=self.key)

    @contextmanager
    def _explained(self, action: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError

        try:
            yield
        except ClientError as error:
            details = error.response.get("Error", {})
            code = str(details.get("Code", ""))
            said = f"{code} ({details['Message']})" if details.get("Message") else code
            problem = f"{self} cannot be {_DONE[action]}: {said}. That needs the IAM action {action}"
            if code in _MISSING:
                raise FileNotFoundError(f"{problem}.") from None
            if code not in _LASTING:
                raise StorageUnavailableError(f"{self} cannot be {_DONE[action]}: {error}") from None
            raise EncordInputError(f"{problem}, and a bucket that exists: none is ever created.") from None
        except NoCredentialsError:
            raise EncordConfigError(
                f"{self} cannot be {_DONE[action]}: the Airflow connection {self.conn_id or self.usual!r} gives no AWS "
                "credentials, and the machine has none of its own."
            ) from None
        except ParamValidationError as error:
            raise EncordInputError(f"{self} is not the URI of an S3 object: {error}") from None
        except BotoCoreError as error:
            raise StorageUnavailableError(
                f"{self} cannot be {_DONE[action]}: {type(error).__name__}: {error}"
            ) from None


class _Kept:
    """What can be read of a file, which stays open."""

    def __init__(self, file: Any) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell

    def close(self) -> None:
        """Do nothing."""


@lru_cache(maxsize=8)
def _client(conn_id: str | None, connection: str | None) -> S3Client:
    del connection  # as it was when the client was made: another one needs another client
    return s3_client(conn_id)
