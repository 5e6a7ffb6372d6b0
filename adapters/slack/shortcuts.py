"""Shortcuts: from the menu of any message with a picture, and from anywhere."""

from typing import Any

from adapters.slack.actions import More, Shortcut
from adapters.slack.desk import Actor, Desk
from adapters.slack.files import references_of
from adapters.slack.history import History
from adapters.slack.library import Library
from adapters.slack.modals import Modals, Opening
from core.errors import Declined


class Shortcuts:
    """Opens the form that a shortcut stands for."""

    def __init__(self, desk: Desk, modals: Modals, history: History) -> None:
        self._desk = desk
        self._modals = modals
        self._history = history
        self._library = Library(desk)

    async def used(self, actor: Actor, body: dict[str, Any]) -> str:
        """Open the form. Raises `Declined` where there is no picture."""
        opening = Opening.by(body)
        if body.get("type") == "shortcut":
            await self._modals.imagine(actor, opening)
            return ""
        message, channel = body.get("message") or {}, str((body.get("channel") or {}).get("id") or "")
        ts = str(message.get("ts") or body.get("message_ts") or "")
        post = await self._desk.posts.by_message(actor.workspace, channel, ts)
        if body.get("callback_id") == Shortcut.EDIT_IMAGE and post and post.shown:
            await self._modals.edit(actor, opening, post)
            return ""
        if body.get("callback_id") == Shortcut.HISTORY:
            if post is None or not post.shown:
                raise Declined("slack.no_picture_there")
            event = f"{opening.trigger}.{ts}"
            return await self._history.chosen(actor, post, More.PATH, trigger=opening.trigger, event=event)
        references = references_of(message.get("files"), channel, ts)
        if not references:
            raise Declined("slack.no_picture_there")
        if body.get("callback_id") == Shortcut.SAVE_AS_REFERENCE:
            await self._library.ask_name(self._modals, actor, opening, references, post)
            return ""
        # What is made of somebody's picture belongs below it; what only uses one of ours is a picture of its own.
        thread = "" if post else str(message.get("thread_ts") or ts)
        await self._modals.imagine(actor, opening, channel=channel, thread=thread, references=references)
        return ""
