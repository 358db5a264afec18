"""Users of the emulated organisation: their keys and bearer tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from encord_provider.emulator.core.errors import ApiError, UnknownKeyError, bad_request, conflict
from encord_provider.emulator.core.keys import KeyPair, make_key_pair
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.core.table import Table

FIRST_USER = "emulator@example.com"


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


class Users(Table[User]):
    """Everybody who can call the emulator, in the order in which they joined."""

    entry = User
    key = "email"
    called = "a user"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._by_key: dict[str, User] = {}
        self._by_token: dict[str, User] = {}
        self.add(User(email=FIRST_USER, public_keys={store.first_key}, joined_at=store.clock.now()))

    def add(self, user: User) -> User:
        """Take in a user.

        :raises ApiError: 409 if the e-mail address is taken, 400 if an external user is to be an admin.
        """
        if user.email in self._entries:
            raise conflict(f"there is already a user {user.email}")
        if user.is_organisation_admin and user.member_type is MemberType.EXTERNAL:
            raise bad_request("only internal members of the organisation can be its admins")
        return self.restore(user)

    def restore(self, user: User) -> User:
        """Take in a user in the place of the one with that e-mail address, whose keys go on working."""
        known = self._entries.get(user.email)
        if known is not None:
            user.public_keys |= known.public_keys
        self._by_key.update((key, user) for key in user.public_keys)
        self._by_token.update((token, user) for token in user.tokens)
        return super().add(user)

    def remove_named(self, email: str) -> User:
        """Remove a user, whose keys and tokens are worthless from then on.

        :raises ApiError: 404 if there is nobody of that e-mail address.
        """
        user = self.known(email)
        self.remove(user)
        for key in user.public_keys:
            del self._by_key[key]
        for token in user.tokens:
            del self._by_token[token]
        return user

    def require_all(self, emails: list[str]) -> None:
        """Make sure that there is a user of every one of these e-mail addresses.

        :raises ApiError: 404, with the first that nobody has.
        """
        for email in emails:
            self.known(email)

    def new_key(self, user: User) -> KeyPair:
        """Make a key and register its public half with ``user``."""
        key_pair = make_key_pair(self._chance.key_seed())
        user.public_keys.add(key_pair.public_hex)
        self._by_key[key_pair.public_hex] = user
        return key_pair

    def bearer_token(self, email: str) -> str:
        """A user's bearer token; it stays valid (its lifetime at Encord is not documented)."""
        user = self._entries[email]
        if not user.tokens:
            token = self._chance.token()
            user.tokens.append(token)
            self.note(user)
            self._by_token[token] = user
        return user.tokens[-1]

    def by_key(self, public_hex: str) -> User:
        """Whose key it is.

        :raises UnknownKeyError: nobody registered it.
        """
        user = self._by_key.get(public_hex)
        if user is None:
            raise UnknownKeyError
        return user

    def by_token(self, token: str) -> User:
        """Whose bearer token it is.

        :raises ApiError: 401 if it is nobody's.
        """
        user = self._by_token.get(token)
        if user is None:
            raise ApiError(401, "Authentication failed: the bearer token is not valid.")
        return user
