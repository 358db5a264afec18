"""Killing a worker at a step of its work: SIGKILL, from inside, so that the moment is exact."""

from __future__ import annotations

import os
import pathlib
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from encord_provider.api import client
from encord_provider.jobs import run, wait
from encord_provider.jobs.journal import FileJournal, TaskStateJournal
from encord_provider.jobs.receipts import Receipts
from encord_provider.operators import import_data
from tests.helpers.airflow_task import TaskRecord


def vanish() -> None:
    """End this process as ``kill -9`` does: nothing of it runs any more, not even ``finally``."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A moment in the work of a worker.

    :param name: what a reader calls it.
    :param owner: the class or module whose function is watched.
    :param function: the function.
    :param after: whether the worker dies after the call instead of before it.
    :param counts: which calls of it count, given their arguments.
    """

    name: str
    owner: Any
    function: str
    after: bool = False
    counts: Callable[..., bool] = lambda *args, **kwargs: True


def _is_start(_api: Any, call: Any) -> bool:
    return bool(call.name == "start_upload_job")


def _is_cancel(_api: Any, call: Any) -> bool:
    return bool(call.name == "cancel_upload_job")


def _is_receipt(beside: pathlib.Path, _target: Any) -> bool:
    return beside.name.startswith(".part-") or beside.name.startswith(".spec.json")


STEPS = (
    Step(name="before anything is stored", owner=run.Import, function="advance"),
    Step(name="before a journal entry is stored", owner=TaskStateJournal, function="save"),
    Step(name="after a journal entry is stored", owner=TaskStateJournal, function="save", after=True),
    Step(name="before a journal file is written", owner=FileJournal, function="save"),
    Step(name="after a journal file is written", owner=FileJournal, function="save", after=True),
    Step(name="before a part is sent", owner=client.EncordApi, function="perform", counts=_is_start),
    Step(
        name="between the answer and storing the id",
        owner=client.EncordApi,
        function="perform",
        after=True,
        counts=_is_start,
    ),
    Step(name="before a wait", owner=wait, function="wait_for_jobs"),
    Step(name="before a deferral", owner=import_data.EncordImportDataOperator, function="_defer"),
    Step(name="before a receipt is written", owner=Receipts, function="write"),
    Step(name="while a receipt is written", owner=pathlib.Path, function="replace", counts=_is_receipt),
    Step(name="after a receipt is written", owner=Receipts, function="write", after=True),
    Step(name="before the verdict", owner=run.Import, function="judge"),
    Step(name="after the verdict", owner=run.Import, function="judge", after=True),
    Step(name="before a job is cancelled", owner=client.EncordApi, function="perform", counts=_is_cancel),
)


def arm(step: Step, *, nth: int = 1, counted_in: pathlib.Path | None = None) -> None:
    """Let this process die at the n-th time that it comes to a step.

    :param counted_in: a file in which several processes count together; without it, this one counts for itself.
    """
    original = getattr(step.owner, step.function)
    calls = 0

    def count() -> int:
        nonlocal calls
        calls += 1
        if counted_in is None:
            return calls
        with counted_in.open("ab") as file:
            file.write(b".")
        return counted_in.stat().st_size

    def watched(*args: Any, **kwargs: Any) -> Any:
        if not step.counts(*args, **kwargs):
            return original(*args, **kwargs)
        calls = count()
        if calls == nth and not step.after:
            vanish()
        result = original(*args, **kwargs)
        if calls == nth:
            vanish()
        return result

    setattr(step.owner, step.function, watched)


def step_named(name: str) -> Step:
    (found,) = (step for step in STEPS if step.name == name)
    return found


def die_before_reporting(record: TaskRecord) -> None:
    """Let the worker die when it is about to tell Airflow how the attempt ended."""

    def on_call(method: str, path: str) -> None:
        if path.startswith("task-instances/") and path.endswith("/state"):
            vanish()

    record.on_call = on_call


def silence(path: pathlib.Path) -> None:
    """Let this process write what it says into a file."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)


def forget_the_state_store() -> None:
    """Let this process be an Airflow below 3.3, which has no task state store."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    get_context: Callable[[Any], Any] = RuntimeTaskInstance.get_template_context

    def without_store(instance: Any) -> Any:
        context = get_context(instance)
        context.pop("task_state_store", None)
        return context

    RuntimeTaskInstance.get_template_context = without_store  # type: ignore[method-assign]


def terminate_while_waiting(seconds: float) -> None:
    """Send SIGTERM to this process some time after it has begun to wait."""
    wait_for_jobs = wait.wait_for_jobs

    async def wait_and_be_told_to_end(*args: Any, **kwargs: Any) -> Any:
        threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
        return await wait_for_jobs(*args, **kwargs)

    wait.wait_for_jobs = wait_and_be_told_to_end  # type: ignore[assignment]
