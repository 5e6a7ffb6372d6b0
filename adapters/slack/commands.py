"""The slash command. Slack allows it in channels and direct messages, never in threads, and never with files."""

from typing import Any

from adapters.slack.avatars import mentioned
from adapters.slack.desk import Actor, Desk, Wish, channel_key
from adapters.slack.gathering import pointed_at
from adapters.slack.modals import Modals, Opening
from adapters.slack.spoken import Spoken
from adapters.slack.text import typed
from core.commands import parse


class Commands:
    """Deals with `/imagine`, whatever an administrator has called it."""

    def __init__(self, desk: Desk, modals: Modals) -> None:
        self._desk = desk
        self._modals = modals
        self._spoken = Spoken(desk)

    async def given(self, actor: Actor, body: dict[str, Any]) -> str:
        """Take on what a command asks for; gives what is to be said at once. Raises `Declined`."""
        channel, trigger = str(body.get("channel_id") or ""), str(body.get("trigger_id") or "")
        url = str(body.get("response_url") or "")
        words, thread = typed(str(body.get("text") or "")), channel_key(actor.workspace, channel)
        if not words:
            await self._modals.imagine(await self._desk.met(actor), Opening(trigger, url), channel=channel)
            return ""
        if (said := await self._spoken.answer(actor, thread, words, event=trigger)) is not None:
            return said
        prompt, options = parse(words)
        references = await pointed_at(self._desk, actor, prompt, channel)
        prompt, avatars = await mentioned(self._desk, actor, prompt)
        await self._desk.ask(actor, Wish(trigger, thread, prompt, options, (*references, *avatars)), url)
        return ""
