"""One task instance on Airflow's own task runner, without a database: what Airflow would remember lies in a file.

The file survives a worker that is killed, as Airflow's database does, so that the next attempt can go on.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from airflow.sdk import DAG, BaseOperator
from airflow.sdk.api import client as api_client
from airflow.sdk.api.client import Client
from airflow.sdk.api.datamodels._generated import DagRun, TaskInstance
from airflow.sdk.execution_time.supervisor import InProcessTestSupervisor, TaskRunResult
from airflow.sdk.module_loading import import_string

try:
    from airflow.sdk.serde import deserialize, serialize
except ImportError:  # Airflow 3.1
    from airflow.serialization.serialized_objects import BaseSerialization

    deserialize, serialize = BaseSerialization.deserialize, BaseSerialization.serialize

# What Airflow's client is made of: httpx2 from 3.4 on.
httpx: Any = getattr(api_client, "httpx2", None) or api_client.httpx

DAG_ID, RUN_ID = "imports", "manual__1"


class TaskRecord:
    """What Airflow knows of one task instance.

    :param path: the file that holds it.
    :param retries: how many retries the task has.
    """

    def __init__(
        self,
        path: Path,
        *,
        retries: int = 0,
        task_id: str = "import_data",
        run_id: str = RUN_ID,
        map_index: int = -1,
    ) -> None:
        self.path = path
        self.on_call: Callable[[str, str], None] = lambda method, path: None
        if not path.exists():
            self._write(
                {
                    "task_id": task_id,
                    "run_id": run_id,
                    "map_index": map_index,
                    "try_number": 1,
                    "max_tries": retries,
                    "retries": retries,
                    "state": "scheduled",
                    "run_started": datetime.now(UTC).isoformat(),
                    "next_method": None,
                    "next_kwargs": None,
                    "trigger": None,
                    "xcoms": {},
                    "store": {},
                }
            )

    def read(self) -> dict[str, Any]:
        known: dict[str, Any] = json.loads(self.path.read_bytes())
        return known

    def update(self, **changes: Any) -> None:
        self._write({**self.read(), **changes})

    def _write(self, known: dict[str, Any]) -> None:
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        beside.write_text(json.dumps(known))
        beside.replace(self.path)

    @property
    def state(self) -> str:
        return str(self.read()["state"])

    @property
    def returned(self) -> Any:
        """The return value that was pushed as XCom."""
        return self.read()["xcoms"].get("return_value")

    @property
    def store(self) -> dict[str, Any]:
        """The entries of the task state store."""
        found: dict[str, Any] = self.read()["store"]
        return found

    def worker_died(self) -> None:
        """What Airflow does when a worker is gone without a word."""
        known = self.read()
        if known["state"] == "running":
            self.update(state="up_for_retry" if known["try_number"] <= known["max_tries"] else "failed")

    def clear(self) -> None:
        """What clearing the task does in the web UI of Airflow 3.3."""
        known = self.read()
        self.update(state="scheduled", max_tries=known["try_number"] + known["retries"], next_method=None)
        self.update(try_number=known["try_number"] + 1)

    def begin(self) -> None:
        """Queue the next attempt, or the same one if it comes back from a deferral."""
        known = self.read()
        if known["state"] == "up_for_retry":
            self.update(
                state="scheduled", try_number=known["try_number"] + 1, next_method=None, next_kwargs=None
            )

    def run(self, operator: BaseOperator) -> TaskRunResult:
        """Run the task once, in this process."""
        known = self.read()
        instance = TaskInstance(
            id=uuid.uuid4(),
            task_id=known["task_id"],
            dag_id=DAG_ID,
            run_id=known["run_id"],
            map_index=known["map_index"],
            try_number=known["try_number"],
            dag_version_id=uuid.uuid4(),
        )
        client = Client(base_url=None, dry_run=True, token="", transport=httpx.MockTransport(self._answer))

        class Supervisor(InProcessTestSupervisor):
            # Below Airflow 3.3 it takes no client.
            @staticmethod
            def _api_client(*given: Any) -> Client:
                return client

        return Supervisor.start(what=instance, task=operator)

    def run_in_worker(
        self, make_operator: Callable[[], BaseOperator], *, prepare: Callable[[], None] = lambda: None
    ) -> int:
        """Run the task once in a process of its own; give the signal that ended it, or 0.

        :param prepare: what the process does first.
        """
        self.begin()
        _import_what_a_worker_needs()
        worker = os.fork()
        if worker == 0:
            try:
                prepare()
                self.run(make_operator())
            finally:
                os._exit(0)
        _, status = os.waitpid(worker, 0)
        self.worker_died()
        return os.waitstatus_to_exitcode(status) * -1

    async def trigger(self) -> Any:
        """Run the trigger of the deferred task until its event, as the triggerer does; give the event's payload."""
        trigger = self.make_trigger()
        event = await anext(trigger.run())
        self.resume(event.payload)
        return event.payload

    def make_trigger(self) -> Any:
        path, arguments = self.read()["trigger"]
        return import_string(path)(**deserialize(arguments))

    def resume(self, payload: Any) -> None:
        """Hand a trigger's event to the task."""
        kept = deserialize(self.read()["next_kwargs"] or serialize({}))
        event = serialize({**kept, "event": json.loads(json.dumps(payload))})
        self.update(state="scheduled", next_kwargs=event, trigger=None)

    def run_to_the_end(self, make_operator: Callable[[], BaseOperator], *, most: int = 50) -> str:
        """Run the task with its deferrals and retries until it has ended; give its state."""
        for _ in range(most):
            state = self.state
            if state in ("success", "failed", "skipped"):
                return state
            if state == "deferred":
                asyncio.run(asyncio.wait_for(self.trigger(), 60))
                continue
            self.begin()
            self.run(make_operator())
        raise AssertionError(f"the task did not end: {self.read()}")

    def _answer(self, request: Any) -> Any:
        path = request.url.path.strip("/")
        self.on_call(request.method, path)
        body = json.loads(request.content) if request.content else None
        known = self.read()
        if path.endswith("/run"):
            self.update(state="running")
            return httpx.Response(200, json=_run_context(known))
        if path.startswith("task-instances/") and path.endswith("/state"):
            self._take_state(body, known)
            return httpx.Response(204)
        if found := re.fullmatch(r"store/ti/[^/]+/(.+)", path):
            return self._store_call(request.method, unquote(found.group(1)), body, known)
        if path.startswith("xcoms/"):
            key = path.rpartition("/")[2]
            if request.method == "POST":
                self.update(xcoms={**known["xcoms"], key: body})
                return httpx.Response(201, json={"message": "done"})
            return httpx.Response(404, json={"detail": {"reason": "not_found", "message": "no XCom"}})
        if path.endswith("/validate-inlets-and-outlets"):
            return httpx.Response(200, json={"inactive_assets": []})
        if path.endswith("/rtif"):
            self.update(rendered=body)
        if path.startswith("task-instances/"):
            return httpx.Response(204)
        return httpx.Response(404, json={"detail": {"reason": "not_found", "message": path}})

    def _take_state(self, body: dict[str, Any], known: dict[str, Any]) -> None:
        changes: dict[str, Any] = {"state": body["state"]}
        if body["state"] == "deferred":
            changes |= {
                "trigger": [body["classpath"], body["trigger_kwargs"]],
                "next_method": body["next_method"],
                "next_kwargs": body["next_kwargs"],
            }
        if body["state"] == "success":
            # What Airflow makes asset events of.
            changes |= {name: body[name] for name in ("task_outlets", "outlet_events")}
        self.update(**changes)

    def _store_call(self, method: str, key: str, body: Any, known: dict[str, Any]) -> Any:
        store = dict(known["store"])
        if method == "GET":
            if key in store:
                return httpx.Response(200, json={"value": store[key]})
            return httpx.Response(404, json={"detail": {"reason": "not_found", "message": "no such key"}})
        if method == "PUT":
            store[key] = body["value"]
        else:
            store.pop(key, None)
        self.update(store=store)
        return httpx.Response(204)


