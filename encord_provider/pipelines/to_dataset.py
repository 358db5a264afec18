"""The chain from an import to a dataset that people can label, as a task group behind that of the import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from airflow.providers.common.compat.sdk import AirflowSkipException, TaskGroup, chain, task
from airflow.sdk import XComArg

from encord_provider.datasets.naming import name_of
from encord_provider.exceptions import EncordInputError
from encord_provider.hooks.encord import EncordHook
from encord_provider.operators.attach_dataset import EncordAttachDatasetOperator
from encord_provider.operators.build_upload_spec import EncordBuildUploadSpecOperator
from encord_provider.operators.create_dataset import EncordCreateDatasetOperator
from encord_provider.operators.import_data import EncordImportDataOperator
from encord_provider.operators.link_items import EncordLinkItemsOperator
from encord_provider.options import ItemSelection
from encord_provider.pipelines.defaults import NOT_GIVEN, NotGiven, TaskGroupBuilder

if TYPE_CHECKING:
    from airflow.sdk import Context


def to_dataset(
    imported: TaskGroup,
    *,
    dataset: str | XComArg,
    project: str | XComArg | None = None,
    description: str = "",
    max_unmatched: int | str | XComArg | NotGiven | None = NOT_GIVEN,
    workspace: str | XComArg | NotGiven | None = NOT_GIVEN,
    encord_conn_id: str | XComArg | NotGiven = NOT_GIVEN,
    group_id: str = "to_dataset",
) -> TaskGroup:
    """Add the tasks ``create_dataset``, ``link_items`` and ``attach_dataset`` behind those of an import.

    Exactly what the run of the import has registered, or found registered, is linked; running it again changes nothing.
    A task ``check_<group_id>`` goes before the import: it fails where a title is wrong, before anything is changed.

    All texts may be templates. Their meaning is that of the operators' parameters of the same name.

    :param imported: the task group of the import, as :func:`~encord_provider.pipelines.import_from_s3` returns it.
    :param dataset: the dataset: exact title, which is created where it is missing, or UUID.
    :param project: the project: UUID or exact title; None for no task ``attach_dataset``, which is skipped where a
        template renders to nothing.
    :param description: the description of a new dataset.
    :param max_unmatched: how many objects of the upload spec may not be in the folder, or twice, before ``link_items``
        fails with nothing linked; unless given, as many as data units may fail in the import. None for any number.
    :param workspace: the URI of the workspace.
    :param encord_conn_id: the Airflow connection of type ``encord``; ``encord_default`` unless given.
    :param group_id: the id of the task group.
    :returns: the task group; what was linked is ``link_items``'s XCom.
    :raises EncordInputError: if the group has no tasks ``build_spec`` and ``import_data``.
    """
    build_spec, import_data = _tasks_of(imported)
    made = TaskGroupBuilder(group_id)
    encord_conn_id = made.of("encord_conn_id", encord_conn_id)
    workspace = made.of("workspace", workspace)
    retries = {
        name: value for name, value in made.group.default_args.items() if name in ("retries", "retry_delay")
    }
    check = _check_titles.override(task_id=f"check_{group_id}", **retries)(
        dataset=cast("Any", dataset), project=cast("Any", project), encord_conn_id=cast("Any", encord_conn_id)
    )
    with made.group as group:
        create_dataset = EncordCreateDatasetOperator(
            task_id="create_dataset",
            dataset=cast("Any", dataset),
            description=description,
            encord_conn_id=cast("Any", encord_conn_id),
        )
        link = _LinkAllImported if max_unmatched is NOT_GIVEN else EncordLinkItemsOperator
        link_items = link(
            task_id="link_items",
            dataset=create_dataset.output,
            folder=cast("Any", import_data.output)["folder"],
            items=ItemSelection(upload_spec=cast("Any", build_spec.output)),
            max_unmatched=import_data.max_failed_units if max_unmatched is NOT_GIVEN else max_unmatched,
            workspace=cast("Any", workspace),
            encord_conn_id=cast("Any", encord_conn_id),
        )
        chain(create_dataset, link_items)
        if project is not None:
            attach_dataset = _AttachWhereNamed(
                task_id="attach_dataset",
                dataset=create_dataset.output,
                project=cast("Any", project),
                workspace=cast("Any", workspace),
                encord_conn_id=cast("Any", encord_conn_id),
            )
            chain(link_items, attach_dataset)
    chain(check, imported, group)
    return group


def _tasks_of(imported: TaskGroup) -> tuple[EncordBuildUploadSpecOperator, EncordImportDataOperator]:
    tasks = {getattr(one, "label", ""): one for one in imported.children.values()}
    build_spec, import_data = tasks.get("build_spec"), tasks.get("import_data")
    if not isinstance(build_spec, EncordBuildUploadSpecOperator) or not isinstance(
        import_data, EncordImportDataOperator
    ):
        raise EncordInputError(
            f"The task group {imported.group_id!r} has no tasks build_spec and import_data: give the one that "
            "import_from_s3 returned, or link items with EncordLinkItemsOperator."
        )
    return build_spec, import_data


@task
def _check_titles(dataset: str, project: str | None, encord_conn_id: str) -> None:
    """Look whether the titles mean something, and one thing only; the dataset may be missing."""
    hook = EncordHook(encord_conn_id=encord_conn_id)
    hook.titles.dataset(name_of(dataset, parameter="dataset"))
    if named := name_of(project, parameter="project"):
        hook.find_project(named)


class _LinkAllImported(EncordLinkItemsOperator):
    """Link all that was imported, but for as many data units as might fail."""

    def _allowed(self) -> int:
        # To the import, an empty text means none.
        return super()._allowed() or 0


class _AttachWhereNamed(EncordAttachDatasetOperator):
    """Attach a dataset where a project is named, which only the run may know."""

    def execute(self, context: Context) -> dict[str, Any]:
        """Attach the dataset, or be skipped."""
        if not name_of(self.project, parameter="project"):
            raise AirflowSkipException("No project was named, so that the dataset is attached to none.")
        return super().execute(context)
