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
from encord_provider.workspace.files import safe_name

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger(__name__)

_ENDINGS = (".json", ".csv")


class Destination(StrEnum):
    """Where a spec goes when it has been dealt with; also the name of that folder."""

    DONE = "done"
    FAILED = "failed"


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

    def waiting(self) -> list[str]:
        """List the URIs of the specs that wait, in order.

        :raises ListingError: if the bucket does not exist or may not be listed.
        :raises EncordInputError: if no bucket is given.
        """
        if not self.bucket:
            raise EncordInputError("No bucket was given: set the parameter 'bucket'.")
        folder = self._folder
        return [
            f"s3://{self.bucket}/{one.key}"
            for one in list_s3(self._client(), self.bucket, folder)
            if "/" not in one.key[len(folder) :] and one.key.lower().endswith(_ENDINGS)
        ]

    def file_away(
        self, spec: str, destination: Destination, *, run_id: str, account: Mapping[str, Any] | str
    ) -> str:
        """Move a spec aside, with an account of what became of it; doing it twice is doing it once.

        :param spec: the URI of a spec that waits.
        :param destination: where it goes.
        :param run_id: the DAG run that dealt with it.
        :param account: a mapping for ``<name>.receipt.json``, or a text for ``<name>.errors.txt``.
        :returns: the URI of the receipt or the errors.
        """
        source = spec.removeprefix(f"s3://{self.bucket}/")
        target = f"{self._folder}{destination.value}/{safe_name(run_id)}/{source.rpartition('/')[2]}"
        client = self._client()
        if isinstance(account, str):
            ending, body = "errors.txt", account
        else:
            ending, body = "receipt.json", json.dumps(account, indent=2, sort_keys=True) + "\n"
        client.put_object(Bucket=self.bucket, Key=f"{target}.{ending}", Body=body.encode())
        found = [one.key for one in list_s3(client, self.bucket, source)]
        if source in found:
            client.copy_object(
                Bucket=self.bucket, Key=target, CopySource={"Bucket": self.bucket, "Key": source}
            )
            client.delete_object(Bucket=self.bucket, Key=source)
        log.info("%s is now s3://%s/%s, beside %s.", spec, self.bucket, target, ending)
        return f"s3://{self.bucket}/{target}.{ending}"

    @property
    def _folder(self) -> str:
        folder = self.prefix.strip("/")
        return f"{folder}/" if folder else ""

    def _client(self) -> S3Client:
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        client: S3Client = S3Hook(aws_conn_id=self.aws_conn_id).get_conn()
        return client
