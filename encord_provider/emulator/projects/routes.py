"""Projects in the v2 API, and the empty ontologies without which the SDK does not open them."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.errors import forbidden
from encord_provider.emulator.core.filters import ListingFilter
from encord_provider.emulator.core.pages import all_json, page_json
from encord_provider.emulator.organisation.groups.wire import entity_group_json, tag_json
from encord_provider.emulator.projects.models import Project, ProjectRole, ProjectStatus
from encord_provider.emulator.projects.wire import ontology_json, project_dataset_json, project_json


async def list_projects(call: Call) -> Any:
    """Projects that match all filters."""
    query = call.query
    everything = query.flag("includeOrgAccess") or False
    if everything and not call.user.is_organisation_admin:
        raise forbidden("only an admin of the organisation can see all its projects")
    wanted = ListingFilter(
        title_eq=query.text("titleEq"),
        title_like=query.text("titleLike"),
        description_eq=query.text("descEq"),
        description_like=query.text("descLike"),
        created_before=query.moment("createdBefore"),
        created_after=query.moment("createdAfter"),
        edited_before=query.moment("editedBefore"),
        edited_after=query.moment("editedAfter"),
        ignore_case=call.store.settings.like_ignores_case,
    )
    names = query.texts("tagsAnyof")
    tags = [tag.uuid for name in names if (tag := call.store.tags.named(name)) is not None]
    projects = call.store.projects
    found = projects.visible(call.user, wanted, any_role=everything, tags=tags)
    if names and not tags:
        found = []
    return page_json(query, found, lambda project: project_json(project, projects.role(project, call.user)))


async def get_project(call: Call) -> Any:
    """One project."""
    project = _project(call)
    return project_json(project, call.store.projects.role(project, call.user))


async def get_ontology(call: Call) -> Any:
    """The empty ontology of a project."""
    return ontology_json(call.store.projects.with_ontology(call.path["ontology"], call.user))


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
    call.store.projects.touch(project)
    return None


async def list_project_users(call: Call) -> Any:
    """Who has a role in a project by name."""
    project = _project(call)
    roles = {project.owner: ProjectRole.ADMIN, **project.user_roles}
    return page_json(
        call.query, list(roles.items()), lambda entry: {"userEmail": entry[0], "userRole": entry[1]}
    )


async def remove_project_users(call: Call) -> Any:
    """Take users' roles in a project away; who has none is passed over."""
    project = _project(call, admin=True)
    for email in call.body.texts("userEmails"):
        project.user_roles.pop(email, None)
    return None


async def list_project_groups(call: Call) -> Any:
    """Groups that have a role in a project."""
    return all_json(
        list(_project(call).group_roles.items()),
        lambda entry: entity_group_json(call.store.groups.require(entry[0]), entry[1]),
    )


async def add_project_groups(call: Call) -> Any:
    """Give groups a role in a project."""
    project = _project(call, admin=True)
    groups = [call.store.groups.require(uuid) for uuid in call.body.uuids("groupHashList")]
    role = call.body.numbered("userRole", ProjectRole)
    project.group_roles.update((group.uuid, role) for group in groups)
    return None


async def remove_project_groups(call: Call) -> Any:
    """Take groups' roles in a project away."""
    project = _project(call, admin=True)
    for uuid in call.query.texts("groupHashList"):
        project.group_roles.pop(uuid, None)
    return None


async def list_project_tags(call: Call) -> Any:
    """Tags of a project."""
    return all_json([call.store.tags.require(uuid) for uuid in _project(call).tags], tag_json)


async def add_project_tag(call: Call) -> Any:
    """Put a tag on a project; one that it has already is no error."""
    project = _project(call, admin=True)
    tag = call.store.tags.require(call.path["tag"])
    if tag.uuid not in project.tags:
        project.tags.append(tag.uuid)
    return None


async def remove_project_tag(call: Call) -> Any:
    """Take a tag off a project; one that it does not have is no error."""
    project = _project(call, admin=True)
    tag = call.store.tags.require(call.path["tag"])
    if tag.uuid in project.tags:
        project.tags.remove(tag.uuid)
    return None


async def import_into_explorer(call: Call) -> Any:
    """Show a project's data in the Project Explorer, which the emulator does not have: nothing to do."""
    _project(call, admin=True)


async def sync_with_explorer(call: Call) -> Any:
    """Refresh a project's data in the Project Explorer: nothing to do."""
    _project(call, admin=True)


def _project(call: Call, *, admin: bool = False) -> Project:
    return call.store.projects.require(call.path["project"], call.user, admin=admin)


ROUTES = [
    ApiRoute("GET", "projects", list_projects),
    ApiRoute("GET", "projects/{project:uuid}", get_project),
    ApiRoute("GET", "ontologies/{ontology:uuid}", get_ontology),
    ApiRoute("GET", "projects/{project:uuid}/datasets", list_project_datasets),
    ApiRoute("GET", "projects/{project:uuid}/branches", list_project_branches),
    ApiRoute("PUT", "projects/{project:uuid}/status", set_project_status),
    ApiRoute("GET", "projects/{project:uuid}/users", list_project_users),
    ApiRoute("POST", "projects/{project:uuid}/users/bulk-delete", remove_project_users),
    ApiRoute("GET", "projects/{project:uuid}/groups", list_project_groups),
    ApiRoute("POST", "projects/{project:uuid}/groups", add_project_groups),
    ApiRoute("DELETE", "projects/{project:uuid}/groups", remove_project_groups),
    ApiRoute("GET", "projects/{project:uuid}/tags", list_project_tags),
    ApiRoute("PUT", "projects/{project:uuid}/tags/{tag:uuid}", add_project_tag),
    ApiRoute("DELETE", "projects/{project:uuid}/tags/{tag:uuid}", remove_project_tag),
    ApiRoute("POST", "active/{project:uuid}/import", import_into_explorer),
    ApiRoute("POST", "active/{project:uuid}/sync", sync_with_explorer),
]
