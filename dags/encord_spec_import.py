"""
### Upload specs that users drop into a bucket

Each run takes the upload specs (Encord's JSON or CSV form) that wait in a bucket prefix, checks them, and imports each.
A spec that was imported moves to `done/` there, with a receipt; one that is wrong moves to `failed/`, with its errors
by line, and holds up no other. Dropping the same spec again registers nothing twice.

Start it from the UI with the parameters below, or set them once for the hourly runs in the Airflow Variable
`encord_spec_import`, a JSON object with the same names. What a run is given comes first, then the Variable.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pendulum
from airflow.sdk import DAG, Param
from airflow.timetables.trigger import CronTriggerTimetable

from encord_provider.pipelines import import_dropped_specs, setting

_VARIABLE = "encord_spec_import"


_setting = partial(setting, variable=_VARIABLE)

with DAG(
    dag_id="encord_spec_import",
    description="Upload specs in a bucket prefix -> check -> upload job -> moved aside with a receipt",
    schedule=CronTriggerTimetable("@hourly", timezone="UTC"),
    start_date=pendulum.datetime(2020, 1, 1, tz="UTC"),
    catchup=False,
    # Two runs at once would take the same specs.
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    doc_md=__doc__,
    tags=["encord"],
    params={
        "bucket": Param(
            None, type=["string", "null"], title="Bucket", description="The S3 bucket with the specs."
        ),
        "prefix": Param(
            None,
            type=["string", "null"],
            title="Prefix",
            description="Where specs are dropped, such as encord/inbox/.",
        ),
        "folder": Param(
            None,
            type=["string", "null"],
            title="Encord folder",
            description="UUID, or name path such as lake/site-a; missing folders are created.",
        ),
        "integration": Param(
            None,
            type=["string", "null"],
            title="Integration",
            description="Title or UUID; empty for the connection's default.",
        ),
        "max_failed_units": Param(
            None,
            type=["string", "null"],
            pattern="^[0-9]*$",
            title="Failed data units",
            description="How many failed data units of a spec still count as success; empty for none.",
        ),
        "workspace": Param(
            None,
            type=["string", "null"],
            title="Workspace",
            description="URI of the folder for specs, receipts and reports; empty for [encord] workspace.",
        ),
        "encord_conn_id": Param("encord_default", type="string", title="Encord connection"),
        "aws_conn_id": Param("aws_default", type="string", title="AWS connection"),
    },
):
    import_dropped_specs(
        bucket=_setting("bucket"),
        prefix=_setting("prefix"),
        folder=_setting("folder"),
        integration=_setting("integration"),
        max_failed_units=_setting("max_failed_units"),
        workspace=_setting("workspace"),
        encord_conn_id="{{ params.encord_conn_id }}",
        aws_conn_id="{{ params.aws_conn_id }}",
        group_id="specs",
    )
