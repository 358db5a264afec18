"""The demo itself: fill a bucket, run the DAG, read everything back, compare, run it again, compare again."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urlsplit

from demo import handmade
from demo.bucket import BUCKET, DAYS, PlannedFile, expected_items, fill, plan
from demo.readback import RegisteredItem, changes, differences, read_folder
from demo.report import DayReport, print_table
from demo.runs import DagRunResult, dag_runner
from demo.services import FOLDER, ROOT, Services, airflow_environment, dag_params, services

_SHOWN_DIFFERENCES = 20


def run() -> int:
    """Run the demo.

    :returns: 0 when the folder holds exactly what the bucket calls for, before and after the second run
    """
    started = time.monotonic()
    # Of its own for each Airflow: "make compat" runs several at once.
    home = ROOT / ".demo" / f"airflow-{version('apache-airflow')}"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    workspace = home / "workspace"

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:5.1f} s] {text}", flush=True)

    files = plan()
    tagged = sum(bool(file.row) for file in files)
    with services(home) as running:
        fill(running.s3_client(), files)
        say(
            f"Bucket {BUCKET}: {len(files)} objects under {len(DAYS)} days, {tagged} of them in a metadata table"
        )
        params = dag_params()
        environment = airflow_environment(home / "airflow", running, params, workspace)
        with dag_runner(environment, home / "airflow.log") as runner:
            say("Airflow imports the three days ...")
            first_runs = runner.run_days(DAYS, params)
            first = read_folder(running, FOLDER)
            say("Somebody drops a spec of rarer types, and Airflow imports it ...")
            handmade.drop(running.s3_client())
            dropped = handmade.params(workspace.as_uri())
            spec_runs = [runner.run(handmade.DAG_ID, DAYS[0], dropped)]
            first_handmade = read_folder(running, handmade.FOLDER)
            problems = list(handmade.differences(running.s3_client(), first_handmade))
            say("Airflow imports the same three days and the same spec again ...")
            second_runs = runner.run_days(DAYS, params)
            second = read_folder(running, FOLDER)
            handmade.drop(running.s3_client())
            spec_runs.append(runner.run(handmade.DAG_ID, DAYS[1], dropped))
            second_handmade = read_folder(running, handmade.FOLDER)
        say("Read back with the official SDK")

        print_table([_day_report(running, result, first) for result in first_runs])
        kinds = Counter(item.kind.lower().replace("_", " ") for item in first_handmade)
        print(f"Dropped spec: {', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))}")
        problems += [
            f"{r.day}: the run ended {r.state}: {dict(r.tasks)}"
            for r in [*first_runs, *second_runs, *spec_runs]
            if r.state != "success"
        ]
        problems += differences(expected_items(files), first)
        problems += [problem for result in first_runs for problem in _skipped_differences(files, result)]
        moved = [*changes(first, second), *changes(first_handmade, second_handmade)]
        print(
            f"Second run of the same: {len(moved)} of {len(second) + len(second_handmade)} items added, removed or"
            " changed (compared: uuid, name, url, clientMetadata, lastEditedAt)."
        )
        problems += moved
        print(f"Workspace (specs, receipts, failures): {workspace}\nAirflow's log: {home / 'airflow.log'}")
        if problems:
            print(
                f"\n{len(problems)} differences between the bucket and Encord:",
                *problems[:_SHOWN_DIFFERENCES],
                sep="\n  ",
            )
            return 1
        items = [*first, *first_handmade]
        objects = sum(len(item.keys) for item in items)
        print(
            f"Agrees: {objects} objects are {len(items)} items, each once, with the right type and metadata."
        )
        say("Done")
        _linger(running)
    return 0


def _day_report(running: Services, result: DagRunResult, items: Sequence[RegisteredItem]) -> DayReport:
    own = [item for item in items if item.day == result.day]
    listing = running.s3_client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    keys = [entry["Key"] for page in listing for entry in page.get("Contents", ())]
    units = (result.returned.get("import_data") or {}).get("units", {})
    return DayReport(
        day=result.day,
        listed=sum(f"/dt={result.day}/" in key for key in keys),
        registered=Counter(item.kind.lower().replace("_", " ") for item in own),
        skipped=Counter(entry["reason"] for entry in _skipped(result)),
        tagged=sum(bool(item.metadata) for item in own),
        failed=units.get("failed", 0),
    )


def _skipped(result: DagRunResult) -> list[dict[str, str]]:
    index = (result.returned.get("build_spec") or {}).get("index")
    if not index:
        return []
    path = Path(unquote(urlsplit(index).path)).with_name("skipped.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def _skipped_differences(files: Sequence[PlannedFile], result: DagRunResult) -> list[str]:
    wanted = {file.key for file in files if file.day == result.day and file.kind is None}
    found = {entry["key"] for entry in _skipped(result)}
    return [f"{result.day}: skipped.jsonl lacks {key}" for key in sorted(wanted - found)] + [
        f"{result.day}: skipped.jsonl has {key}" for key in sorted(found - wanted)
    ]


def _linger(running: Services) -> None:
    """Keep the emulator's page open for somebody at a terminal; a script does not wait."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("The emulator has stopped with the demo; `make ui` keeps it open.")
        return
    try:
        input(f"Look at the items on {running.encord_url}/ - press Enter to stop. ")
    except (EOFError, KeyboardInterrupt):
        print()
