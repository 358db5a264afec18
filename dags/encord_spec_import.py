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

import pendulum
from airflow.sdk import DAG
from airflow.timetables.trigger import CronTriggerTimetable

from encord_provider.pipelines import import_dropped_specs
from encord_provider.settings import Settings

_settings = Settings(variable="encord_spec_import")

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
        "bucket": _settings.optional("Bucket", "The S3 bucket with the specs."),
        "prefix": _settings.optional("Prefix", "Where specs are dropped, such as encord/inbox/."),
        "folder": _settings.optional(
            "Encord folder", "UUID, or name path such as lake/site-a; missing folders are created."
        ),
        "integration": _settings.optional(
            "Integration", "Title or UUID of the cloud integration.", empty="the connection's default"
        ),
        "max_failed_units": _settings.optional(
            "Failed data units",
            "How many failed data units of a spec still count as success.",
            empty="none",
            pattern="^[0-9]*$",
        ),
        **_settings.surroundings(),
    },
):
    import_dropped_specs(
        bucket=_settings.template("bucket"),
        prefix=_settings.template("prefix"),
        folder=_settings.template("folder"),
        integration=_settings.template("integration"),
        max_failed_units=_settings.template("max_failed_units"),
        workspace=_settings.template("workspace"),
        encord_conn_id="{{ params.encord_conn_id }}",
        aws_conn_id="{{ params.aws_conn_id }}",
        group_id="specs",
    )
