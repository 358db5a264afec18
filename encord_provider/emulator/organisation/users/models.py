"""Users of the emulated organisation: their keys and bearer tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from encord_provider.emulator.core.errors import ApiError, bad_request, conflict, not_found
from encord_provider.emulator.core.ids import Chance
from encord_provider.emulator.core.keys import KeyPair, make_key_pair


class OrganisationRole(StrEnum):
    """Role of a user in the organisation."""

    ADMIN = "ADMIN"
    MEMBER = "MEMBER"
    TASKER = "TASKER"
    WORKFORCE_MANAGER = "WORKFORCE_MANAGER"


class MemberType(StrEnum):
    """Whether somebody works for the organisation itself."""

    INTERNAL = "internal"
    EXTERNAL = "external"


@dataclass(eq=False, slots=True)
class User:
    """A user or service account.

    :param public_keys: registered public keys, raw, in hexadecimal.
    :param tokens: valid bearer tokens.
    :param joined_at: since when the user belongs to the organisation, seconds since the epoch.
    """

    email: str
    role: OrganisationRole = OrganisationRole.ADMIN
    public_keys: set[str] = field(default_factory=set)
    tokens: list[str] = field(default_factory=list)
    member_type: MemberType = MemberType.INTERNAL
    joined_at: float = 0.0

    @property
    def is_organisation_admin(self) -> bool:
        """Whether the user may see the whole organisation."""
        return self.role is OrganisationRole.ADMIN


class Users:
    """Everybody who can call the emulator."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._by_email: dict[str, User] = {}
        self._by_key: dict[str, User] = {}
        self._by_token: dict[str, User] = {}

    def add(self, user: User) -> User:
        """Take in a user.

        :raises ApiError: 409 if the e-mail address is taken, 400 if an external user is to be an admin.
        """
        if user.email in self._by_email:
            raise conflict(f"there is already a user {user.email}")
        if user.is_organisation_admin and user.member_type is MemberType.EXTERNAL:
            raise bad_request("only internal members of the organisation can be its admins")
        return self.replace(user)

    def remove(self, email: str) -> User:
        """Remove a user, whose keys and tokens are worthless from then on.

        :raises ApiError: 404 if there is nobody of that e-mail address.
        """
        user = self._by_email.pop(email, None)
        if user is None:
            raise not_found(f"there is no user {email}")
        for key in user.public_keys:
            del self._by_key[key]
        for token in user.tokens:
            del self._by_token[token]
        return user

    def replace(self, user: User) -> User:
        """Take in a user in the place of the one with that e-mail address, whose keys go on working."""
        known = self._by_email.get(user.email)
        if known is not None:
            user.public_keys |= known.public_keys
        self._by_email[user.email] = user
        self._by_key.update((key, user) for key in user.public_keys)
        self._by_token.update((token, user) for token in user.tokens)
        return user

    def new_key(self, user: User) -> KeyPair:
        """Make a key and register its public half with ``user``."""
        key_pair = make_key_pair(self._chance.key_seed())
        user.public_keys.add(key_pair.public_hex)
        self._by_key[key_pair.public_hex] = user
        return key_pair

    def bearer_token(self, user: User) -> str:
        """The user's bearer token; it stays valid (its lifetime at Encord is not documented)."""
        if not user.tokens:
            token = self._chance.token()
            user.tokens.append(token)
            self._by_token[token] = user
        return user.tokens[-1]

    def find(self, email: str) -> User | None:
        """The user of that e-mail address, or ``None``."""
        return self._by_email.get(email)

    def all(self) -> list[User]:
        """Everybody, in the order in which they joined."""
        return list(self._by_email.values())

    def by_key(self, public_hex: str) -> User:
        """Whose key it is.

        :raises ApiError: 401 if nobody registered it.
        """
        user = self._by_key.get(public_hex)
        if user is None:
            raise ApiError(401, "Authentication failed: the public key is not registered with any user.")
        return user

    def by_token(self, token: str) -> User:
        """Whose bearer token it is.

        :raises ApiError: 401 if it is nobody's.
        """
        user = self._by_token.get(token)
        if user is None:
            raise ApiError(401, "Authentication failed: the bearer token is not valid.")
        return user
