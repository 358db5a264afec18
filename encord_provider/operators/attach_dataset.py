"""EncordAttachDatasetOperator: attach a dataset to a project, so that its data can be labelled there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from encord_provider.datasets.naming import dataset_of, project_of
from encord_provider.exceptions import EncordUnavailableError
from encord_provider.hooks.sdk import call_sdk
from encord_provider.lineage import Lineage, Place
from encord_provider.links import EncordDatasetLink, EncordProjectLink, EncordReportLink, show_link
from encord_provider.operators.base import EncordWorkspaceOperator
from encord_provider.report.reporting import reported
from encord_provider.report.section import TaskReport

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg


class EncordAttachDatasetOperator(EncordWorkspaceOperator):
    """Attach a dataset to a project; a dataset that is attached already stays so, and nothing changes.

    :param dataset: the dataset: UUID, exact title, or the output of a task that returns one. (templated)
    :param project: the project: the same. (templated)

    :returns: ``{"dataset", "project", "attached"}``: the UUIDs, and whether it was attached just now.
    :raises EncordInputError: if a title is unknown or several have it; nothing has been changed.
    :raises EncordUnavailableError: if Encord could not be reached, or does not show the dataset in the project.
    """

    template_fields: tuple[str, ...] = (*EncordWorkspaceOperator.template_fields, "dataset", "project")

    operator_extra_links = (EncordDatasetLink(), EncordProjectLink(), EncordReportLink())

    def __init__(
        self,
        *,
        dataset: Mapping[str, Any] | str | XComArg,
        project: Mapping[str, Any] | str | XComArg,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.project = project
        self._attached: dict[str, Any] = {}

    @reported
    def execute(self, context: Context) -> dict[str, Any]:
        """Look whether the project has the dataset, and attach it where not."""
        self.end_calls_in_time()
        hook = self.hook
        project, dataset = project_of(hook, self.project), dataset_of(hook, self.dataset)
        if app := hook.web_app:
            show_link(self, context, EncordProjectLink(), app.project(project))
            show_link(self, context, EncordDatasetLink(), app.dataset(dataset))
        before = self._datasets_of(project)
        if dataset not in before:

            def attach() -> None:
                opened = hook.client.get_project(project)
                # Also after a lost answer.
                if dataset not in {str(one.dataset_hash) for one in opened.list_datasets()}:
                    opened.add_datasets([dataset])

            call_sdk(
                attach,
                what=f"attach the dataset {dataset} to the project {project}",
                domain=hook.credentials.domain,
                budget=hook.budget,
            )
            if dataset not in self._datasets_of(project):
                raise EncordUnavailableError(
                    f"Encord has attached the dataset {dataset} to the project {project}, and does not show it there. "
                    "A retry looks again."
                )
        self._attached = {"dataset": dataset, "project": project, "attached": dataset not in before}
        self.log.info(
            "The dataset %s is %s the project %s.",
            dataset,
            "attached to" if self._attached["attached"] else "already in",
            project,
        )
        return self._attached

    def report(self, result: Any) -> TaskReport | None:
        """Say whether the dataset was attached."""
        if not self._attached:
            return None
        attached = self._attached["attached"]
        return TaskReport(
            title="Project",
            counts={"datasets attached": int(attached), "datasets already attached": int(not attached)},
        )

    def lineage(self) -> Lineage:
        """Say which dataset went into which project."""
        if not self._attached:
            return Lineage()
        return Lineage(
            inputs=[Place.in_encord(self.hook, "dataset", self._attached["dataset"])],
            outputs=[Place.in_encord(self.hook, "project", self._attached["project"])],
        )

    def _datasets_of(self, project: str) -> set[str]:
        hook = self.hook
        return call_sdk(
            lambda: {str(one.dataset_hash) for one in hook.client.get_project(project).list_datasets()},
            what=f"list the datasets of the project {project}",
            domain=hook.credentials.domain,
            budget=hook.budget,
        )
