"""
### From a bucket to an Encord folder with metadata, day by day

Each run lists the objects of its own day, registers them with Encord, waits for the upload jobs and patches the
metadata of the items. Running a day again changes nothing.

Start it from the UI with the parameters below, or set them once for scheduled runs in the Airflow Variable
`encord_s3_import`, a JSON object with the same names. What a run is given comes first, then the Variable.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from encord_provider.options import Media
from encord_provider.pipelines import import_from_s3
from encord_provider.settings import Settings

_settings = Settings(variable="encord_s3_import")

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
        "bucket": _settings.optional("Bucket", "The S3 bucket to import from."),
        "prefix": _settings.optional(
            "Prefix pattern",
            "Which keys belong to a day: {date} is the day as YYYY-MM-DD, {date:%Y/%m/%d} in another form, * any text "
            "inside one folder name. Example: site=*/dt={date}/",
        ),
        "source": _settings.optional(
            "Source",
            "Where the objects are, instead of a bucket and a prefix: an inventory, a folder or a table.",
            example={"kind": "inventory", "manifest": "s3://reports/lake/daily/", "prefix": "dt={date}/"},
        ),
        "folder": _settings.optional(
            "Encord folder", "UUID, or name path such as lake/site-a; missing folders are created."
        ),
        "integration": _settings.optional(
            "Integration", "Title or UUID of the cloud integration.", empty="the connection's default"
        ),
        "date": _settings.optional(
            "Day",
            "YYYY-MM-DD, for a manual run. A backfill takes each of its own days, and refuses this one.",
            empty="the day of the run",
            in_variable=False,
        ),
        **_settings.section(
            "What is taken, and as what",
            {
                "media": _settings.optional(
                    "Media type",
                    "auto tells it by the extension of each object; image_group and image_sequence take the images "
                    "of one folder together.",
                    empty="auto",
                    choices=[
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
                ),
                "media_metadata": _settings.optional(
                    "Media metadata",
                    "URI of a table with what Encord needs to know of files that it is not to read, such as "
                    "s3://bucket/media.csv.",
                ),
                "filters": _settings.optional(
                    "Filters",
                    "Which objects are taken, by key, size, time and storage class.",
                    example={"include": ["*.mp4", "*.jpg"], "exclude": ["tmp/*"], "min_size": 1},
                ),
                "grouping": _settings.optional(
                    "Grouping and titles",
                    "Which files are one group or series, and how data units are called.",
                    example={"group_by": "folder", "title": "{folder}/{name}"},
                ),
                "frames": _settings.optional(
                    "Video frames",
                    "A table with metadata of single frames, and how many frames Encord takes.",
                    example={
                        "table": "s3://bucket/frames.csv",
                        "sampling_rate": 0.5,
                        "keyframe_mode": "frame",
                    },
                ),
            },
        ),
        **_settings.section(
            "Metadata",
            {
                "schema": _settings.optional(
                    "Metadata schema",
                    "Keys to add to the organisation's schema.",
                    example={"site": "varchar"},
                ),
                "metadata": _settings.optional(
                    "Client metadata",
                    "Where it comes from: a table, the key, sidecar files, embeddings.",
                    example={"table": "s3://bucket/labels.csv", "key_pattern": "site=(?P<site>[^/]+)/"},
                ),
            },
        ),
        **_settings.section(
            "Upload spec",
            {
                "object_urls": _settings.optional(
                    "Object URLs", "The form in which objects are named.", example={"style": "path"}
                ),
                "parts": _settings.optional(
                    "Parts",
                    "Data units of one upload job, whether URLs that the folder has are skipped, and how many rows "
                    "and objects may be left over.",
                    example={"max_units_per_part": 500, "limits": {"max_unmatched": 0, "max_skipped": 0}},
                ),
            },
        ),
        **_settings.surroundings(),
    },
):
    import_from_s3(
        bucket=_settings.template("bucket", instead_of=["source"]),
        prefix=_settings.template("prefix", instead_of=["source"]),
        source=_settings.template("source", as_json=True, instead_of=["bucket", "prefix"]),
        folder=_settings.template("folder"),
        integration=_settings.template("integration"),
        schema=_settings.template("schema", as_json=True),
        media=Media(type=_settings.template("media"), metadata=_settings.template("media_metadata")),
        filters=_settings.template("filters", as_json=True),
        grouping=_settings.template("grouping", as_json=True),
        metadata=_settings.template("metadata", as_json=True),
        frames=_settings.template("frames", as_json=True),
        object_urls=_settings.template("object_urls", as_json=True),
        parts=_settings.template("parts", as_json=True),
        # Not from the Variable: it would pin every scheduled run to that one day.
        day="{{ params.date or '' }}",
        workspace=_settings.template("workspace"),
        encord_conn_id="{{ params.encord_conn_id }}",
        aws_conn_id="{{ params.aws_conn_id }}",
        group_id="import",
    )
