"""OAuth states: Bolt's store of them, over Redis.

slack:state:<state>   string  a state that was given out, once and for ten minutes
"""

import logging
import secrets
from typing import Any

from redis.asyncio import Redis
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore

from core.packing import key

STATE_SECONDS = 600


class States(AsyncOAuthStateStore):
    """OAuth states: each is good once, and not for long."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @property
    def logger(self) -> logging.Logger:
        """Where Bolt would log what the store does."""
        return logging.getLogger(__name__)

    async def async_issue(self, *args: Any, **kwargs: Any) -> str:
        """A fresh state."""
        del args, kwargs
        state = secrets.token_urlsafe(32)
        await self._redis.set(key("slack", "state", state), "1", ex=STATE_SECONDS)
        return state

    async def async_consume(self, state: str) -> bool:
        """Whether a state was given out and has not been used."""
        return bool(await self._redis.getdel(key("slack", "state", state)))
