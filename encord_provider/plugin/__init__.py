"""The page "Encord imports" in Airflow's UI. Airflow loads this with every of its parts, so that it imports little."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from encord_provider.plugin import run_note
from encord_provider.report.address import PREFIX, base_path


class _App:
    """The page's application, made when the API server asks it first: no other part of Airflow needs it."""

    def __init__(self) -> None:
        self._made: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._made is None:
            from encord_provider.plugin.app import make_app

            self._made = make_app()
        await self._made(scope, receive, send)


def import_summary(ti: Any, *, workspace: str | None = None) -> str:
    """Give the summary of a run, see :func:`encord_provider.report.summary.import_summary`.

    :param ti: the task instance.
    :param workspace: the URI of the workspace; None for that of the task.
    """
    from encord_provider.report import summary

    return summary.import_summary(ti, workspace=workspace)


class EncordPlugin(AirflowPlugin):
    """Adds the page, the macro ``macros.encord.import_summary``, and the notes of runs."""

    name = "encord"
    macros = [import_summary]
    listeners = [run_note]
    fastapi_apps = [{"app": _App(), "url_prefix": PREFIX, "name": "Encord imports"}]
    external_views = [
        {
            "name": "Encord imports",
            "href": f"{base_path()}{PREFIX}/",
            "destination": "nav",
            "category": "browse",
            "url_route": "encord-imports",
        }
    ]
