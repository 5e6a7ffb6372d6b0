"""The few words to us that are no prompts: help, status, the library, and whether a thread listens."""

import re

from adapters.slack.desk import Actor, Desk
from adapters.slack.library import Library
from adapters.slack.text import one_line
from core.librarian import asks
from core.replies import say
from core.turns import Reference, ThreadKey

PROMPT_CHARACTERS = 80
MOST_LISTED = 10
HELP = ("help_ask", "help_edit", "help_menus", "help_words", "help_library")
_AVATAR = re.compile(r"avatar\s+(on|off)", re.IGNORECASE)
_LISTEN = re.compile(r"listen\s+(on|off)", re.IGNORECASE)


class Spoken:
    """Answers them, to the person alone."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._library = Library(desk)

    async def answer(
        self, actor: Actor, thread: ThreadKey, words: str, files: tuple[Reference, ...] = (), *, event: str
    ) -> str | None:
        """What to say to these words, if anything; None where they are a prompt. `event` is done once."""
        wanted = words.strip().lower()
        if asks(words):
            return await self._library.answer(await self._desk.met(actor), thread, words, files, event=event)
        if wanted not in ("help", "status") and not (_LISTEN.fullmatch(wanted) or _AVATAR.fullmatch(wanted)):
            return None
        actor = await self._desk.met(actor)
        if wanted == "help":
            return self.help(actor)
        if wanted == "status":
            return await self.status(actor)
        if found := _AVATAR.fullmatch(wanted):
            return await self._avatar(actor, on=found[1] == "on")
        if found := _LISTEN.fullmatch(wanted):
            return await self._listen(actor, thread, on=found[1].lower() == "on", event=event)
        return None

    def help(self, actor: Actor) -> str:
        """What we can do, and how."""
        return "\n".join(say(actor.locale, f"slack.{name}") for name in HELP)

    async def status(self, actor: Actor) -> str:
        """What is under way for a person."""
        turns = await self._desk.intake.open_turns(actor.person)
        if not turns:
            return say(actor.locale, "slack.status_none")
        shown = turns[:MOST_LISTED]
        lines = [f"• {one_line(one.turn.prompt, PROMPT_CHARACTERS)} – {one.where(actor.locale)}" for one in shown]
        if len(turns) > MOST_LISTED:
            lines.append(say(actor.locale, "list.more", count=len(turns) - MOST_LISTED))
        return "\n".join(lines)

    async def _avatar(self, actor: Actor, *, on: bool) -> str:
        """Whether others may work from this person's avatar."""
        avatars = self._desk.avatars
        await (avatars.allow(actor.person) if on else avatars.refuse(actor.person))
        return say(actor.locale, "slack.avatar_on" if on else "slack.avatar_off")

    async def _listen(self, actor: Actor, thread: ThreadKey, *, on: bool, event: str) -> str:
        opened = thread.thread and await self._desk.posts.opened_for(thread.workspace, thread.channel, thread.thread)
        if not opened:
            return say(actor.locale, "slack.not_our_thread")
        if await self._desk.once(f"listen:{event}"):
            await self._desk.conversations.set_switch(thread, "listening", on=on)
        return say(actor.locale, "slack.listening_on" if on else "slack.listening_off")
