"""Carrying out upload jobs over time."""

from __future__ import annotations

import asyncio

from encord_provider.emulator.core.clock import first_of
from encord_provider.emulator.core.faults import Fault, FaultKind
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.storage.items.models import Items
from encord_provider.emulator.storage.jobs.models import Job, Jobs, JobStatus, UnitError
from encord_provider.emulator.storage.jobs.registration import Registrar
from encord_provider.emulator.storage.jobs.units import Unit, UnitFailedError
from encord_provider.emulator.storage.objects.s3 import ObjectInfo

_BATCH = 500
_TICK_REAL_SECONDS = 0.02


class JobRunner:
    """Runs jobs at the speed that the settings say, each in a task of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._clock = store.clock
        self._faults = store.faults
        self._items = store[Items]
        self._registrar = Registrar(store)
        self._tasks: set[asyncio.Task[None]] = set()
        self._faults_changed = asyncio.Event()
        store.faults.on_change.append(self._faults_have_changed)

    def resume(self) -> None:
        """Go on with the jobs that a snapshot left unfinished."""
        for job in self._store[Jobs]:
            if job.status is JobStatus.PENDING:
                self.start(job)

    def start(self, job: Job) -> None:
        """Begin (or go on with) a job."""
        task = asyncio.get_running_loop().create_task(self._run(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Drop all running work, leaving the jobs as they are."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, job: Job) -> None:
        try:
            await self._work(job)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # A bug of the emulator must end the job, or its client would wait for ever.
            job.errors.append(
                UnitError((), f"internal error: {error!r}", self._store.chance.uuid(), "Running job")
            )
            job.finish(JobStatus.ERROR, self._clock.now())
            raise

    async def _work(self, job: Job) -> None:
        faults = self._faults.for_job()
        cancel_after = min(
            (fault.after_units for fault in faults if fault.kind is FaultKind.JOB_CANCELLED), default=None
        )
        await self._while_stuck(job, [fault for fault in faults if fault.kind is FaultKind.JOB_STUCK])
        job.started_at = self._clock.now()
        finished_before = job.total - job.pending_count
        while job.units and not job.finished.is_set():
            finished = job.total - job.pending_count
            if job.folder.deleted or (cancel_after is not None and finished >= cancel_after):
                job.cancel(self._clock.now())
                return
            due = self._due(job) - (finished - finished_before)
            if cancel_after is not None:
                due = min(due, cancel_after - finished)
            if due < 1:
                await self._wait_for_next(job)
                continue
            await self._register_batch(job, min(due, _BATCH))
            await asyncio.sleep(0)
        if not await self._clock.wait(job.finished, self._store.settings.finishing_seconds):
            self._conclude(job)

    async def _while_stuck(self, job: Job, faults: list[Fault]) -> None:
        job.stuck = True
        while not job.finished.is_set() and any(self._faults.is_active(fault) for fault in faults):
            await first_of(job.finished, self._faults_changed)
        job.stuck = False

    def _due(self, job: Job) -> int:
        elapsed = self._clock.now() - job.started_at
        # A microsecond more, so that a clock moved by exactly n units' time finishes n units.
        return int((elapsed + 1e-6) * self._store.settings.units_per_second)

    async def _wait_for_next(self, job: Job) -> None:
        rate = self._store.settings.units_per_second
        tick = _TICK_REAL_SECONDS * (self._clock.speed or 1.0)
        await self._clock.wait(job.finished, max(tick, 1 / rate) if rate > 0 else 1.0)

    async def _register_batch(self, job: Job, size: int) -> None:
        batch = job.units[: -size - 1 : -1]
        found = await self._registrar.look_up(job, batch)
        if job.finished.is_set() or job.folder.deleted:
            return
        del job.units[-len(batch) :]
        check_faults = self._faults.any_for_units()
        for unit, outcome in zip(batch, found, strict=True):
            fault = self._faults.for_unit(unit.urls) if check_faults else None
            if fault is not None:
                outcome = UnitFailedError(fault.message or "The unit failed for an emulated reason")
            self._register(job, unit, outcome)

    def _register(self, job: Job, unit: Unit, outcome: list[ObjectInfo] | UnitFailedError) -> None:
        try:
            if isinstance(outcome, UnitFailedError):
                raise outcome
            existing = self._registrar.existing(job, unit)
            if existing is not None:
                self._registrar.refresh(job, unit, existing)
                if self._store.settings.skipped_units_in_result:
                    job.skipped.append(existing)
            else:
                job.items.append(self._registrar.create(job, unit, outcome))
            job.done_count += 1
        except UnitFailedError as error:
            job.errors.append(
                UnitError(tuple(unit.urls), str(error), self._store.chance.uuid(), unit.type.action)
            )
            job.error_count += 1

    def _conclude(self, job: Job) -> None:
        failed = job.error_count > 0 and not job.ignore_errors
        if failed and self._store.settings.failed_job_items == "drop":
            for item in job.items:
                self._items.delete(item)
            job.items = []
        job.finish(JobStatus.ERROR if failed else JobStatus.DONE, self._clock.now())

    def _faults_have_changed(self) -> None:
        self._faults_changed.set()
        self._faults_changed = asyncio.Event()
