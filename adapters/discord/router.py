"""Which event is whose."""

import asyncio
import time
from typing import Any

import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError

from adapters.discord.buttons import on_component
from adapters.discord.desk import Desk
from adapters.discord.events import Guild, Interaction, Message
from adapters.discord.forms import on_form
from adapters.discord.library import librarian_of, on_save_form, saves
from adapters.discord.menus import on_menu
from adapters.discord.messages import Listener, ServerFacts
from adapters.discord.pictures import FILE_BYTES
from adapters.discord.rest import Refused
from adapters.discord.slash import on_autocomplete, on_slash
from adapters.discord.welcome import welcome
from core.errors import ImagineError, PlatformBusy, PlatformError

_COMMAND, _COMPONENT, _AUTOCOMPLETE, _FORM = 2, 3, 4, 5
_SLASH = 1
MIB = 1024 * 1024
FILE_BYTES_BY_TIER = {2: 50 * MIB, 3: 100 * MIB}
MOST_SERVERS = 100_000
STORE_SECONDS = 1.0
BUSY_SECONDS = 300.0
"""How long a message waits for a Discord that is busy; it keeps the session from going on meanwhile."""
LASTING = frozenset({"MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK"})
"""What is worth waiting for the store with; an interaction is void within seconds, and its person is told."""

log = structlog.get_logger()


class Router:
    """Hands events to who deals with them, and keeps the little that is worth knowing of servers."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._facts: dict[str, ServerFacts] = {}
        self.listener = Listener(desk, self.facts)

    @property
    def most_images(self) -> int:
        """How many pictures may be asked for at a time."""
        return self.desk.intake.limits.most_images

    async def facts(self, guild: str | None) -> ServerFacts:
        """What is known of a server. A session that another process began tells nothing of it, so it is asked for."""
        if guild is None:
            return ServerFacts()
        if guild not in self._facts:
            try:
                answer = await self.desk.rest.call("GET", "/guilds/{guild_id}", guild_id=guild)
            except (Refused, PlatformError) as error:
                log.info("the usual is taken of a server that cannot be asked about", why=str(error))
                return ServerFacts()
            self._note(Guild.model_validate(answer))
        return self._facts[guild]

    def _note(self, guild: Guild) -> None:
        while len(self._facts) >= MOST_SERVERS:
            del self._facts[next(iter(self._facts))]
        file_bytes = FILE_BYTES_BY_TIER.get(guild.premium_tier, FILE_BYTES)
        self._facts[guild.id] = ServerFacts(guild.preferred_locale, file_bytes)

    async def handle(self, name: str, data: dict[str, Any]) -> None:
        """Deal with one event. It is recorded, or of no interest, when this returns."""
        until = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                await self._deal_with(name, data)
            except ValidationError as error:
                fields = [".".join(map(str, problem["loc"])) for problem in error.errors(include_input=False)]
                log.error("an event of Discord's has another shape than known", event_name=name, fields=fields)
            except RedisError as error:
                log.warning("the store does not take an event", event_name=name, problem=type(error).__name__)
                if name in LASTING:
                    await asyncio.sleep(STORE_SECONDS)
                    continue
            except PlatformBusy as busy:
                log.warning("Discord is too busy to deal with an event of its own", event_name=name)
                if name in LASTING and time.monotonic() + busy.retry_after < until:
                    await asyncio.sleep(busy.retry_after)
                    continue
            except ImagineError as error:
                log.error("an event could not be dealt with", event_name=name, problem=type(error).__name__)
            return

    async def _deal_with(self, name: str, data: dict[str, Any]) -> None:
        match name:
            case "INTERACTION_CREATE":
                await self._interaction(Interaction.model_validate(data))
            case "MESSAGE_CREATE":
                await self.listener.on_message(Message.model_validate(data))
            case "MESSAGE_UPDATE":
                await self.listener.on_edit(Message.model_validate(data))
            case "MESSAGE_DELETE":
                await self.listener.on_delete(data.get("guild_id"), str(data["id"]))
            case "MESSAGE_DELETE_BULK":
                for message in data.get("ids", ()):
                    await self.listener.on_delete(data.get("guild_id"), str(message))
            case "GUILD_CREATE":
                await self._guild(Guild.model_validate(data))
            case "GUILD_UPDATE":
                self._note(Guild.model_validate(data))
            case "GUILD_DELETE":
                await self._left(Guild.model_validate(data))

    async def _interaction(self, interaction: Interaction) -> None:
        match interaction.type:
            case kind if kind == _COMMAND:
                slash = interaction.data.get("type", _SLASH) == _SLASH
                await (on_slash if slash else on_menu)(self.desk, interaction)
            case kind if kind == _COMPONENT:
                await on_component(self.desk, interaction)
            case kind if kind == _AUTOCOMPLETE:
                await on_autocomplete(self.desk, interaction)
            case kind if kind == _FORM:
                await (on_save_form if saves(interaction) else on_form)(self.desk, interaction)

    async def _guild(self, guild: Guild) -> None:
        if guild.unavailable:
            return
        self._note(guild)
        await welcome(self.desk, guild)

    async def _left(self, guild: Guild) -> None:
        if not guild.unavailable:
            self._facts.pop(guild.id, None)
            await self.desk.settings.forget(guild.id)
            await self.desk.intake.choices.forget("discord", guild.id)
            await librarian_of(self.desk).forget("discord", guild.id)
