"""What the tests of the import share: a written spec, the task on Airflow's own runner, and Encord's side of it."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from encord_provider.operators.import_data import EncordImportDataOperator
from encord_provider.upload_spec import MEDIA_TYPES, DataUnit, write_parts
from tests.helpers.airflow_task import TaskRecord, in_dag

if TYPE_CHECKING:
    from airflow.sdk.execution_time.supervisor import TaskRunResult

    from encord_provider.emulator.server import EncordEmulator


def url(number: int) -> str:
    return f"https://lake.s3.eu-west-1.amazonaws.com/{number:04d}.png"


def write_spec(folder: Path, units: int, *, per_part: int, skips: bool = True, first: int = 0) -> str:
    """Write a spec of images, the first of which has the number ``first``; give the index URI."""
    images = (
        DataUnit(media_type=MEDIA_TYPES["image"], urls=(url(number),), title=f"{number:04d}.png")
        for number in range(first, first + units)
    )
    folder.mkdir(parents=True, exist_ok=True)
    index = write_parts(images, folder, max_units_per_part=per_part, skip_duplicate_urls=skips)
    return f"file://{index.uri}" if index.uri.startswith("/") else index.uri


class ImportTask:
    """The task ``import_data`` of one run, and what Encord has seen of it."""

    def __init__(
        self,
        encord: EncordEmulator,
        home: Path,
        *,
        units: int = 6,
        per_part: int = 2,
        skips: bool = True,
        retries: int = 0,
        name: str = "task",
        patience: float = 0.0,
        **arguments: Any,
    ) -> None:
        self.encord = encord
        self.patience = patience
        self.home = home
        self.record = TaskRecord(home / f"{name}.json", retries=retries, run_id=name)
        self.spec = write_spec(home / "spec", units, per_part=per_part, skips=skips)
        self.arguments = {
            "folder": "lake/daily",
            "create_folder": True,
            "integration": "AWS S3",
            "workspace": f"file://{home}/workspace",
            "retries": retries,
            **arguments,
        }

    def operator(self, **changes: Any) -> EncordImportDataOperator:
        arguments = {"spec": self.spec, **self.arguments, **changes}
        operator = in_dag(lambda: EncordImportDataOperator(task_id="import_data", **arguments))
        # The jobs of the emulator are shorter than what is worth a deferral.
        object.__setattr__(operator, "patience", self.patience)
        return operator  # type: ignore[return-value]

    def run(self, **changes: Any) -> TaskRunResult:
        """Run one attempt, up to a deferral."""
        self.record.begin()
        return self.record.run(self.operator(**changes))

    def finish(self, **changes: Any) -> str:
        """Run attempts and triggers until the task has ended."""
        return self.record.run_to_the_end(lambda: self.operator(**changes))

    @property
    def urls(self) -> Counter[str]:
        """How often each object is registered, over all folders."""
        return Counter(self.encord.call(lambda store: [str(item.url) for item in store.items]))

    @property
    def jobs(self) -> list[Any]:
        return self.encord.call(lambda store: list(store.jobs.all()))

    @property
    def statuses(self) -> list[str]:
        return [str(job.status) for job in self.jobs]

    @property
    def sent(self) -> list[str]:
        """The parts that reached Encord in start calls, in order."""
        bodies = [entry["body"] for entry in self.encord.requests("start_upload_job")]
        return [re.findall(r'"fileName":"[^"]*/([^"/]+)"', body)[0] for body in bodies]

    def receipts(self) -> list[dict[str, Any]]:
        """Every receipt in the workspace."""
        found = sorted((self.home / "workspace").rglob("receipts/*/part-*.json"))
        return [json.loads(path.read_bytes()) for path in found]

    def kill(self, prepare: Callable[[], None]) -> None:
        """Run one attempt in a worker that is killed."""
        assert self.record.run_in_worker(self.operator, prepare=prepare) == signal.SIGKILL


def read_failures(uri: str) -> list[dict[str, str]]:
    text = Path(uri.removeprefix("file://")).read_text()
    return list(csv.DictReader(io.StringIO(text)))
