"""A bucket prefix into which users drop upload specs: what waits there, and moving it aside when it is done."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from encord_provider.exceptions import EncordInputError
from encord_provider.listing import list_s3
from encord_provider.workspace.aws import s3_client
from encord_provider.workspace.files import safe_name

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger(__name__)

_ENDINGS = (".json", ".csv")
_PRECONDITION_FAILED = 412


class Destination(StrEnum):
    """Where a spec goes when it has been dealt with; also the name of that folder."""

    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class WaitingSpec:
    """One spec that waits.

    :param uri: where it is.
    :param etag: what S3 calls its content.
    """

    uri: str
    etag: str


@dataclass(frozen=True, kw_only=True)
class DropFolder:
    """The folder ``s3://<bucket>/<prefix>/``.

    Specs wait in the folder itself. They go to ``done/<run>/`` with a receipt, or to ``failed/<run>/`` with their
    errors; the name of the run keeps two specs of one name apart.

    :param bucket: the S3 bucket.
    :param prefix: the prefix, with or without a ``/`` at the end.
    :param aws_conn_id: the Airflow connection of the amazon provider.
    """

    bucket: str
    prefix: str
    aws_conn_id: str | None

    def waiting(self) -> list[WaitingSpec]:
        """List the specs that wait, in the order of their keys.

        :raises ListingError: if the bucket does not exist or may not be listed.
        :raises EncordInputError: if no bucket is given.
        """
        if not self.bucket:
            raise EncordInputError(
                "No bucket was given: set the parameter 'bucket' (in the bundled DAG, in the form of the run or as "
                "'bucket' of the Airflow Variable encord_spec_import)."
            )
        folder = self._folder
        return [
            WaitingSpec(uri=f"s3://{self.bucket}/{one.key}", etag=one.etag or "")
            for one in list_s3(self._client(), self.bucket, folder)
            if "/" not in one.key[len(folder) :] and one.key.lower().endswith(_ENDINGS)
        ]

    def is_replaced(self, spec: str, etag: str) -> bool:
        """Tell whether something else lies where a spec was found.

        :param spec: the URI of a spec that waited.
        :param etag: what S3 called its content then.
        """
        found = self._etag(self._client(), self._key(spec))
        return found is not None and found != etag

    def file_away(
        self, spec: WaitingSpec, destination: Destination, *, run_id: str, account: Mapping[str, Any] | str
    ) -> str:
        """Move a spec aside, with an account of what became of it; doing it twice is doing it once.

        What was dropped under the same name since the spec was found is another spec. It stays, for the next run.

        :param spec: the spec, as it was found.
        :param destination: where it goes.
        :param run_id: the DAG run that dealt with it.
        :param account: a mapping for ``<name>.receipt.json``, or a text for ``<name>.errors.txt``.
        :returns: the URI of the receipt or the errors.
        """
        source = self._key(spec.uri)
        target = f"{self._folder}{destination.value}/{safe_name(run_id)}/{source.rpartition('/')[2]}"
        client = self._client()
        if isinstance(account, str):
            ending, body = "errors.txt", account
        else:
            ending, body = "receipt.json", json.dumps(account, indent=2, sort_keys=True) + "\n"
        client.put_object(Bucket=self.bucket, Key=f"{target}.{ending}", Body=body.encode())
        if self._moved(client, source, target, spec.etag):
            log.info("%s is now s3://%s/%s, beside %s.", spec.uri, self.bucket, target, ending)
        return f"s3://{self.bucket}/{target}.{ending}"

    def _moved(self, client: S3Client, source: str, target: str, etag: str) -> bool:
        """Move an object that is still the one that was found."""
        from botocore.exceptions import ClientError

        found = self._etag(client, source)
        if found is None:
            log.info("s3://%s/%s is not there any more.", self.bucket, source)
            return False
        # S3 compares too: it may be replaced at any moment after it was looked at.
        try:
            if found == etag:
                client.copy_object(
                    Bucket=self.bucket,
                    Key=target,
                    CopySource={"Bucket": self.bucket, "Key": source},
                    CopySourceIfMatch=f'"{etag}"',
                )
                if self._etag(client, source) == etag:
                    client.delete_object(Bucket=self.bucket, Key=source, IfMatch=f'"{etag}"')
                    return True
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != _PRECONDITION_FAILED:
                raise
        log.warning(
            "s3://%s/%s was replaced while the spec that was found there was imported. The newer one stays, and the "
            "next run imports it.",
            self.bucket,
            source,
        )
        return False

    def _etag(self, client: S3Client, key: str) -> str | None:
        """Give what S3 calls the content of an object; None if there is none."""
        # Listed, which needs no other permission than finding the spec did.
        return next((one.etag for one in list_s3(client, self.bucket, key) if one.key == key), None)

    def _key(self, spec: str) -> str:
        return spec.removeprefix(f"s3://{self.bucket}/")

    @property
    def _folder(self) -> str:
        folder = self.prefix.strip("/")
        return f"{folder}/" if folder else ""

    def _client(self) -> S3Client:
        return s3_client(self.aws_conn_id)
