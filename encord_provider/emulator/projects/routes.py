"""Projects in the v2 API, and the empty ontologies without which the SDK does not open them."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.entity import Entity
from encord_provider.emulator.core.filters import ListingFilter
from encord_provider.emulator.core.pages import all_json, page_json
from encord_provider.emulator.organisation.groups.access import group_routes, user_routes
from encord_provider.emulator.organisation.tags.models import OrganisationTag, OrganisationTags
from encord_provider.emulator.projects import legacy_routes
from encord_provider.emulator.projects.models import Project, ProjectRole, Projects, ProjectStatus
from encord_provider.emulator.projects.wire import ontology_json, project_dataset_json, project_json


async def list_projects(call: Call) -> Any:
    """Projects that match all filters."""
    query = call.query
    everything = call.sees_organisation("projects")
    wanted = ListingFilter.read(query, ignore_case=call.store.settings.like_ignores_case)
    names = query.texts("tagsAnyof")
    tags = {tag.uuid for tag in call.store[OrganisationTags] if tag.name in names}
    projects = call.store[Projects]
    found = [
        project
        for project in projects.visible(call.user, any_role=everything)
        if wanted.fits(project) and (not names or tags.intersection(project.tags))
    ]
    return page_json(query, found, lambda project: project_json(project, projects.role(project, call.user)))


async def get_project(call: Call) -> Any:
    """One project."""
    project = _project(call)
    return project_json(project, call.store[Projects].role(project, call.user))


async def get_ontology(call: Call) -> Any:
    """The empty ontology of a project."""
    return ontology_json(call.store[Projects].with_ontology(call.path["ontology"], call.user))


async def list_project_datasets(call: Call) -> Any:
    """Datasets of a project."""
    return all_json(_project(call).datasets, project_dataset_json)


async def list_project_branches(call: Call) -> Any:
    """Branches of the labels, of which there is only the main one."""
    _project(call)
    return all_json(["main"], lambda name: {"name": name})


async def set_project_status(call: Call) -> Any:
    """Say how far a project has come."""
    project = _project(call, admin=True)
    project.status = call.body.choice("status", ProjectStatus)
    call.store[Projects].touch(project)


async def list_project_tags(call: Call) -> Any:
    """Tags of a project."""
    return all_json(
        [call.store[OrganisationTags].known(uuid) for uuid in _project(call).tags], OrganisationTag.as_json
    )


async def add_project_tag(call: Call) -> Any:
    """Put a tag on a project; one that it has already is no error."""
    project = _project(call, admin=True)
    tag = call.store[OrganisationTags].known(call.path["tag"])
    if tag.uuid not in project.tags:
        project.tags.append(tag.uuid)


async def remove_project_tag(call: Call) -> Any:
    """Take a tag off a project; one that it does not have is no error."""
    project = _project(call, admin=True)
    tag = call.store[OrganisationTags].known(call.path["tag"])
    if tag.uuid in project.tags:
        project.tags.remove(tag.uuid)


async def import_into_explorer(call: Call) -> Any:
    """Show a project's data in the Project Explorer, which the emulator does not have: nothing to do."""
    _project(call, admin=True)


async def sync_with_explorer(call: Call) -> Any:
    """Refresh a project's data in the Project Explorer: nothing to do."""
    _project(call, admin=True)


def _project(call: Call, admin: bool = False) -> Project:
    return call.store[Projects].require(call.path["project"], call.user, admin=admin)


_PATH = "projects/{project:uuid}"

ENTITY = Entity(
    name="projects",
    part=Projects,
    routes=[
        ApiRoute("GET", "projects", list_projects),
        ApiRoute("GET", "projects/{project:uuid}", get_project),
        ApiRoute("GET", "ontologies/{ontology:uuid}", get_ontology),
        ApiRoute("GET", "projects/{project:uuid}/datasets", list_project_datasets),
        ApiRoute("GET", "projects/{project:uuid}/branches", list_project_branches),
        ApiRoute("PUT", "projects/{project:uuid}/status", set_project_status),
        ApiRoute("GET", "projects/{project:uuid}/tags", list_project_tags),
        ApiRoute("PUT", "projects/{project:uuid}/tags/{tag:uuid}", add_project_tag),
        ApiRoute("DELETE", "projects/{project:uuid}/tags/{tag:uuid}", remove_project_tag),
        ApiRoute("POST", "active/{project:uuid}/import", import_into_explorer),
        ApiRoute("POST", "active/{project:uuid}/sync", sync_with_explorer),
        *user_routes(
            "project",
            _PATH,
            _project,
            lambda call, users: page_json(call.query, users, dict),
            ProjectRole.ADMIN,
        ),
        *group_routes("project", _PATH, _project, lambda call: call.body.numbered("userRole", ProjectRole)),
    ],
    legacy_routes=legacy_routes.ROUTES,
    counts=lambda projects: {"projects": len(projects)},
)
