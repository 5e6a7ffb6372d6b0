"""Who does not want their avatar to be worked from.

avatars:<workspace>   set   the users who refuse; never expires: a refusal stands until it is taken back
"""

from dataclasses import dataclass

from redis.asyncio import Redis

from core.packing import key
from core.turns import Person


@dataclass(frozen=True, slots=True)
class Avatars:
    """What people have said about their own avatar. `mentioned` is whether the operator lets a mention bring one."""

    redis: Redis
    mentioned: bool = False

    async def allows(self, person: Person) -> bool:
        """Whether somebody's avatar may be worked from, as far as it is theirs to say."""
        return not await self.redis.sismember(_refusals(person), person.user)

    async def refuse(self, person: Person) -> None:
        """Nobody is to work from this person's avatar."""
        await self.redis.sadd(_refusals(person), person.user)

    async def allow(self, person: Person) -> None:
        """Take a refusal back."""
        await self.redis.srem(_refusals(person), person.user)


def _refusals(person: Person) -> str:
    return key("avatars", f"{person.platform}:{person.workspace}")
