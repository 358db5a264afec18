"""Who is calling, and who belongs to the organisation."""

from __future__ import annotations

import uuid
from typing import Any

from starlette.requests import Request

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.clock import iso
from encord_provider.emulator.core.control import Controlled, ControlRoute, body_of
from encord_provider.emulator.core.entity import Entity
from encord_provider.emulator.core.errors import conflict
from encord_provider.emulator.core.pages import all_json
from encord_provider.emulator.organisation.users.models import MemberType, OrganisationRole, User, Users

_ROLES = uuid.UUID("a5000000-0000-4000-8000-0000000000f0")


async def get_bearer_token(call: Call) -> Any:
    """A token that authenticates as the caller."""
    return {"token": call.store[Users].bearer_token(call.user.email)}


async def list_organisation_users(call: Call) -> Any:
    """Everybody who belongs to the organisation."""
    return all_json(call.store[Users].all(), _user_json)


async def add_organisation_user(call: Call) -> Any:
    """Add a user; an account is made for the e-mail address, without a key yet."""
    call.require_organisation_admin("add users")
    call.store[Users].add(
        User(
            email=call.body.required_text("email"),
            role=call.body.choice("roleMnemonicName", OrganisationRole),
            member_type=call.body.choice("memberType", MemberType),
            joined_at=call.store.clock.now(),
        )
    )


async def remove_organisation_user(call: Call) -> Any:
    """Remove a user, with all roles."""
    call.require_organisation_admin("remove users")
    call.store.tell("forget_user", call.store[Users].remove_named(call.path["email"]).email)


async def add_user(owner: Controlled, request: Request) -> Any:
    """Give a user of the organisation a private key; who is not there yet is added."""
    body = await body_of(request)
    email = body.required_text("email")
    users = owner.store[Users]
    user = users.get(email)
    if user is None:
        role = OrganisationRole(body.text("role") or OrganisationRole.MEMBER)
        user = users.add(User(email=email, role=role, joined_at=owner.store.clock.now()))
    elif body.text("role") not in (None, user.role):
        raise conflict(f"there is already a user {email}, with the role {user.role}")
    return {"email": email, "role": user.role, "privateKey": users.new_key(user).private_key}


def _user_json(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "roleMnemonicName": user.role,
        "roleUuid": str(uuid.uuid5(_ROLES, user.role)),
        "memberType": user.member_type,
        "createdAt": iso(user.joined_at),
        "lastEditedAt": iso(user.joined_at),
    }


ENTITY = Entity(
    name="users",
    part=Users,
    routes=[
        ApiRoute("GET", "user/bearer-token", get_bearer_token),
        ApiRoute("GET", "organisation/users", list_organisation_users),
        ApiRoute("POST", "organisation/users", add_organisation_user),
        ApiRoute("DELETE", "organisation/users/{email}", remove_organisation_user),
    ],
    control_routes=[ControlRoute("POST", "users", add_user)],
    overview=lambda users: {"users": [{"email": user.email, "role": user.role} for user in users]},
)
