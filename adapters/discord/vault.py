"""What nobody may read in the store: the tokens of interactions, and pictures that wait until their person comes.

discord:token:<key>   an interaction's token, encrypted, for as long as Discord honours it
discord:kept:<key>    a result that could be brought to nobody, encrypted, for a week
discord:shelf:<user>  zset: the keys of what is kept for a person, by when it was put there; as long as the last of it
"""

import asyncio
import base64
import json
import time

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from redis.asyncio import Redis

from adapters.discord.rest import File
from core.packing import key, text

TOKEN_SECONDS = 15 * 60
MARGIN_SECONDS = 10
"""A token is left alone a little before it dies, so that no call is on its way when it does."""
KEPT_SECONDS = 7 * 86_400


class Vault:
    """Encrypts with the first of the keys, decrypts with any."""

    def __init__(self, redis: Redis, keys: MultiFernet | Fernet) -> None:
        self.redis = redis
        self._keys = keys

    async def keep_token(self, name: str, token: str, *, made_at: float) -> None:
        """Keep an interaction's token until it dies. `made_at` is when Discord made it, seconds since the epoch."""
        left = round(made_at + TOKEN_SECONDS - MARGIN_SECONDS - time.time())
        if left > 0:
            await self.redis.set(key("discord", "token", name), self._keys.encrypt(token.encode()), ex=left)

    async def token(self, name: str) -> str | None:
        """The token, while it lives."""
        found = await self.redis.get(key("discord", "token", name))
        opened = self._open(found) if found else None
        return opened.decode() if opened else None

    async def drop_token(self, name: str) -> None:
        """Forget a token that Discord no longer honours."""
        await self.redis.delete(key("discord", "token", name))

    async def keep_files(self, name: str, user: str, text: str, files: list[File]) -> None:
        """Keep a result that its person, `user`, has to come for."""
        packed = {
            "text": text,
            "files": [[f.name, f.media_type, f.alt, base64.b64encode(f.data).decode()] for f in files],
        }
        sealed = await asyncio.to_thread(self._keys.encrypt, json.dumps(packed).encode())
        shelf, now = key("discord", "shelf", user), time.time()
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.set(key("discord", "kept", name), sealed, ex=KEPT_SECONDS)
            pipe.zadd(shelf, {name: now})
            pipe.zremrangebyscore(shelf, 0, now - KEPT_SECONDS)
            pipe.expire(shelf, KEPT_SECONDS)
            await pipe.execute()

    async def shelf(self, user: str, most: int) -> list[str]:
        """The names of what is kept for a person, the newest first, `most` of them."""
        oldest = time.time() - KEPT_SECONDS
        names = await self.redis.zrevrangebyscore(key("discord", "shelf", user), "+inf", oldest, 0, most)
        return [text(name) for name in names]

    async def files(self, name: str) -> tuple[str, list[File]] | None:
        """A kept result: its words and its files."""
        found = await self.redis.get(key("discord", "kept", name))
        opened = await asyncio.to_thread(self._open, found) if found else None
        if opened is None:
            return None
        packed = json.loads(opened)
        files = [File(name, base64.b64decode(data), kind, alt) for name, kind, alt, data in packed["files"]]
        return packed["text"], files

    def _open(self, sealed: bytes | str) -> bytes | None:
        try:
            return self._keys.decrypt(text(sealed))
        except InvalidToken:
            return None  # closed with a key that is no longer ours
