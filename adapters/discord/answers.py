"""The answer to an interaction: within three seconds, whatever else is slow, and once."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from redis.exceptions import RedisError

from adapters.discord import render
from adapters.discord.components import Component
from adapters.discord.events import Interaction
from adapters.discord.rest import File, Refused, Rest
from adapters.discord.words import plain
from core.errors import Declined, PlatformError, ProviderError
from core.replies import say

PROMPT_SECONDS = 0.15
"""How long work may take before the interaction is put off with a placeholder."""
MOST_CHOICES, CHOICE_CHARACTERS = 25, 100
RUSH = 20
"""With so many interactions under way, people are put off before any work is begun for them."""
FORM_SECONDS = 2.0
"""How long a form or suggestions may take: neither can be put off."""
_MESSAGE, _DEFER, _CHOICES, _FORM = 4, 5, 8, 9
_LATE = frozenset({10062, 40060, 10015, 50027})

T = TypeVar("T")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Said:
    """What to answer. `text` is written as Discord's markup; empty is an answer that somebody else completes."""

    text: str = ""
    components: tuple[Component, ...] = ()
    files: tuple[File, ...] = field(default=(), repr=False)


def sentence(locale: str, name: str, /, **values: object) -> Said:
    """A sentence of ours as an answer."""
    return Said(plain(say(locale, name, **values)))


class Answer:
    """The one answer to an interaction; what is said after it was put off changes it."""

    def __init__(self, rest: Rest, interaction: Interaction) -> None:
        self.rest = rest
        self.interaction = interaction
        self.deferred = False

    async def prompt(self, work: Coroutine[Any, Any, Said]) -> None:
        """Do the work and say what came of it; put the person off first when it takes its time."""
        self.rest.answering += 1
        try:
            if not self.deferred and self.rest.answering > RUSH:
                await self.defer()
            task = asyncio.create_task(self._outcome(work))
            if not self.deferred:
                await asyncio.wait({task}, timeout=PROMPT_SECONDS)
                if not task.done():
                    await self.defer()
            said = await task
            if said.text or said.files:
                await self.say(said)
        finally:
            self.rest.answering -= 1

    async def say(self, said: Said) -> None:
        """Say something to this person alone, or in place of what they were put off with."""
        body = render.message(said.text, said.components, private=True)
        if self.deferred or said.files:
            if not self.deferred:
                await self.defer()
            token = self.interaction.token
            await self._tried(self.rest.original("PATCH", token, render.without_flags(body), files=said.files))
        else:
            await self._respond({"type": _MESSAGE, "data": body})

    async def defer(self, *, private: bool = True) -> None:
        """Put the person off with a placeholder."""
        self.deferred = True
        await self._respond({"type": _DEFER, "data": {"flags": render.PRIVATE if private else 0}})

    async def open_form(self, form: Coroutine[Any, Any, Component]) -> None:
        """Open a form, or say why there is none."""
        opened = await self._outcome(_soon(form))
        if isinstance(opened, Said):
            await self.say(opened)
        else:
            await self._respond({"type": _FORM, "data": opened})

    async def offer(self, choices: Coroutine[Any, Any, Mapping[str, str]]) -> None:
        """Suggest values, with how they read, for an option that is typed; none where they are not had in time."""
        try:
            known = await _soon(choices)
        except (ProviderError, Declined, RedisError, OSError, TimeoutError) as error:
            log.info("nothing can be suggested", problem=type(error).__name__)
            known = {}
        offered = [
            {"name": label[:CHOICE_CHARACTERS], "value": value}
            for value, label in known.items()
            if len(value) <= CHOICE_CHARACTERS
        ]
        offered = offered[:MOST_CHOICES]
        await self._respond({"type": _CHOICES, "data": {"choices": offered}})

    async def _outcome(self, work: Coroutine[Any, Any, T]) -> T | Said:
        locale = self.interaction.locale
        try:
            return await work
        except Declined as refusal:
            return sentence(locale, refusal.reply, **refusal.details)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("the store does not answer", problem=type(error).__name__)
            return sentence(locale, "discord.store_down")
        except ProviderError as error:
            log.warning("the image service does not answer as it should", problem=type(error).__name__)
            return sentence(locale, "discord.service_down")
        except (Refused, PlatformError) as error:
            log.warning("Discord did not take what a person asked for", why=str(error))
            return sentence(locale, "discord.not_permitted")
        except Exception:
            log.exception("an interaction broke")
            return sentence(locale, "discord.broken")

    async def _respond(self, body: Component) -> None:
        await self._tried(self.rest.answer(self.interaction.id, self.interaction.token, body))

    async def _tried(self, call: Coroutine[Any, Any, Any]) -> None:
        """Whatever becomes of the answer, the turn is taken on: its announcement does not hang on it."""
        try:
            await call
        except Refused as refused:
            level = log.info if refused.code in _LATE else log.warning
            level("an interaction could not be answered", why=str(refused))
        except PlatformError:
            log.warning("an interaction could not be answered: Discord is busy")


async def _soon(work: Coroutine[Any, Any, T]) -> T:
    async with asyncio.timeout(FORM_SECONDS):
        return await work
