"""Where a command, a button or a form may be answered, wherever the person is: a way to whom no other reaches.

slack:response:<key>   the address of a turn or a form, encrypted (whoever has it speaks as us), for as long as Slack
                       honours it
"""

import base64
import hashlib
from collections.abc import Collection

import aiohttp
import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from redis.asyncio import Redis
from redis.exceptions import RedisError

from adapters.slack.posts import short_key
from adapters.slack.text import escaped
from core.fetching import is_trusted
from core.packing import key, text
from core.turns import TurnId

LIVES_SECONDS = 29 * 60
"""Slack takes answers for half an hour."""

_OK = 200

log = structlog.get_logger()


def keys_from(secret: str) -> MultiFernet:
    """Keys for what lives no longer than a secret that every process knows."""
    digest = hashlib.sha256(b"imagine:slack:response:" + secret.encode()).digest()
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest))])


class ResponseUrls:
    """Keeps where what somebody did can be answered, by its turn or by the form that it opened, until that dies.

    Nothing is said to a host that is not of `hosts`, whatever an event says.
    """

    def __init__(self, redis: Redis, keys: MultiFernet, session: aiohttp.ClientSession, hosts: Collection[str]) -> None:
        self._redis = redis
        self._keys = keys
        self._session = session
        self._hosts = frozenset(hosts)

    async def respond(self, url: str, words: str, *, thread: str = "") -> bool:
        """Say something to the person alone; whether that was taken. Nothing is raised: nobody else is to be told."""
        if not is_trusted(url, self._hosts):
            log.error("an event names an address that is not of Slack; see SLACK_RESPONSE_HOSTS")
            return False
        body = {"response_type": "ephemeral", "replace_original": False, "text": escaped(words)}
        if thread:
            body["thread_ts"] = thread
        try:
            async with self._session.post(url, json=body, allow_redirects=False) as response:
                if response.status != _OK:
                    log.warning("a person could not be answered", status=response.status)
                return response.status == _OK
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("a person could not be answered", problem=type(error).__name__)
            return False

    async def keep(self, name: str, url: str) -> None:
        """Note where a turn or a form can be answered. A store that is away costs no more than this last way."""
        if not url:
            return
        try:
            sealed = self._keys.encrypt(url.encode())
            await self._redis.set(key("slack", "response", short_key(TurnId(name))), sealed, ex=LIVES_SECONDS, nx=True)
        except (RedisError, OSError) as error:
            log.warning("an address could not be kept", problem=type(error).__name__)

    async def of(self, name: str) -> str:
        """The address that was noted; empty where there is none (any longer)."""
        sealed = await self._redis.get(key("slack", "response", short_key(TurnId(name))))
        if sealed is None:
            return ""
        try:
            return self._keys.decrypt(text(sealed)).decode()
        except InvalidToken:
            log.warning("an address cannot be decrypted")
            return ""

    async def say(self, turn: TurnId, words: str) -> bool:
        """Answer where a turn was asked for, once; whether that could be done."""
        url = await self.of(turn)
        await self._redis.delete(key("slack", "response", short_key(turn)))
        return bool(url) and await self.respond(url, words)
