"""Datasets and projects, each by its UUID or by its title."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from encord_provider.api.retry import RetryBudget
from encord_provider.exceptions import EncordInputError
from encord_provider.hooks.names import several_named, uuid_of
from encord_provider.hooks.sdk import call_sdk

if TYPE_CHECKING:
    from encord.user_client import EncordUserClient

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class FoundDataset:
    """A dataset that was looked for, and created where it was missing.

    :param uuid: its UUID.
    :param created: whether it was created just now.
    """

    uuid: str
    created: bool = False


class TitleFinder:
    """Find datasets and projects, and create datasets.

    Encord keeps no title unique. A title that several have is an error that names them: nothing is guessed.

    :param client: the SDK's client.
    :param domain: the API domain, for error messages.
    :param budget: how much patience a call has.
    """

    def __init__(self, *, client: EncordUserClient, domain: str, budget: RetryBudget) -> None:
        self._client = client
        self._domain = domain
        self._budget = budget

    def dataset(self, dataset: str) -> str | None:
        """Find a dataset.

        :param dataset: its UUID or exact title.
        :returns: its UUID; None if no dataset that this user has a role in has that title.
        :raises EncordInputError: if several have the title, or none is given.
        :raises EncordRequestError: if the UUID is unknown or not permitted.
        """
        title = _named(dataset, "dataset")
        if (uuid := uuid_of(title)) is not None:
            self._ask(
                f"find the dataset {uuid}", lambda: self._client.get_dataset(uuid, include_data_rows=False)
            )
            return uuid
        return self._ask(f"look up the dataset {title!r}", lambda: self._titled_dataset(title))

    def dataset_made(self, title: str, *, description: str, create_backing_folder: bool) -> FoundDataset:
        """Find a dataset, and create it where no dataset has its title.

        Encord cannot delete a dataset through its API, so that of two runs that create the same one at once, both are
        told of both.

        :param title: its exact title, or the UUID of one that is there.
        :param description: the description of a new one.
        :param create_backing_folder: whether a new one mirrors a folder that is created with it.
        :raises EncordInputError: if several have the title, or none is given.
        :raises EncordRequestError: if the UUID is unknown or not permitted.
        """
        found = self.dataset(title)
        if found is not None:
            return FoundDataset(uuid=found)
        title = title.strip()

        def create() -> str:
            # Also after a lost answer: what was created then is found here, and nothing is created twice.
            if (before := self._titled_dataset(title)) is not None:
                return before
            from encord.orm.dataset import StorageLocation

            made = self._client.create_dataset(
                title,
                # It says where files are kept that are uploaded to a dataset; linked items stay where they are.
                StorageLocation.CORD_STORAGE,
                description,
                create_backing_folder=create_backing_folder,
            )
            # A listing may not show it yet.
            return self._titled_dataset(title) or made.dataset_hash

        uuid = self._ask(f"create the dataset {title!r}", create)
        log.info("Created the dataset %s (%s).", title, uuid)
        return FoundDataset(uuid=uuid, created=True)

    def project(self, project: str) -> str:
        """Find a project.

        :param project: its UUID or exact title.
        :returns: its UUID.
        :raises EncordInputError: if none or several have the title, or none is given.
        :raises EncordRequestError: if the UUID is unknown or not permitted.
        """
        title = _named(project, "project")
        if (uuid := uuid_of(title)) is not None:
            self._ask(f"find the project {uuid}", lambda: self._client.get_project(uuid))
            return uuid

        def look() -> list[str]:
            listed = self._client.list_projects(title_eq=title)
            return [str(one.project_hash) for one in listed if one.title == title]

        found = self._ask(f"look up the project {title!r}", look)
        if len(found) > 1:
            raise several_named("projects", title, found)
        if not found:
            raise EncordInputError(
                f"There is no project {title!r} that this user has a role in. Projects are made in Encord, or with the "
                "official SDK's create_project, because they need an ontology and a workflow."
            )
        return found[0]

    def _titled_dataset(self, title: str) -> str | None:
        listed = [one["dataset"] for one in self._client.get_datasets(title_eq=title)]
        found = [one for one in listed if one.title == title]
        if len(found) > 1:
            raise several_named("datasets", title, (one.dataset_hash for one in found))
        return found[0].dataset_hash if found else None

    def _ask(self, what: str, action: Callable[[], T]) -> T:
        return call_sdk(action, what=what, domain=self._domain, budget=self._budget)


def _named(given: str, kind: str) -> str:
    text = given.strip()
    if not text:
        raise EncordInputError(f"No {kind} was given: give its UUID or its exact title.")
    return text
