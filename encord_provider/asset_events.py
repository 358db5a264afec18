"""What an import tells the assets among its outlets, and so the DAGs that are scheduled on them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from encord_provider.assets import folder_of, folder_parts
from encord_provider.exceptions import EncordError, EncordInputError
from encord_provider.hooks.names import uuid_of
from encord_provider.jobs.parts import index_uri_of, open_index

Method = TypeVar("Method", bound=Callable[..., Any])


def tells_assets(method: Method) -> Method:
    """Make ``execute`` or ``execute_complete`` of a task that registers data tell its outlets what it registered.

    Airflow updates every outlet of a task that succeeds. Where nothing is registered, the folder is no outlet of this
    run of the task, so that no DAG is started for nothing. What Encord says was added is no measure for that: to the
    job that repeats one whose answer was lost, its data units are duplicates.

    :param method: the method; its first argument is the task's context, and it returns the summary of the import.
    """

    @functools.wraps(method)
    def run(self: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        outlets = [outlet for outlet in self.outlets if folder_of(outlet) is not None]
        for outlet in outlets:
            _check(self, outlet)
        result = method(self, context, *args, **kwargs)
        if outlets:
            event = event_of(result, spec=getattr(self, "spec", None))
            if event["registered"]:
                for outlet in outlets:
                    context["outlet_events"][outlet].extra.update(event)
            else:
                self.log.info("Nothing was registered, so that the asset of the folder is not updated.")
                # Airflow reads the outlets of this copy of the task once it has ended.
                self.outlets = [outlet for outlet in self.outlets if outlet not in outlets]
        return result

    return cast("Method", run)


def event_of(summary: Mapping[str, Any], *, spec: Any) -> dict[str, Any]:
    """Give what an event carries: counts and references, nothing of single objects.

    :param summary: what the import operator or the sensor returns.
    :param spec: the upload spec, as the import operator takes it; None where it is not known.
    """
    units = summary["units"]
    event = {
        "folder": summary["folder"],
        "upload_jobs": len(summary["job_ids"]),
        "registered": units["done"],
        "failed": units["failed"],
        "items_added": summary["items_added"],
        "receipts": summary.get("receipts"),
        "failures": summary.get("failures"),
        "spec": index_uri_of(spec),
        "window": None,
    }
    if event["spec"] is not None:
        try:
            event["window"] = open_index(event["spec"]).window
        except EncordError:
            # It was read when it was imported; who has removed it since does not undo the import.
            event["spec"] = None
    return event


def refuse_outlets_too_early(outlets: Any, *, task_id: str) -> None:
    """Refuse the asset of a folder as outlet of a task that ends before data is registered.

    :param outlets: the outlets of the task.
    :param task_id: the task.
    :raises EncordInputError: if one of them is a folder's.
    """
    if any(folder_of(outlet) is not None for outlet in outlets):
        raise EncordInputError(
            f"The task {task_id!r} does not wait for its upload jobs, so that nothing is registered when its outlet "
            "would be updated: give the outlet to the EncordUploadJobSensor that waits for them."
        )


def _check(operator: Any, outlet: Any) -> None:
    """Refuse an outlet that names another folder than the task."""
    found = folder_of(outlet)
    if found is None or not isinstance(operator.folder, str) or not operator.folder:
        return
    conn_id, parts = found
    meant = folder_parts(operator.folder)
    # A UUID and a name path may well mean the same folder.
    comparable = (uuid_of("/".join(parts)) is None) == (uuid_of("/".join(meant)) is None)
    if conn_id != operator.encord_conn_id or (comparable and parts != meant):
        raise EncordInputError(
            f"The outlet {outlet.uri} is not the folder {operator.folder!r} of connection {operator.encord_conn_id!r}, "
            "into which the task registers: DAGs that are scheduled on that asset would be started by the wrong import."
        )
