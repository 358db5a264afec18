"""What the DAGs on the pages take for granted of Encord, and what is in a folder afterwards."""

from __future__ import annotations

import json
from typing import Any

from encord_provider.hooks.encord import EncordHook
from encord_provider.operators.build_upload_spec import EncordBuildUploadSpecOperator
from encord_provider.operators.import_data import EncordImportDataOperator
from encord_provider.operators.set_schema import EncordSetSchemaOperator
from tests.helpers.operators import run

QUAY = "site=oslo/dt=2026-05-01/quay-1.jpg"


def items(folder: str) -> dict[str, Any]:
    """The client metadata of a folder's items by title, as the official SDK reads it."""
    hook = EncordHook()
    found = hook.client.get_storage_folder(hook.find_folder(folder))
    return {item.name: item.client_metadata or {} for item in found.list_items(include_client_metadata=True)}


def schema() -> dict[str, Any]:
    keys = EncordHook().client.metadata_schema()
    return {key: keys.get_key_type(key) for key in keys.keys()}  # noqa: SIM118


def short(titles: Any) -> list[str]:
    return sorted(title.rpartition("/")[2] for title in titles)


def imported(spec: Any, folder: str) -> None:
    """Register what a page takes for registered."""
    operator = EncordImportDataOperator(
        task_id="before", spec=spec, folder=folder, create_folder=True, integration="AWS S3"
    )
    run(operator)


def given_a_schema() -> None:
    declared = {"score": "number", "weather": {"type": "enum", "options": ["sun", "rain"]}}
    run(EncordSetSchemaOperator(task_id="before", schema=declared))


def given_imported_recordings() -> Any:
    given_a_schema()
    spec = run(EncordBuildUploadSpecOperator(task_id="listed", bucket="lake", prefix="site=*/dt=2026-05-01/"))
    imported(spec, "lake/daily")
    return {}


def given_a_running_job() -> Any:
    spec = {"images": [{"objectUrl": f"https://lake.s3.eu-west-1.amazonaws.com/{QUAY}"}]}
    operator = EncordImportDataOperator(
        task_id="before",
        spec=spec,
        folder="lake/daily",
        create_folder=True,
        integration="AWS S3",
        wait_for_completion=False,
    )
    return {"run_conf": {"job": run(operator)["job_ids"][0]}}


def given_a_dropped_spec() -> Any:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    spec = {"images": [{"objectUrl": f"https://lake.s3.eu-west-1.amazonaws.com/{QUAY}"}]}
    S3Hook().get_conn().put_object(Bucket="lake", Key="encord/inbox/one.json", Body=json.dumps(spec).encode())
    return {}
