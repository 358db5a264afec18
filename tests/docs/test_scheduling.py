"""The DAGs on the page about scheduling: the one that registers data, and the one that Airflow starts then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from tests.helpers.dags import read_dags, run, serialized_form
from tests.helpers.pages import blocks
from tests.helpers.recordings import items, short

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

DAILY = "encord://encord_default/folder/lake/daily"
FIRST_OF_MAY = datetime(2026, 5, 1, 22, tzinfo=UTC)
"""A manual run with this logical date owns the day before it in Oslo."""


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
        # A DAG that is paused waits for nothing.
        session.execute(update(DagModel).values(is_paused=False))


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


def test_a_run_that_found_nothing_starts_no_other(both: Any) -> None:
    first, _ = both
    before = waiting_for("after_the_import")
    assert run(first, logical_date=datetime(2020, 5, 1, 22, tzinfo=UTC))[0] == "success"
    assert len(waiting_for("after_the_import")) == len(before)
