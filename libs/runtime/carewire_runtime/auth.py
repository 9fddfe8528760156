"""Who may call the management API: API keys with one of three roles.

A key is `cw_<role>_<32 random bytes in base64url>`. Only its SHA-256 is kept: a key has 256 bits of randomness,
so a slow hash would add cost and no safety. The table lives in each service's own schema.

Routes ask with `Depends(require(Role.OPERATOR))` and get the `Principal`. The answers are 401 without a
valid key, 403 with too low a role, 503 while Postgres is away and the key is not remembered.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fastapi import Request

from carewire_runtime.clock import Clock, SystemClock
from carewire_runtime.errors import ConfigurationError, DatabaseError
from carewire_runtime.http.problem import Problem
from carewire_runtime.ids import new_id
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.queries import load_queries

_REMEMBERED_S: Final = 5.0
"""How long a look-up is trusted: a revoked key works this long at most."""
_MOST_REMEMBERED: Final = 1024
_SHORTEST_KEY: Final = 32

_queries = load_queries("carewire_runtime")


class Role(StrEnum):
    """What a key may do; each role may do all that the lower ones may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """Higher may do more."""
        return list(Role).index(self)


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever holds a key."""

    id: str
    name: str
    role: Role


class ApiKeys:
    """The API keys of one service."""

    def __init__(self, db: Database, clock: Clock | None = None) -> None:
        self._db = db
        self._clock = clock or SystemClock()
        self._remembered: OrderedDict[bytes, tuple[float, Principal | None]] = OrderedDict()

    async def create(self, name: str, role: Role | str) -> str:
        """Make a key and return it, for this one time. Raises UniqueViolation if the name has a living key."""
        plaintext = f"cw_{Role(role)}_{secrets.token_urlsafe(32)}"
        await self._add(name, Role(role), plaintext)
        return plaintext

    async def ensure_first(self, name: str = "bootstrap", plaintext: str | None = None) -> str | None:
        """Make the first admin key if there is none of this name; return it if it was made here.

        `plaintext` chooses it beforehand; if it differs from the living key of this name, it takes its place. A
        chosen key is known already and is not returned: what is shown once more ends up in a log.
        Raises ConfigurationError if it is too short to be safe.
        """
        async with self._db.connection() as connection:
            living = await connection.fetchrow(_queries.find_api_key_by_name, name)
        if plaintext is None:
            return None if living else await self.create(name, Role.ADMIN)
        if len(plaintext) < _SHORTEST_KEY:
            raise ConfigurationError(f"the first API key needs at least {_SHORTEST_KEY} characters")
        if living and hmac.compare_digest(living["hash"], _digest(plaintext)):
            return None
        if living:
            await self.revoke(living["id"])
        await self._add(name, Role.ADMIN, plaintext)
        return None

    async def _add(self, name: str, role: Role, plaintext: str) -> None:
        async with self._db.connection() as connection:
            await connection.execute(_queries.add_api_key, new_id(), name, role, _digest(plaintext))
        self._remembered.clear()

    async def revoke(self, key_id: str) -> bool:
        """End a key; say whether it was alive. Other processes notice within 5 s."""
        async with self._db.connection() as connection:
            revoked = await connection.fetchval(_queries.revoke_api_key, key_id)
        self._remembered.clear()
        return revoked is not None

    async def authenticate(self, bearer: str) -> Principal | None:
        """Return who holds a key, None if nobody. Raises a DatabaseError if it cannot be told."""
        digest = _digest(bearer)
        remembered = self._remembered.get(digest)
        if remembered is not None and remembered[0] > self._clock.monotonic():
            return remembered[1]
        principal = await self._look_up(digest)
        self._remembered[digest] = (self._clock.monotonic() + _REMEMBERED_S, principal)
        if len(self._remembered) > _MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return principal

    async def _look_up(self, digest: bytes) -> Principal | None:
        async with self._db.connection() as connection:
            row = await connection.fetchrow(_queries.find_api_key, digest)
        if row is None or not hmac.compare_digest(row["hash"], digest):
            return None
        return Principal(row["id"], row["name"], Role(row["role"]))


def _digest(plaintext: str) -> bytes:
    return hashlib.sha256(plaintext.encode()).digest()


def require(role: Role | str) -> Callable[[Request], Awaitable[Principal]]:
    """Return a FastAPI dependency that lets pass whoever has at least this role."""
    return _Gate(Role(role))


@dataclass(frozen=True, slots=True)
class _Gate:
    """A dependency that can be recognised among a route's dependencies."""

    needed: Role

    async def __call__(self, request: Request) -> Principal:
        """Return who calls. Raises Problem 401, 403 or 503."""
        api_keys: ApiKeys = request.app.state.api_keys
        try:
            principal = await api_keys.authenticate(_bearer(request))
        except DatabaseError as error:
            raise Problem(503, "Keys cannot be checked", "Postgres is away; try again", retry_after_s=2) from error
        if principal is None:
            raise _unauthorised("the API key is not valid")
        if principal.role.rank < self.needed.rank:
            raise Problem(403, "Not allowed", f"this needs the role {self.needed}; the key has {principal.role}")
        return principal


def asks_for_role(dependency: object) -> bool:
    """Say whether a dependency is one that `require` made."""
    return isinstance(dependency, _Gate)


def _bearer(request: Request) -> str:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not credentials.strip():
        raise _unauthorised("send an API key: Authorization: Bearer <key>")
    return credentials.strip()


def _unauthorised(detail: str) -> Problem:
    return Problem(401, "Not authenticated", detail, headers={"www-authenticate": "Bearer"})
