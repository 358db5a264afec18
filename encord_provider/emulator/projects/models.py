"""Projects, as far as they concern data: which datasets are annotated where, and by whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from encord_provider.emulator.core.calls import Caller
from encord_provider.emulator.core.errors import forbidden, not_found
from encord_provider.emulator.core.table import Entry, SharedTable, no_access
from encord_provider.emulator.datasets.models import DataRow, Dataset
from encord_provider.emulator.organisation.groups.models import Groups
from encord_provider.emulator.organisation.tags.models import OrganisationTag


class ProjectRole(IntEnum):
    """Role of a user in a project, numbered as on the wire."""

    ADMIN = 0
    ANNOTATOR = 1
    REVIEWER = 2
    ANNOTATOR_REVIEWER = 3
    TEAM_MANAGER = 4
    VIEWER = 5


class ProjectStatus(StrEnum):
    """How far a project has come, spelled as on the wire."""

    NOT_STARTED = "notStarted"
    IN_PROGRESS = "inProgress"
    IN_REVIEW = "inReview"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    ARCHIVED = "archived"


@dataclass(eq=False, slots=True, kw_only=True)
class Project(Entry):
    """One project.

    :param ontology: UUID of its ontology, which is empty because the emulator keeps no labels.
    :param stage: UUID of the workflow stage that all its tasks are in.
    :param user_roles: role by e-mail address, besides the owner, who is admin.
    :param group_roles: role by group UUID.
    :param tags: UUIDs of organisation tags.
    """

    title: str
    description: str
    owner: str
    ontology: str
    stage: str
    status: ProjectStatus = ProjectStatus.NOT_STARTED
    datasets: list[Dataset] = field(default_factory=list)
    user_roles: dict[str, ProjectRole] = field(default_factory=dict)
    group_roles: dict[str, ProjectRole] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)

    def rows(self) -> list[DataRow]:
        """The data rows of all datasets; each has one label row in the project."""
        return [row for dataset in self.datasets for row in dataset.rows.values()]


class Projects(SharedTable[Project]):
    """All projects."""

    entry = Project
    called = "a project"

    def create(
        self,
        *,
        title: str,
        description: str,
        user: Caller,
        datasets: Iterable[Dataset],
        ontology: str | None = None,
    ) -> Project:
        """Make a project.

        :param ontology: the ontology of another project; without it the project gets an empty one of its own.
        :raises ApiError: 400 if the title is empty.
        """
        project = self.new(
            title=title,
            description=description,
            owner=user.email,
            ontology=ontology or self._chance.uuid(),
            stage=self._chance.uuid(),
        )
        self.add_datasets(project, datasets)
        return project

    def role(self, project: Project, user: Caller) -> ProjectRole | None:
        """A user's role in a project: as owner, by name, or the first by group."""
        if project.owner == user.email:
            return ProjectRole.ADMIN
        if user.email in project.user_roles:
            return project.user_roles[user.email]
        by_group = [
            project.group_roles[group]
            for group in self._store[Groups].of_user(user)
            if group in project.group_roles
        ]
        return min(by_group, default=None)

    def require(self, uuid: str, user: Caller, *, admin: bool = False) -> Project:
        """The project of that UUID, for somebody with a role in it; admins of the organisation have all.

        :param admin: the role must be admin.
        :raises ApiError: 404 if there is none, 403 if ``user`` lacks the role.
        """
        project = self.known(uuid)
        role = ProjectRole.ADMIN if user.is_organisation_admin else self.role(project, user)
        if role is None or (admin and role is not ProjectRole.ADMIN):
            needed = "the admin role" if admin else "a role"
            raise forbidden(f"you do not have {needed} in project {project.title!r} ({uuid})")
        return project

    def with_ontology(self, ontology: str, user: Caller) -> Project:
        """A project that has that ontology.

        :raises ApiError: 403 if there is none that ``user`` has a role in.
        """
        for project in self._entries.values():
            if project.ontology == ontology and (
                user.is_organisation_admin or self.role(project, user) is not None
            ):
                return project
        raise no_access("ontology", ontology)

    def add_datasets(self, project: Project, datasets: Iterable[Dataset]) -> None:
        """Add datasets; those that the project has already are passed over."""
        for dataset in datasets:
            if dataset not in project.datasets:
                project.datasets.append(dataset)
        self.touch(project)

    def remove_datasets(self, project: Project, datasets: Iterable[Dataset]) -> None:
        """Take datasets out.

        :raises ApiError: 404 if the project does not have one of them; then all stay.
        """
        leaving = list(datasets)
        for dataset in leaving:
            if dataset not in project.datasets:
                raise not_found(f"project {project.title!r} does not have dataset {dataset.title!r}")
        project.datasets = [dataset for dataset in project.datasets if dataset not in leaving]
        self.touch(project)

    def forget_tag(self, tag: OrganisationTag) -> None:
        """Take a tag off all projects."""
        for project in self._entries.values():
            project.tags = [uuid for uuid in project.tags if uuid != tag.uuid]
