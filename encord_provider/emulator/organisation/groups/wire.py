"""Groups, users and tags of the organisation on the wire."""

from __future__ import annotations

import uuid
from typing import Any

from encord_provider.emulator.core.clock import iso
from encord_provider.emulator.organisation.groups.models import Group
from encord_provider.emulator.organisation.tags.models import OrganisationTag
from encord_provider.emulator.organisation.users.models import User

_ROLES = uuid.UUID("a5000000-0000-4000-8000-0000000000f0")


def group_json(group: Group) -> dict[str, Any]:
    """One group."""
    return {
        "groupHash": group.uuid,
        "name": group.name,
        "description": group.description,
        "createdAt": iso(group.created_at),
    }


def entity_group_json(group: Group, role: str | int) -> dict[str, Any]:
    """A group with its role in a folder, dataset or project."""
    return {**group_json(group), "isSameOrganisation": True, "userRole": role}


def organisation_user_json(user: User) -> dict[str, Any]:
    """One user of the organisation."""
    return {
        "email": user.email,
        "roleMnemonicName": user.role,
        "roleUuid": str(uuid.uuid5(_ROLES, user.role)),
        "memberType": user.member_type,
        "createdAt": iso(user.joined_at),
        "lastEditedAt": iso(user.joined_at),
    }


def tag_json(tag: OrganisationTag) -> dict[str, Any]:
    """One tag."""
    return {"uuid": tag.uuid, "name": tag.name}
