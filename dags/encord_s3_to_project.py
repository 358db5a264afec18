"""
### From a bucket to a project in which people label, day by day

Each run registers the objects of its own day in a folder, as `encord_s3_import` does, links exactly these to a dataset,
and attaches the dataset to a project. Folder and dataset are created where they are missing; the project is one that
is there. Running a day again changes nothing.

Start it from the UI with the parameters below, or set them once for scheduled runs in the Airflow Variable
`encord_s3_to_project`, a JSON object with the same names. What a run is given comes first, then the Variable.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from encord_provider.options import Media
from encord_provider.pipelines import import_from_s3, to_dataset
from encord_provider.settings import Settings

_settings = Settings(variable="encord_s3_to_project")

with DAG(
    dag_id="encord_s3_to_project",
    description="S3 bucket -> folder with metadata -> dataset -> project, one day for each run",
    # A data interval of one day, so that the run of a day starts when the day is over.
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    start_date=pendulum.datetime(2020, 1, 1, tz="UTC"),
    catchup=False,
    # Two runs at once might both create the dataset, and Encord cannot delete one through its API.
    max_active_runs=1,
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
        "folder": _settings.optional(
            "Encord folder", "UUID, or name path such as lake/site-a; missing folders are created."
        ),
        "integration": _settings.optional(
            "Integration", "Title or UUID of the cloud integration.", empty="the connection's default"
        ),
        "dataset": _settings.optional("Dataset", "Exact title, created where it is missing; or UUID."),
        "project": _settings.optional(
            "Project", "Exact title or UUID of a project that is there.", empty="a dataset without a project"
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
                    "auto tells it by the extension of each object; or one type for all, such as image, video or "
                    "dicom_series.",
                    empty="auto",
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
                "max_failed_units": _settings.optional(
                    "Failed data units",
                    "How many data units may fail to be registered, and so be missing in the dataset.",
                    empty="none",
                    pattern="^[0-9]*$",
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
        **_settings.surroundings(),
    },
):
    imported = import_from_s3(
        bucket=_settings.template("bucket"),
        prefix=_settings.template("prefix"),
        folder=_settings.template("folder"),
        integration=_settings.template("integration"),
        schema=_settings.template("schema", as_json=True),
        media=Media(type=_settings.template("media")),
        filters=_settings.template("filters", as_json=True),
        grouping=_settings.template("grouping", as_json=True),
        metadata=_settings.template("metadata", as_json=True),
        max_failed_units=_settings.template("max_failed_units"),
        # Not from the Variable: it would pin every scheduled run to that one day.
        day="{{ params.date or '' }}",
        workspace=_settings.template("workspace"),
        encord_conn_id="{{ params.encord_conn_id }}",
        aws_conn_id="{{ params.aws_conn_id }}",
        group_id="import",
    )
    to_dataset(
        imported,
        dataset=_settings.template("dataset"),
        project=_settings.template("project"),
        workspace=_settings.template("workspace"),
        encord_conn_id="{{ params.encord_conn_id }}",
        group_id="dataset",
    )
