"""What a workspace has chosen about models: which may be used, which is usual, and what happens while one is down.

choices:<platform>:<workspace>  JSON `Choices`; never expires: a workspace's choice stands until it changes it, or
removes the app
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from redis.asyncio import Redis

from core.errors import Declined
from core.packing import key, pack, unpack
from core.ports import Models
from core.turns import ThreadKey

CACHED_SECONDS = 3.0
MOST_CACHED = 10_000
MOST_CHANNELS = 100
MOST_ALLOWED = 20


class WhenDown(StrEnum):
    """What becomes of a turn whose model does not answer."""

    OTHER = "other"
    """Another service, or another allowed model, draws it."""
    WAIT = "wait"
    """It waits until the model is back."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices of one workspace.

    `allowed` are the models that may be used, in order of preference; empty is all. `model` is the usual one, empty
    where it is the operator's; `channels` are the channels that have a usual one of their own.
    """

    allowed: tuple[str, ...] = ()
    model: str = ""
    channels: Mapping[str, str] = field(default_factory=dict)
    when_down: WhenDown = WhenDown.OTHER

    def with_channel(self, channel: str, model: str) -> Self:
        """With a usual model of a channel's own, or none where it is empty. Raises `Declined` for too many."""
        channels = {name: usual for name, usual in self.channels.items() if name != channel}
        if model:
            channels[channel] = model
        if len(channels) > MOST_CHANNELS:
            raise Declined("choices.too_many_channels", {"limit": MOST_CHANNELS})
        return replace(self, channels=channels)

    def renamed(self, names: Mapping[str, str]) -> Self:
        """With other names in the place of those that have one."""
        return replace(
            self,
            allowed=tuple(dict.fromkeys(names.get(model, model) for model in self.allowed)),
            model=names.get(self.model, self.model),
            channels={channel: names.get(model, model) for channel, model in self.channels.items()},
        )

    async def check(self, models: Models, before: Self) -> None:
        """Raise `Declined` for a model that is not offered, or that is usual and not allowed; and `ProviderError`.

        The usual model of a channel that is as it was `before` is nobody's fault: where it is not allowed any more, the
        workspace's draws there.
        """
        channels = [model for channel, model in self.channels.items() if before.channels.get(channel) != model]
        for model in dict.fromkeys((*self.allowed, *filter(None, (self.model, *channels)))):
            await models.capabilities(model)
            if not self.allows(model):
                known = ", ".join(self.allowed)
                raise Declined("declined.model_not_allowed", {"model": model, "known": known})

    def allows(self, model: str) -> bool:
        """Whether people here may use a model."""
        return not self.allowed or model in self.allowed

    def wishes(self, channel: str, default: str) -> Sequence[str]:
        """The models that may draw in a channel when nobody names one, the likeliest first: at least one.

        `default` is the operator's.
        """
        wishes = (self.channels.get(channel), self.model, default)
        return tuple(dict.fromkeys((*(wish for wish in wishes if wish and self.allows(wish)), *self.allowed)))


class ModelChoices:
    """The choices of all workspaces, remembered for a moment: they are asked for at every turn."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._cache: dict[str, tuple[float, Choices]] = {}

    async def of(self, where: ThreadKey) -> Choices:
        """The choices of the workspace that a thread is in."""
        return await self.of_workspace(where.platform, where.workspace)

    async def of_workspace(self, platform: str, workspace: str) -> Choices:
        """The choices of a workspace."""
        name = _key(platform, workspace)
        until, cached = self._cache.get(name, (0.0, Choices()))
        if time.monotonic() < until:
            return cached
        found = await self.redis.get(name)
        return self._note(name, unpack(Choices, found) if found else Choices())

    async def change(self, platform: str, workspace: str, choices: Choices) -> None:
        """Put new choices in the place of the old."""
        name = _key(platform, workspace)
        await self.redis.set(name, pack(Choices, choices, terse=True))
        self._note(name, choices)

    async def forget(self, platform: str, workspace: str) -> None:
        """Drop the choices of a workspace that we have left."""
        self._cache.pop(_key(platform, workspace), None)
        await self.redis.delete(_key(platform, workspace))

    def _note(self, name: str, choices: Choices) -> Choices:
        if len(self._cache) >= MOST_CACHED:
            self._cache.clear()
        self._cache[name] = (time.monotonic() + CACHED_SECONDS, choices)
        return choices


def _key(platform: str, workspace: str) -> str:
    return key("choices", platform, workspace)