def _import_what_a_worker_needs() -> None:
    """Import here what each forked worker would take more than a second for."""
    import airflow.providers.amazon.aws.fs.s3  # noqa: F401  Airflow looks for the file systems of all providers
    import encord.user_client  # noqa: F401

    import encord_provider.api.async_client  # noqa: F401


def _run_context(known: dict[str, Any]) -> dict[str, Any]:
    now = known["run_started"]
    # Airflow 3.1 knows no partitions.
    partition = {"partition_key": None} if "partition_key" in DagRun.model_fields else {}
    return {
        "dag_run": {
            **partition,
            "dag_id": DAG_ID,
            "run_id": known["run_id"],
            "logical_date": None,
            "data_interval_start": None,
            "data_interval_end": None,
            "run_after": now,
            "start_date": now,
            "end_date": None,
            "run_type": "manual",
            "state": "running",
            "consumed_asset_events": [],
        },
        "max_tries": known["max_tries"],
        "should_retry": known["try_number"] <= known["max_tries"],
        "next_method": known["next_method"],
        "next_kwargs": known["next_kwargs"],
        "xcom_keys_to_clear": [],
    }


def in_dag(make: Callable[[], BaseOperator]) -> BaseOperator:
    """Make an operator in a DAG of its own."""
    with DAG(DAG_ID):
        return make()
