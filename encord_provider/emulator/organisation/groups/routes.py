"""The organisation: its users, groups of them, tags, and the groups that may use a folder."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.errors import forbidden
from encord_provider.emulator.core.pages import all_json
from encord_provider.emulator.organisation.groups.models import Group
from encord_provider.emulator.organisation.groups.wire import (
    entity_group_json,
    group_json,
    organisation_user_json,
    tag_json,
)
from encord_provider.emulator.organisation.users.models import MemberType, OrganisationRole, User
from encord_provider.emulator.storage.folders.models import Role


async def list_organisation_users(call: Call) -> Any:
    """Everybody who belongs to the organisation."""
    return all_json(call.store.users.all(), organisation_user_json)


async def add_organisation_user(call: Call) -> Any:
    """Add a user; an account is made for the e-mail address, without a key yet."""
    _require_organisation_admin(call, "add users")
    call.store.users.add(
        User(
            email=call.body.required_text("email"),
            role=call.body.choice("roleMnemonicName", OrganisationRole),
            member_type=call.body.choice("memberType", MemberType),
            joined_at=call.store.clock.now(),
        )
    )
    return None


async def remove_organisation_user(call: Call) -> Any:
    """Remove a user, with all roles."""
    _require_organisation_admin(call, "remove users")
    email = call.store.users.remove(call.path["email"]).email
    for holder in (call.store.groups, call.store.folders, call.store.datasets, call.store.projects):
        holder.forget_user(email)
    return None


async def list_groups(call: Call) -> Any:
    """The organisation's groups."""
    return all_json(call.store.groups.all(), group_json)


async def create_group(call: Call) -> Any:
    """Make a group; the caller becomes its manager."""
    group = call.store.groups.create(
        name=call.body.required_text("name"),
        description=call.body.text("description") or "",
        user=call.user,
    )
    return group_json(group)


async def get_group(call: Call) -> Any:
    """One group."""
    return group_json(call.store.groups.require(call.path["group"]))


async def update_group(call: Call) -> Any:
    """Change a group's name or description."""
    group = _managed_group(call)
    call.store.groups.update(group, name=call.body.text("name"), description=call.body.text("description"))
    return group_json(group)


async def delete_group(call: Call) -> Any:
    """Remove a group, and the access that it gave."""
    group = _managed_group(call)
    call.store.groups.delete(group)
    for holder in (call.store.folders, call.store.datasets, call.store.projects):
        holder.forget_group(group.uuid)
    return None


async def list_group_users(call: Call) -> Any:
    """Who is in a group."""
    return _members(call.store.groups.require(call.path["group"]))


async def add_group_users(call: Call) -> Any:
    """Add users of the organisation to a group; answers all its users."""
    group = _managed_group(call)
    emails = call.body.texts("userEmails")
    strangers = [email for email in emails if call.store.users.find(email) is None]
    if strangers:
        raise forbidden(f"{', '.join(strangers)} do not belong to the organisation")
    group.members = list(dict.fromkeys([*group.members, *emails]))
    return _members(group)


async def remove_group_users(call: Call) -> Any:
    """Take users out of a group; who is not in it is passed over."""
    group = _managed_group(call)
    leaving = set(call.body.texts("userEmails"))
    group.members = [member for member in group.members if member not in leaving]
    return None


async def list_organisation_tags(call: Call) -> Any:
    """The organisation's tags."""
    return all_json(call.store.tags.all(), tag_json)


async def create_organisation_tag(call: Call) -> Any:
    """Make a tag."""
    _require_organisation_admin(call, "make tags")
    return tag_json(call.store.tags.create(call.body.required_text("name"), call.body.text("description")))


async def delete_organisation_tag(call: Call) -> Any:
    """Remove a tag, also from the folders and projects that have it."""
    _require_organisation_admin(call, "delete tags")
    tag = call.store.tags.require(call.path["tag"])
    call.store.tags.delete(tag)
    call.store.folders.forget_tag(tag.name)
    call.store.projects.forget_tag(tag.uuid)
    return None


async def list_folder_groups(call: Call) -> Any:
    """Groups that have a role in a folder."""
    return all_json(
        list(call.folder().group_roles.items()),
        lambda entry: entity_group_json(call.store.groups.require(entry[0]), entry[1]),
    )


async def add_folder_groups(call: Call) -> Any:
    """Give groups a role in a folder."""
    folder = call.folder(Role.ADMIN)
    groups = [call.store.groups.require(uuid) for uuid in call.body.uuids("groupHashList")]
    role = call.body.choice("userRole", Role)
    folder.group_roles.update((group.uuid, role) for group in groups)
    return None


async def remove_folder_groups(call: Call) -> Any:
    """Take groups' roles in a folder away."""
    folder = call.folder(Role.ADMIN)
    for uuid in call.query.texts("groupHashList"):
        folder.group_roles.pop(uuid, None)
    return None


def _managed_group(call: Call) -> Group:
    return call.store.groups.require_managed(call.path["group"], call.user)


def _members(group: Group) -> dict[str, Any]:
    return all_json(group.members, lambda email: {"userEmail": email})


def _require_organisation_admin(call: Call, action: str) -> None:
    if not call.user.is_organisation_admin:
        raise forbidden(f"only an admin of the organisation can {action}")


ROUTES = [
    ApiRoute("GET", "organisation/users", list_organisation_users),
    ApiRoute("POST", "organisation/users", add_organisation_user),
    ApiRoute("DELETE", "organisation/users/{email}", remove_organisation_user),
    ApiRoute("GET", "user/current-organisation/groups", list_groups),
    ApiRoute("POST", "organisation/groups", create_group),
    ApiRoute("GET", "organisation/groups/{group:uuid}", get_group),
    ApiRoute("PATCH", "organisation/groups/{group:uuid}", update_group),
    ApiRoute("DELETE", "organisation/groups/{group:uuid}", delete_group),
    ApiRoute("GET", "organisation/groups/{group:uuid}/users", list_group_users),
    ApiRoute("POST", "organisation/groups/{group:uuid}/users", add_group_users),
    ApiRoute("POST", "organisation/groups/{group:uuid}/users/bulk-delete", remove_group_users),
    ApiRoute("GET", "organisation/organisation-tags", list_organisation_tags),
    ApiRoute("POST", "organisation/organisation-tags", create_organisation_tag),
    ApiRoute("DELETE", "organisation/organisation-tags/{tag:uuid}", delete_organisation_tag),
    ApiRoute("GET", "storage/folders/{folder:uuid}/groups", list_folder_groups),
    ApiRoute("POST", "storage/folders/{folder:uuid}/groups", add_folder_groups),
    ApiRoute("DELETE", "storage/folders/{folder:uuid}/groups", remove_folder_groups),
]
