"""Clients of AWS on an Airflow connection, which is named when it is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

from encord_provider.exceptions import EncordConfigError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

USUAL_CONNECTION = "aws_default"


def s3_client(aws_conn_id: str | None) -> S3Client:
    """Give an S3 client.

    Where ``aws_default`` is missing, the amazon provider goes on with what the machine itself may do, which is right
    on a machine that has a role. Any other connection was named by somebody.

    :param aws_conn_id: the Airflow connection of the amazon provider; None for the machine's own credentials.
    :returns: the client.
    :raises EncordConfigError: if the connection does not exist, and was named or nothing else gives credentials.
    """
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    hook = S3Hook(aws_conn_id=aws_conn_id)
    if aws_conn_id and not _exists(aws_conn_id):
        if aws_conn_id != USUAL_CONNECTION:
            raise EncordConfigError(
                f"There is no Airflow connection {aws_conn_id!r}: add one of the type Amazon Web Services, or name "
                "another as aws_conn_id."
            )
        if hook.get_session().get_credentials() is None:
            raise EncordConfigError(
                f"There is no Airflow connection {aws_conn_id!r}, and the machine has no AWS credentials of its own: "
                "add a connection of the type Amazon Web Services, or name another as aws_conn_id."
            )
    client: S3Client = hook.get_conn()
    return client


def _exists(conn_id: str) -> bool:
    try:
        BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return False
    return True
