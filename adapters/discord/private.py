"""Answers that go through an interaction's token: private ones, and those of an app that only its user has installed.

The token carries them for fifteen minutes: the first answer is edited, so that doing it twice does no harm. After that
a private picture goes by direct message, else it waits behind a button that only its person can open: in the channel,
where we may post one, and always in their /imagine-status.
"""

from dataclasses import dataclass

import structlog

from adapters.discord import render
from adapters.discord.components import Action, button, row
from adapters.discord.events import Message
from adapters.discord.pictures import FILE_BYTES, KEPT, Pictures, shown_in
from adapters.discord.posting import SHOWING, Poster
from adapters.discord.posts import channel_of, event_of, short_key
from adapters.discord.rest import File, Refused, Rest
from adapters.discord.vault import Vault
from core.errors import PlatformBusy
from core.ports import Announcement, Delivered, Notice, Result, Stage
from core.replies import say
from core.turns import Reference, Turn

ORIGINAL = "@original"
NOT_ANSWERED_YET = frozenset({10015, 10062})
DEAD = frozenset({50027, 10008, 10003})

log = structlog.get_logger()


def by_token(turn: Turn) -> bool:
    """Whether the answer goes through the interaction's token."""
    return turn.address.get("via") == "token"


@dataclass(frozen=True, slots=True)
class PrivateAnswers:
    """Edits what interactions were answered with."""

    rest: Rest
    vault: Vault
    poster: Poster
    pictures: Pictures

    async def announce(self, turn: Turn, notice: Notice) -> Announcement:
        """Show the turn on the interaction's answer; its conversation is the person's own."""
        await self._edit(turn, render.announcement(turn, notice))
        return Announcement(turn.thread, ORIGINAL)

    async def update(self, turn: Turn, notice: Notice) -> None:
        """Show a notice, but for `done`: the picture stands there by then."""
        if notice.stage is Stage.DONE:
            return
        if await self._edit(turn, render.announcement(turn, notice)) is None and notice.stage.final:
            await self._direct(turn, render.announcement(turn, notice), (), "end")

    async def deliver(self, turn: Turn, result: Result, *, repeated: bool) -> Delivered:
        """Bring the pictures to their person, or keep them until they come."""
        files, links = await self.pictures.fit(result.images, int(turn.address.get("limit", FILE_BYTES)))
        body = render.result(turn, result, ratios=(), links=links)
        message = await self._edit(turn, body, files)
        if message is None:
            message = await self._direct(turn, body, files, "pictures", repeated=repeated)
        if message is not None:
            return Delivered(message.id, shown_in(message))
        # A visitor may not post where it was asked.
        channel = None if "visiting" in turn.address else channel_of(turn.thread)
        waits = await self.keep(turn, body, files, channel, "discord.waiting_for_you", repeated=repeated)
        return kept(turn, waits or f"{KEPT}-{short_key(turn.id)}", files)

    async def direct_channel(self, user: str) -> str | None:
        """The channel of direct messages with a person; None where they take none."""
        try:
            opened = await self.rest.call("POST", "/users/@me/channels", {"recipient_id": user})
        except Refused as refused:
            log.warning("a person takes no direct messages", why=str(refused))
            return None
        return str(opened["id"])

    async def _edit(self, turn: Turn, body: render.Body, files: list[File] | None = None) -> Message | None:
        """The interaction's answer, changed; None where its token is dead."""
        key = short_key(turn.id)
        token = await self.vault.token(key)
        if token is None:
            return None
        try:
            answer = await self.rest.original("PATCH", token, render.without_flags(body), files=files or ())
        except Refused as refused:
            if refused.code in NOT_ANSWERED_YET:
                raise PlatformBusy(1.0) from None
            log.info("an interaction's answer can be edited no more", why=str(refused))
            if refused.code in DEAD or refused.status in (401, 404):
                await self.vault.drop_token(key)
            return None
        return Message.model_validate(answer)

    async def _direct(
        self, turn: Turn, body: render.Body, files: list[File] | tuple[()], what: str, *, repeated: bool = False
    ) -> Message | None:
        channel = await self.direct_channel(turn.author.user)
        if channel is None:
            return None
        if repeated:
            found = await self.poster.find(channel, short_key(turn.id), SHOWING, after=event_of(turn.id))
            if found:
                return found
        try:
            return await self.poster.post(channel, body, turn.id, what, files=files)
        except Refused as refused:
            log.warning("a private answer cannot go by direct message", why=str(refused))
            return None

    async def keep(
        self, turn: Turn, body: render.Body, files: list[File], channel: str | None, words: str, *, repeated: bool
    ) -> str | None:
        """Keep the pictures, and say so in the channel, with a button; the id of that message where it was taken."""
        key = short_key(turn.id)
        await self.vault.keep_files(key, turn.author.user, str(body["content"]), files)
        log.warning("a picture is kept until its person comes for it", turn=turn.id)
        if channel is None:
            return None
        waiting = render.message(
            say(turn.locale, words, person=f"<@{turn.author.user}>"),
            [row(button(Action.SHOW, key, say(turn.locale, "discord.show")))],
        )
        found = await self.poster.find(channel, key, SHOWING, after=event_of(turn.id)) if repeated else None
        try:
            return (found or await self.poster.post(channel, waiting, turn.id, "kept")).id
        except Refused as refused:
            log.warning("the channel takes no button for it either", why=str(refused))
            return None


def kept(turn: Turn, message: str, files: list[File]) -> Delivered:
    """Kept pictures, as they are found again."""
    key = short_key(turn.id)
    shown = tuple(Reference(file.name, "", "", KEPT, f"{key}/{index}") for index, file in enumerate(files))
    return Delivered(message, shown)
