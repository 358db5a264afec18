"""
### From a bucket to a tagged Encord folder, day by day

Each run lists the objects of its own day, registers them with Encord, waits for the upload jobs and tags the
items. Running a day again changes nothing.

Start it from the UI with the parameters below, or set them once for scheduled runs in the Airflow Variable
`encord_s3_import`, a JSON object with the same names. What a run is given comes first, then the Variable.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pendulum
from airflow.sdk import DAG, Param
from airflow.timetables.interval import CronDataIntervalTimetable

from encord_provider.pipelines import import_from_s3, setting

_VARIABLE = "encord_s3_import"


_setting = partial(setting, variable=_VARIABLE)

with DAG(
    dag_id="encord_s3_import",
    description="S3 bucket -> upload spec -> upload job -> custom metadata, one day for each run",
    # A data interval of one day, so that the run of a day starts when the day is over, and a backfill over
    # three days imports these three days.
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    start_date=pendulum.datetime(2020, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=4,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    doc_md=__doc__,
    tags=["encord"],
    params={
        "bucket": Param(
            None, type=["string", "null"], title="Bucket", description="The S3 bucket to import from."
        ),
        "prefix": Param(
            None,
            type=["string", "null"],
            title="Prefix pattern",
            description="Which keys belong to a day: {date} is the day as YYYY-MM-DD, {date:%Y/%m/%d} in another "
            "form, * any text inside one folder name. Example: site=*/dt={date}/",
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
        "schema": Param(
            None,
            type=["object", "null"],
            title="Metadata schema",
            description='Keys to add to the organisation\'s schema, such as {"site": "varchar"}.',
        ),
        "metadata": Param(
            None,
            type=["string", "null"],
            title="Metadata table",
            description="URI of a CSV or JSONL table by object key or URL, such as s3://bucket/labels.csv.",
        ),
        "key_pattern": Param(
            None,
            type=["string", "null"],
            title="Key pattern",
            description="Regular expression whose named groups become metadata: site=(?P<site>[^/]+)/",
        ),
        "media": Param(
            "auto",
            type="string",
            enum=[
                "auto",
                "image",
                "image_group",
                "image_sequence",
                "video",
                "audio",
                "pdf",
                "text",
                "dicom_series",
                "nifti",
                "time_series",
            ],
            title="Media type",
            description="auto tells it by the extension of each object; image_group and image_sequence take the "
            "images of one folder together.",
        ),
        "date": Param(
            None,
            type=["string", "null"],
            title="Day",
            description="YYYY-MM-DD, for a manual run; empty for the day of the run. A backfill takes each of its "
            "own days, and refuses this one.",
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
    import_from_s3(
        bucket=_setting("bucket"),
        prefix=_setting("prefix"),
        folder=_setting("folder"),
        integration=_setting("integration"),
        schema=_setting("schema", as_json=True),
        metadata=_setting("metadata"),
        key_pattern=_setting("key_pattern"),
        media="{{ params.media }}",
        day="{{ params.date or '' }}",
        workspace=_setting("workspace"),
        encord_conn_id="{{ params.encord_conn_id }}",
        aws_conn_id="{{ params.aws_conn_id }}",
        group_id="import",
    )
