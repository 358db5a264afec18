"""What an import does next: every small state, and the order in which the steps come."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import pytest

from encord_provider.api.upload_job import JobState, UnitCounts, UploadJob
from encord_provider.jobs.journal import ActiveJob, Journal
from encord_provider.jobs.next_step import (
    GONE_MAX,
    Ask,
    Begin,
    Finish,
    Forget,
    GiveUp,
    ImportState,
    Look,
    Presence,
    Record,
    RecordPresent,
    Refuse,
    Start,
    Step,
    TimeOut,
    Wait,
    WaitUntil,
    Why,
    ended_parts,
    next_step,
    waiting_parts,
)
from encord_provider.jobs.receipts import Receipt


@dataclass(frozen=True)
class _Part:
    name: str
    sha256: str
    skips_duplicates: bool


ATTEMPT = 2
UNASKED, GONE = "not asked yet", "gone"
ANSWERS = (UNASKED, GONE, *JobState)
STOPPED = (JobState.ERROR, JobState.CANCELLED)


def _job(job_id: str, state: JobState, *, done: int = 0) -> UploadJob:
    return UploadJob(job_id=job_id, state=state, units=UnitCounts(done=done))


def _receipt(name: str, state: JobState, *, done: int = 0, attempt: int = ATTEMPT) -> Receipt:
    return Receipt(
        part=name, sha256=f"sha-{name}", job=_job(f"job-{name}", state, done=done), attempt=attempt
    )


def _state(
    *names: str,
    skips: bool = True,
    active: tuple[str, ...] = (),
    unsure: tuple[str, ...] = (),
    answers: dict[str, Any] | None = None,
    receipts: tuple[Receipt, ...] = (),
    begun: bool = True,
    gone: int = 0,
    **more: Any,
) -> ImportState:
    """An import of parts; ``active`` have a job, of ``unsure`` it is not known whether they have one."""
    journal = Journal(attempt=ATTEMPT, gone=gone)
    for name in names:
        if name in active or name in unsure:
            job_id = None if name in unsure else f"job-{name}"
            journal.active[name] = ActiveJob(file_name=name, sha256=f"sha-{name}", job_id=job_id)
    said = {
        f"job-{name}": None if answer == GONE else _job(f"job-{name}", answer)
        for name, answer in (answers or {}).items()
        if answer != UNASKED
    }
    return ImportState(
        parts={name: _Part(name, f"sha-{name}", skips) for name in names},
        journal=journal,
        receipts={receipt.part: receipt for receipt in receipts},
        answers=said,
        begun=begun,
        **more,
    )


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("answer", ANSWERS)
def test_one_part_that_is_under_way(answer: Any, skips: bool, begun: bool) -> None:
    step = next_step(_state("a", skips=skips, active=("a",), answers={"a": answer}, begun=begun))
    expected: Step
    if answer == UNASKED:
        expected = Ask(job_ids=("job-a",))
    elif answer == GONE:
        expected = Forget(part="a", why=Why.JOB_GONE) if skips else Look(parts=("a",))
    elif answer in STOPPED or (begun and answer is not JobState.PENDING):
        expected = Record(part="a", job=_job("job-a", answer))
    elif begun:
        expected = Wait(job_ids=("job-a",), until=WaitUntil.ALL)
    else:
        expected = Begin()
    assert step == expected


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("skips", [False, True])
def test_one_part_of_which_it_is_unknown_whether_it_has_a_job(skips: bool, begun: bool) -> None:
    step = next_step(_state("a", skips=skips, unsure=("a",), begun=begun))
    assert step == (Forget(part="a", why=Why.ANSWER_LOST) if skips else Look(parts=("a",)))


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("presence", Presence)
@pytest.mark.parametrize("known", ["unsure", "gone", "in doubt"])
def test_a_part_that_may_be_registered_and_skips_no_duplicates(
    known: str, presence: Presence, ordered: bool, begun: bool
) -> None:
    state = _state(
        "a",
        skips=False,
        unsure=("a",) if known == "unsure" else (),
        active=("a",) if known == "gone" else (),
        answers={"a": GONE},
        presence={"a": presence},
        ordered=ordered,
        begun=begun,
    )
    state.journal.in_doubt = known == "in doubt"
    step = next_step(state)
    if presence is Presence.ALL:
        assert step == RecordPresent(part="a")
    elif presence is Presence.NONE and ordered and not begun:
        # The user, who has ordered this attempt, answers for it.
        assert isinstance(step, Begin if known == "in doubt" else Forget)
    else:
        assert isinstance(step, Refuse)


def test_in_doubt_only_parts_that_skip_no_duplicates_and_have_no_receipt_are_looked_for() -> None:
    state = _state("a", "b", "c", skips=False, active=("c",), receipts=(_receipt("a", JobState.DONE),))
    state.journal.in_doubt = True
    assert next_step(replace(state, answers={})) == Look(parts=("b", "c"))
    skipping = _state("a", "b", skips=True, begun=False)
    skipping.journal.in_doubt = True
    assert next_step(skipping) == Begin()


@pytest.mark.parametrize("done", [0, 3])
@pytest.mark.parametrize("attempt", [0, ATTEMPT - 1, ATTEMPT])
@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("state", JobState)
def test_one_part_that_has_a_receipt(state: JobState, skips: bool, attempt: int, done: int) -> None:
    known = _state("a", skips=skips, receipts=(_receipt("a", state, done=done, attempt=attempt),))
    complete = state is JobState.DONE
    stays = complete or attempt == ATTEMPT or (not skips and done > 0)
    assert next_step(known) == (Finish() if stays else Start(part="a"))
    assert list(ended_parts(known)) == (["a"] if stays else [])
    assert next_step(replace(known, begun=False)) == Begin()


@pytest.mark.parametrize("begun", [False, True])
def test_a_part_that_was_never_sent(begun: bool) -> None:
    assert next_step(_state("a", begun=begun)) == (Start(part="a") if begun else Begin())


def test_a_part_that_is_sent_again_is_under_way_whatever_its_old_receipt_says() -> None:
    for state in JobState:
        known = _state("a", active=("a",), answers={"a": JobState.PENDING}, receipts=(_receipt("a", state),))
        assert next_step(known) == Wait(job_ids=("job-a",), until=WaitUntil.ALL)
        assert ended_parts(known) == {}


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("job_id", [None, "job-a"])
def test_a_part_that_the_spec_has_no_more_is_forgotten(job_id: str | None, skips: bool, begun: bool) -> None:
    known = _state("a", skips=skips, begun=begun)
    other = ActiveJob(file_name="a", sha256="another", job_id=job_id)
    known.journal.active["a"] = other
    assert next_step(known) == Forget(part="a", why=Why.SPEC_CHANGED)
    known.journal.active.clear()
    known.journal.active["z"] = other
    assert next_step(known) == Forget(part="z", why=Why.SPEC_CHANGED)


@pytest.mark.parametrize("gone", range(GONE_MAX + 2))
@pytest.mark.parametrize("skips", [False, True])
def test_jobs_that_are_gone_again_and_again_are_given_up(skips: bool, gone: int) -> None:
    step = next_step(_state("a", skips=skips, active=("a",), answers={"a": GONE}, gone=gone))
    if not skips:
        assert step == Look(parts=("a",))
    elif gone < GONE_MAX:
        assert step == Forget(part="a", why=Why.JOB_GONE)
    else:
        assert step == GiveUp(part="a")


@pytest.mark.parametrize("stopped", STOPPED)
def test_nothing_more_is_sent_once_a_job_was_stopped(stopped: JobState) -> None:
    known = _state("a", "b", "c", receipts=(_receipt("a", stopped),), active=("b",))
    assert waiting_parts(known) == []
    assert next_step(known) == Ask(job_ids=("job-b",))
    asked = replace(known, answers={"job-b": _job("job-b", JobState.PENDING)})
    assert next_step(asked) == Wait(job_ids=("job-b",), until=WaitUntil.ALL)
    assert next_step(_state("a", "c", receipts=(_receipt("a", stopped),))) == Finish()


@pytest.mark.parametrize("stopped", STOPPED)
def test_what_was_stopped_before_this_attempt_is_sent_again(stopped: JobState) -> None:
    known = _state("a", "b", receipts=(_receipt("a", stopped, attempt=ATTEMPT - 1),))
    assert next_step(known) == Start(part="a")


def test_all_answers_are_taken_in_before_anything_is_sent() -> None:
    both = {"a": JobState.DONE, "b": JobState.ERROR}
    known = _state("a", "b", "c", active=("a", "b"), answers=both, max_active_jobs=4)
    assert next_step(known) == Record(part="a", job=_job("job-a", JobState.DONE))
    del known.journal.active["a"]
    assert next_step(known) == Record(part="b", job=_job("job-b", JobState.ERROR))


@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_more_than_allowed_are_under_way_and_a_place_is_waited_for(most: int) -> None:
    names = ("a", "b", "c", "d")
    active = names[:most]
    asked = dict.fromkeys(active, JobState.PENDING)
    full = _state(*names, active=active, answers=asked, max_active_jobs=most)
    jobs = tuple(f"job-{name}" for name in active)
    assert next_step(full) == Wait(job_ids=jobs, until=WaitUntil.ANY)
    assert next_step(replace(full, max_active_jobs=most + 1)) == Start(part=names[most])


def test_jobs_are_asked_for_once_there_is_no_more_to_send() -> None:
    known = _state("a", "b", active=("a",), max_active_jobs=2)
    assert next_step(known) == Start(part="b")
    assert next_step(replace(known, max_active_jobs=1)) == Ask(job_ids=("job-a",))


def test_an_import_that_does_not_wait_sends_everything_and_asks_for_nothing() -> None:
    known = _state("a", "b", active=("a",), waits=False, max_active_jobs=2)
    assert next_step(known) == Start(part="b")
    assert next_step(_state("a", "b", active=("a", "b"), waits=False, max_active_jobs=2)) == Finish()


@pytest.mark.parametrize("answer", [UNASKED, *JobState])
@pytest.mark.parametrize("more", [False, True])
def test_out_of_time_nothing_is_sent_and_only_what_has_ended_counts(answer: Any, more: bool) -> None:
    names = ("a", "b") if more else ("a",)
    known = _state(*names, active=("a",), answers={"a": answer}, out_of_time=True)
    step = next_step(known)
    if answer == UNASKED:
        assert step == Ask(job_ids=("job-a",))
    elif answer is JobState.PENDING:
        assert step == TimeOut()
    else:
        assert step == Record(part="a", job=_job("job-a", answer))
    after = _state(*names, receipts=(_receipt("a", JobState.DONE),), out_of_time=True)
    assert next_step(after) == (TimeOut() if more else Finish())


class _World:
    """Does the steps of an import without any I/O, against jobs that end as they are told."""

    def __init__(
        self, fates: dict[str, JobState | str], *, skips: bool, left: dict[str, str], most: int
    ) -> None:
        self.fates = fates
        self.sent: list[str] = []
        self.registered: dict[str, int] = dict.fromkeys(fates, 0)
        self.failed = False
        self.answers: dict[str, UploadJob | None] = {}
        self.receipts: dict[str, Receipt] = {}
        self.presence: dict[str, Presence] = {}
        active = tuple(name for name, kind in left.items() if kind == "active")
        unsure = tuple(name for name, kind in left.items() if kind == "unsure")
        self.state = replace(
            _state(*fates, skips=skips, active=active, unsure=unsure, begun=False, max_active_jobs=most),
            answers=self.answers,
            receipts=self.receipts,
            presence=self.presence,
        )
        self.skips = skips
        for name in (*active, *unsure):
            # A job that may have been started has been, which is the worse case.
            self._register(name)

    def _register(self, name: str) -> None:
        self.registered[name] = 1 if self.skips else self.registered[name] + 1

    def run(self) -> Step:
        journal = self.state.journal
        for _ in range(200):
            step = next_step(self.state)
            match step:
                case Finish() | TimeOut():
                    return step
                case Refuse():
                    return step
                case GiveUp(part=name):
                    del journal.active[name]
                    return step
                case Look(parts=names):
                    self.presence.update(
                        (name, Presence.ALL if self.registered[name] else Presence.NONE) for name in names
                    )
                case RecordPresent(part=name):
                    self.receipts[name] = _receipt(name, JobState.DONE, attempt=journal.attempt)
                    journal.active.pop(name, None)
                case Forget(part=name, why=why):
                    journal.gone += why is Why.JOB_GONE
                    del journal.active[name]
                case Begin():
                    journal.attempt += 1
                    self.state = replace(self.state, begun=True)
                case Ask(job_ids=job_ids):
                    for job_id in job_ids:
                        self.answers[job_id] = self._answer(job_id)
                case Record(part=name, job=job):
                    self.receipts[name] = replace(_receipt(name, job.state, attempt=journal.attempt), job=job)
                    del journal.active[name]
                case Start(part=name):
                    assert name not in journal.active
                    assert len(journal.active) < self.state.max_active_jobs
                    self.sent.append(name)
                    self._register(name)
                    job_id = f"job-{name}-{len(self.sent)}"
                    journal.active[name] = ActiveJob(file_name=name, sha256=f"sha-{name}", job_id=job_id)
                case Wait(job_ids=job_ids):
                    assert set(job_ids) == {active.job_id for active in journal.active.values()}
                    self.answers.clear()
        raise AssertionError("the import does not end")

    def _answer(self, job_id: str) -> UploadJob | None:
        name = job_id.split("-")[1]
        fate = self.fates[name]
        if fate == GONE:
            self.fates[name] = JobState.DONE
            return None
        return _job(job_id, JobState(fate), done=1)


FATES = (GONE, JobState.DONE, JobState.DONE_WITH_ERRORS, JobState.ERROR, JobState.CANCELLED)
LEFT = ("not sent", "active", "unsure")


@pytest.mark.parametrize("most", [1, 2])
@pytest.mark.parametrize("skips", [False, True])
def test_every_import_of_two_parts_ends_and_doubles_nothing(skips: bool, most: int) -> None:
    for fates in itertools.product(FATES, repeat=2):
        for left in itertools.product(LEFT, repeat=2):
            world = _World(
                dict(zip("ab", fates, strict=True)),
                skips=skips,
                left=dict(zip("ab", left, strict=True)),
                most=most,
            )
            end = world.run()
            what = (fates, left, world.sent, end)
            assert all(count <= 1 for count in world.registered.values()), what
            if isinstance(end, Refuse):
                assert not skips, what
                assert "unsure" in left or GONE in fates, what
                continue
            assert end == Finish(), what
            assert not world.state.journal.active, what
            ended = ended_parts(world.state)
            stopped = any(receipt.job.state in STOPPED for receipt in ended.values())
            assert set(ended) == {"a", "b"} or stopped, what
            assert stopped or all(world.registered.values()), what
