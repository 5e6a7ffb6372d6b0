"""Who sits at the page: sessions that a cookie names, and the password where there is one.

    session:<name of the token>   string  who it is; gone when it was not used for `ttl` seconds
    attempts:<address>            string  wrong passwords from an address, for ATTEMPTS_SECONDS

The token is random and is kept nowhere; its name in Redis also depends on the password, so that a new password ends
every session.
"""

import hmac
import re
import secrets
import unicodedata
from dataclasses import dataclass

from redis.asyncio import Redis

from adapters.web.messages import PLATFORM, WORKSPACE
from adapters.web.workspace import web_key
from core.errors import Declined
from core.packing import pack, unpack
from core.turns import Person

LONGEST_NAME = 40
MOST_ATTEMPTS = 10
ATTEMPTS_SECONDS = 300
_TOKEN = re.compile(r"[\w-]{43}", re.ASCII)
_JOINER = "\u200d"
"""Holds emoji together; every other invisible character is left out of names."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody at a browser."""

    user: str
    name: str

    @property
    def person(self) -> Person:
        """The same, in the core's words."""
        return Person(PLATFORM, WORKSPACE, self.user, self.name)


class Sessions:
    """Opens sessions and finds them again. Methods may raise RedisError."""

    def __init__(self, redis: Redis, *, ttl: int, password: str = "") -> None:
        self._redis = redis
        self._ttl = ttl
        self._password = password.encode()

    @property
    def guarded(self) -> bool:
        """Whether a password is asked for."""
        return bool(self._password)

    async def open(self, name: str, password: str, address: str) -> str:
        """The token of a new session.

        Raises:
            Declined: the name will not do, the password is wrong, or there were too many wrong ones.
        """
        session = Session(secrets.token_hex(8), person_name(name))
        await self._check(password, address)
        token = secrets.token_urlsafe(32)
        await self._redis.set(self._key(token), pack(Session, session), ex=self._ttl)
        return token

    async def find(self, token: str) -> Session | None:
        """Whose session it is, or None; finding it renews it."""
        if not _TOKEN.fullmatch(token):
            return None
        found = await self._redis.getex(self._key(token), ex=self._ttl)
        return unpack(Session, found) if found else None

    async def close(self, token: str) -> None:
        """End a session. Harmless when there is none."""
        await self._redis.delete(self._key(token))

    def _key(self, token: str) -> str:
        return web_key("session", hmac.digest(b"session:" + self._password, token.encode(), "sha256").hex())

    async def _check(self, password: str, address: str) -> None:
        if not self.guarded:
            return
        attempts = web_key("attempts", address)
        async with self._redis.pipeline() as pipe:
            pipe.incr(attempts)
            pipe.expire(attempts, ATTEMPTS_SECONDS)
            count, _ = await pipe.execute()
        if count > MOST_ATTEMPTS:
            raise Declined("web.too_many_attempts", {"minutes": ATTEMPTS_SECONDS // 60})
        if not hmac.compare_digest(password.encode(), self._password):
            raise Declined("web.wrong_password")
        await self._redis.delete(attempts)


def person_name(wanted: str) -> str:
    """A name as it is shown: one line, nothing invisible in it. Raises `Declined` for none, or a long one."""
    seen = (sign for sign in unicodedata.normalize("NFC", wanted) if sign == _JOINER or _visible(sign))
    name = " ".join("".join(seen).split())
    if not name.strip(_JOINER) or len(name) > LONGEST_NAME:
        raise Declined("web.bad_name", {"limit": LONGEST_NAME})
    return name


def _visible(sign: str) -> bool:
    return sign.isspace() or not unicodedata.category(sign).startswith("C")
