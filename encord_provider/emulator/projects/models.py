"""Projects, as far as they concern data: which datasets are annotated where, and by whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum, StrEnum

from encord_provider.emulator.core.clock import Clock
from encord_provider.emulator.core.errors import bad_request, forbidden, not_found
from encord_provider.emulator.core.filters import ListingFilter
from encord_provider.emulator.core.ids import Chance
from encord_provider.emulator.datasets.models import DataRow, Dataset
from encord_provider.emulator.organisation.users.models import User


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


class Project:
    """One project.

    :ivar ontology: UUID of its ontology, which is empty because the emulator keeps no labels.
    :ivar stage: UUID of the workflow stage that all its tasks are in.
    :ivar user_roles: role by e-mail address, besides the owner, who is admin.
    :ivar group_roles: role by group UUID.
    :ivar tags: UUIDs of organisation tags.
    """

    __slots__ = (
        "created_at",
        "datasets",
        "description",
        "edited_at",
        "group_roles",
        "ontology",
        "owner",
        "stage",
        "status",
        "tags",
        "title",
        "user_roles",
        "uuid",
    )

    def __init__(
        self,
        *,
        uuid: str,
        title: str,
        description: str,
        owner: str,
        created_at: float,
        ontology: str,
        stage: str,
    ) -> None:
        self.uuid = uuid
        self.title = title
        self.description = description
        self.owner = owner
        self.created_at = created_at
        self.edited_at = created_at
        self.ontology = ontology
        self.stage = stage
        self.status = ProjectStatus.NOT_STARTED
        self.datasets: list[Dataset] = []
        self.user_roles: dict[str, ProjectRole] = {}
        self.group_roles: dict[str, ProjectRole] = {}
        self.tags: list[str] = []

    def rows(self) -> list[DataRow]:
        """The data rows of all datasets; each has one label row in the project."""
        return [row for dataset in self.datasets for row in dataset.rows.values()]


class Projects:
    """All projects.

    :param groups_of: gives the UUIDs of the groups that a user is in.
    """

    def __init__(self, *, clock: Clock, chance: Chance, groups_of: Callable[[User], list[str]]) -> None:
        self._clock = clock
        self._chance = chance
        self._groups_of = groups_of
        self._by_uuid: dict[str, Project] = {}

    def create(
        self,
        *,
        title: str,
        description: str,
        user: User,
        datasets: Iterable[Dataset],
        ontology: str | None = None,
    ) -> Project:
        """Make a project.

        :param ontology: the ontology of another project; without it the project gets an empty one of its own.
        :raises ApiError: 400 if the title is empty.
        """
        if not title.strip():
            raise bad_request("a project needs a title")
        project = self.add(
            Project(
                uuid=self._chance.uuid(),
                title=title,
                description=description,
                owner=user.email,
                created_at=self._clock.now(),
                ontology=ontology or self._chance.uuid(),
                stage=self._chance.uuid(),
            )
        )
        self.add_datasets(project, datasets)
        return project

    def add(self, project: Project) -> Project:
        """Take in a project."""
        self._by_uuid[project.uuid] = project
        return project

    def all(self) -> list[Project]:
        """Every project, the oldest first."""
        return list(self._by_uuid.values())

    def role(self, project: Project, user: User) -> ProjectRole | None:
        """A user's role in a project: as owner, by name, or the first by group."""
        if project.owner == user.email:
            return ProjectRole.ADMIN
        if user.email in project.user_roles:
            return project.user_roles[user.email]
        by_group = [
            project.group_roles[group] for group in self._groups_of(user) if group in project.group_roles
        ]
        return min(by_group, default=None)

    def require(self, uuid: str, user: User, *, admin: bool = False) -> Project:
        """The project of that UUID, for somebody with a role in it; admins of the organisation have all.

        :param admin: the role must be admin.
        :raises ApiError: 404 if there is none, 403 if ``user`` lacks the role.
        """
        project = self._by_uuid.get(uuid)
        if project is None:
            raise not_found(f"there is no project {uuid}")
        role = ProjectRole.ADMIN if user.is_organisation_admin else self.role(project, user)
        if role is None or (admin and role is not ProjectRole.ADMIN):
            needed = "the admin role" if admin else "a role"
            raise forbidden(f"you do not have {needed} in project {project.title!r} ({uuid})")
        return project

    def with_ontology(self, ontology: str, user: User) -> Project:
        """A project that has that ontology.

        :raises ApiError: 403 if there is none that ``user`` has a role in.
        """
        for project in self._by_uuid.values():
            if project.ontology == ontology and (
                user.is_organisation_admin or self.role(project, user) is not None
            ):
                return project
        raise forbidden(f"ontology {ontology} does not exist or you do not have access to it")

    def visible(
        self, user: User, wanted: ListingFilter, *, any_role: bool = False, tags: Iterable[str] = ()
    ) -> list[Project]:
        """The projects that a user has a role in and that match.

        :param any_role: see also the projects of the organisation in which the user has no role.
        :param tags: UUIDs of tags, of which the project must have one; empty for no condition.
        """
        any_of = set(tags)
        return [
            project
            for project in self._by_uuid.values()
            if (any_role or self.role(project, user) is not None)
            and (not any_of or any_of.intersection(project.tags))
            and wanted.matches(
                title=project.title,
                description=project.description,
                created_at=project.created_at,
                edited_at=project.edited_at,
            )
        ]

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

    def touch(self, project: Project) -> None:
        """Note that a project was edited now."""
        project.edited_at = self._clock.now()

    def forget_user(self, email: str) -> None:
        """Take a user out of all projects."""
        for project in self._by_uuid.values():
            project.user_roles.pop(email, None)

    def forget_group(self, uuid: str) -> None:
        """Take a group out of all projects."""
        for project in self._by_uuid.values():
            project.group_roles.pop(uuid, None)

    def forget_tag(self, uuid: str) -> None:
        """Take a tag off all projects."""
        for project in self._by_uuid.values():
            project.tags = [tag for tag in project.tags if tag != uuid]
