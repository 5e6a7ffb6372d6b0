"""The models: what each takes, and which the workspace has chosen.

Everybody at this workspace was let in by whoever runs it, and there are no moderators: all may choose.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints

from adapters.web.guard import language
from adapters.web.intake import Intake
from adapters.web.messages import PLATFORM, WORKSPACE, thread_key
from adapters.web.parsing import body
from adapters.web.render import Json, model_json
from adapters.web.workspace import Workspace
from core.choices import MOST_ALLOWED, Choices, WhenDown
from core.errors import Declined, ProviderError
from core.estimates import with_estimates
from core.ports import Models
from core.replies import say

MODELS_SECONDS = 300.0
MOST_MODELS = 20

Name = Annotated[str, StringConstraints(max_length=200)]


class Choosing(BaseModel):
    """What is chosen in the dialogue of a channel; an empty name is for what is usual anyway."""

    channel: Name
    allowed: tuple[Name, ...] = Field((), max_length=MOST_ALLOWED)
    model: Name = ""
    channel_model: Name = ""
    when_down: WhenDown = WhenDown.OTHER


class Offers:
    """The names of the models on offer, remembered for a while."""

    def __init__(self, provider: Models) -> None:
        self._provider = provider
        self._offered: tuple[float, Sequence[str]] = (0.0, ())

    async def names(self) -> Sequence[str]:
        """All of them; none while nobody can be asked."""
        asked_at, names = self._offered
        if time.monotonic() - asked_at > MODELS_SECONDS or not names:
            try:
                names = tuple(await self._provider.models())
            except ProviderError:
                return ()
            self._offered = (time.monotonic(), names)
        return names


class ModelRoutes:
    """What may be named in a channel, and the workspace's choices."""

    def __init__(self, workspace: Workspace, intake: Intake, provider: Models, offers: Offers) -> None:
        self._workspace = workspace
        self._intake = intake
        self._provider = provider
        self._offers = offers

    def routes(self) -> list[web.RouteDef]:
        """Where these are asked for."""
        return [
            web.get("/api/channels/{channel}/models", self.models),
            web.get("/api/channels/{channel}/choices", self.choices),
            web.put("/api/choices", self.choose),
        ]

    async def models(self, request: web.Request) -> web.Response:
        """What the models that may be named in a channel take, as far as they could be asked, and which is usual."""
        choices, usual = await self._chosen(), await self._usual(request.match_info["channel"])
        names = choices.allowed or (usual, *await self._names())
        return web.json_response({"models": await self._described(dict.fromkeys(names)), "usual": usual})

    async def choices(self, request: web.Request) -> web.Response:
        """What is chosen, and what can be."""
        choices, channel = await self._chosen(), request.match_info["channel"]
        known = filter(None, (*choices.allowed, choices.model, *choices.channels.values()))
        names = dict.fromkeys((*known, *await self._names()))
        locale = language(request)
        return web.json_response(
            {
                "offered": await with_estimates(self._provider, names),
                "allowed": choices.allowed,
                "model": choices.model,
                "channel_model": choices.channels.get(channel, ""),
                "when_down": choices.when_down,
                "ways": {way: say(locale, f"choices.when_down_{way}") for way in WhenDown},
            }
        )

    async def choose(self, request: web.Request) -> web.Response:
        """Put new choices in the place of the old."""
        chosen = await body(request, Choosing)
        if not await self._workspace.has_channel(chosen.channel):
            raise Declined("web.channel_gone")
        before = await self._chosen()
        choices = replace(
            before,
            allowed=tuple(dict.fromkeys(filter(None, chosen.allowed))),
            model=chosen.model,
            when_down=chosen.when_down,
        )
        choices = await self._intake.renewed(choices.with_channel(chosen.channel, chosen.channel_model))
        await choices.check(self._provider, before)
        await self._intake.choices.change(PLATFORM, WORKSPACE, choices)
        return web.json_response({})

    async def _chosen(self) -> Choices:
        return await self._intake.renewed(await self._intake.choices.of_workspace(PLATFORM, WORKSPACE))

    async def _usual(self, channel: str) -> str:
        return await self._intake.usual(thread_key(channel))

    async def _names(self) -> Sequence[str]:
        return (await self._offers.names())[:MOST_MODELS]

    async def _described(self, names: Iterable[str]) -> list[Json]:
        async def described(name: str) -> Json | None:
            try:
                return model_json(await self._provider.capabilities(name))
            except (ProviderError, Declined):
                return None

        return [one for one in await asyncio.gather(*map(described, names)) if one]
