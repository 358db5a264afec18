"""The DAGs on the page about scheduling: the one that registers data, and the one that Airflow starts then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from airflow.sdk.module_loading import import_string

from tests.helpers.dags import read_dags, run, serialized_form
from tests.helpers.pages import blocks
from tests.helpers.recordings import imported, items, short

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

QUAY_URL, GATE_URL = (
    f"https://lake.s3.eu-west-1.amazonaws.com/site={name}"
    for name in ("oslo/dt=2026-05-01/quay-1.jpg", "bergen/dt=2026-05-01/gate.png")
)
FIRST_OF_MAY = datetime(2026, 5, 1, 22, tzinfo=UTC)
"""A manual run with this logical date owns the day before it in Oslo."""


def spec_of(url: str) -> dict[str, Any]:
    return {"images": [{"objectUrl": url}], "skip_duplicate_urls": True}


def text_of(dag_id: str) -> str:
    (block,) = (one for one in blocks("python") if one.dag_id == dag_id)
    return block.text


def make_known(dags: Any) -> None:
    """Put DAGs into Airflow's database as its DAG processor does, so that it knows who waits for which asset."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.session import create_session
    from sqlalchemy import update

    form = serialized_form()
    with create_session() as session:
        session.merge(DagBundleModel(name="own"))
        session.flush()
        try:
            from airflow.serialization.definitions.dag import SerializedDAG
        except ImportError:  # Airflow 3.1
            from airflow.serialization.serialized_objects import SerializedDAG
        try:
            from airflow.serialization.serialized_objects import LazyDeserializedDAG

            given = [LazyDeserializedDAG(data=form.to_dict(dag)) for dag in dags]
        except ImportError:
            given = [form.deserialize_dag(form.serialize_dag(dag)) for dag in dags]
        SerializedDAG.bulk_write_to_db("own", None, given, session=session)
        # A DAG that is paused waits for nothing and watches nothing.
        session.execute(update(DagModel).values(is_paused=False))
        SerializedDAG.bulk_write_to_db("own", None, given, session=session)


def waiting_for(dag_id: str) -> list[Any]:
    """The events for which Airflow is about to start a run of a DAG."""
    from airflow.models.asset import AssetDagRunQueue, AssetEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        queued = session.scalars(
            select(AssetDagRunQueue.asset_id).where(AssetDagRunQueue.target_dag_id == dag_id)
        ).all()
        return list(session.scalars(select(AssetEvent).where(AssetEvent.asset_id.in_(queued))))


def happened(event: Any, *, uri: str) -> None:
    """Let Airflow hear of an event of the trigger that watches for an asset, as its triggerer does."""
    from airflow.models.asset import AssetModel
    from airflow.models.trigger import Trigger
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        (asset,) = session.scalars(select(AssetModel).where(AssetModel.uri == uri))
        (trigger,) = asset.triggers
        Trigger.submit_event(trigger.id, event, session=session)


@contextmanager
def started_by(events: list[Any]) -> Iterator[None]:
    """Let ``DAG.test`` make the run that Airflow's scheduler makes for events."""
    from airflow.models import dagrun

    original = dagrun.get_or_create_dagrun

    def create(*, session: Any, **arguments: Any) -> Any:
        made = original(session=session, **arguments)
        made.consumed_asset_events.extend(session.merge(event) for event in events)
        session.commit()
        return made

    with patch.object(dagrun, "get_or_create_dagrun", create):
        yield


@pytest.fixture
def both(encord: EncordEmulator, lake: Any, serve: Callable[[str, str], Any], tmp_path: Path) -> Any:
    """The DAG that imports, and the one that waits for it."""
    serve("import_and_tell", text_of("import_and_tell"))
    serve("after_the_import", text_of("after_the_import"))
    dags = read_dags(tmp_path / "dags", bundle_name="own")
    make_known(dags.values())
    return dags["import_and_tell"], dags["after_the_import"]


def test_a_run_that_an_import_has_started_takes_the_day_of_the_import(both: Any) -> None:
    first, then = both
    assert run(first, logical_date=FIRST_OF_MAY)[0] == "success"
    (event,) = waiting_for("after_the_import")
    assert event.extra["registered"] == 3
    with started_by([event]):
        state, states, returned = run(then, logical_date=None)
    assert state == "success", states
    assert returned["tell"] == [f"3 data units: {event.extra['spec']}"]
    assert short(items("lake/reference")) == ["gate.png"]
    assert "site=bergen/dt=2026-05-01/gate.png" in items("lake/reference")


def test_a_run_that_a_change_has_started_is_told_of_it(
    encord: EncordEmulator, lake: Any, serve: Callable[[str, str], Any], tmp_path: Path
) -> None:
    dag = serve("after_the_upload", text_of("after_the_upload"))
    make_known([dag])
    imported(spec_of(QUAY_URL), "lake/by-hand")
    (asset,) = dag.timetable.asset_condition.objects
    (watcher,) = asset.watchers
    # The DAG has what its author wrote; the triggerer makes it of what is stored.
    path, arguments = watcher.trigger.serialize()

    async def change() -> Any:
        trigger = import_string(path)(**{**arguments, "poll_seconds": 0.01, "quiet_seconds": 0})
        events = trigger.run()
        next_one = asyncio.ensure_future(anext(events))
        while not encord.requests("get_folder_summary"):
            assert not next_one.done(), next_one
            await asyncio.sleep(0.005)
        await asyncio.to_thread(imported, spec_of(GATE_URL), "lake/by-hand")
        return await asyncio.wait_for(next_one, 20)

    happened(asyncio.run(change()), uri="recordings_uploaded_by_hand")
    (event,) = waiting_for("after_the_upload")
    with started_by([event]):
        state, _, returned = run(dag, logical_date=None)
    assert state == "success"
    assert returned["tell"] == ["1 files, now 2"]


def test_a_run_that_found_nothing_starts_no_other(both: Any) -> None:
    first, _ = both
    before = waiting_for("after_the_import")
    assert run(first, logical_date=datetime(2020, 5, 1, 22, tzinfo=UTC))[0] == "success"
    assert len(waiting_for("after_the_import")) == len(before)
