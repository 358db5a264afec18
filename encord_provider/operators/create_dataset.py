"""EncordCreateDatasetOperator: find a dataset by its title, and create it where it is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from encord_provider.datasets.naming import name_of
from encord_provider.links import EncordDatasetLink, show_link
from encord_provider.operators.base import EncordOperator

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg


class EncordCreateDatasetOperator(EncordOperator):
    """Find a dataset, and create it where no dataset has its title; running it again changes nothing.

    :param dataset: the exact title, or the UUID of a dataset that is there. (templated)
    :param description: the description of a new dataset; one that is there keeps its own. (templated)
    :param create_backing_folder: whether a new dataset mirrors a folder that is created with it. Items of other
        folders need a dataset that does not.

    :returns: ``{"dataset", "created"}``: its UUID, and whether it is new.
    :raises EncordInputError: if several datasets have the title; nothing is created then.
    """

    template_fields: tuple[str, ...] = (*EncordOperator.template_fields, "dataset", "description")

    operator_extra_links = (EncordDatasetLink(),)

    def __init__(
        self,
        *,
        dataset: str | XComArg,
        description: str = "",
        create_backing_folder: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.description = description
        self.create_backing_folder = create_backing_folder

    def execute(self, context: Context) -> dict[str, Any]:
        """Look the dataset up, and create it where it is missing."""
        self.end_calls_in_time()
        found = self.hook.create_dataset(
            name_of(self.dataset, parameter="dataset"),
            description=self.description,
            create_backing_folder=self.create_backing_folder,
        )
        if app := self.hook.web_app:
            show_link(self, context, EncordDatasetLink(), app.dataset(found.uuid))
        if not found.created:
            self.log.info("The dataset %s is there: %s.", self.dataset, found.uuid)
        return {"dataset": found.uuid, "created": found.created}
