"""What the buttons and the menu under our messages do. Each knows the short key of its turn; the store has the rest."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from adapters.slack.actions import Action
from adapters.slack.desk import Actor, Desk, Wish, declined_gone
from adapters.slack.history import History
from adapters.slack.modals import Modals, Opening
from adapters.slack.posts import Post
from adapters.slack.sharing import Sharing
from core.errors import Declined
from core.picking import current_among
from core.replies import say
from core.turns import ImageRef, Operation, Options

MOST_VARIATIONS = 4
PRESS_SECONDS = 5
VALUE = re.compile(r"^([0-9a-f]{20})(?:\|(.{1,20}))?$")


@dataclass(frozen=True, slots=True)
class Press:
    """One press of a button of ours, or one choice from its menu.

    `event` is the press itself, `what` the effect that is to happen once, however many press at the same time.
    """

    actor: Actor
    post: Post
    event: str
    what: str
    opening: Opening
    chosen: str = ""


class Buttons:
    """Deals with presses."""

    def __init__(self, desk: Desk, modals: Modals, sharing: Sharing, history: History) -> None:
        self._desk = desk
        self._modals = modals
        self._sharing = sharing
        self._history = history
        self._handlers: Mapping[str, Handler] = {
            Action.EDIT: self._edit,
            Action.AGAIN: self._again,
            Action.RATIO: self._ratio,
            Action.VARIATIONS: self._variations,
            Action.UNDO: self._undo,
            Action.CANCEL: self._cancel,
            Action.SHARE: self._share,
            Action.MORE: self._more,
        }

    async def pressed(self, actor: Actor, body: dict[str, Any]) -> str:
        """Do what a button says; gives what is to be said to who pressed. Raises `Declined`."""
        action = body["actions"][0]
        value = str(action.get("value") or (action.get("selected_option") or {}).get("value") or "")
        handler, found = self._handlers.get(str(action.get("action_id"))), VALUE.match(value)
        post = await self._desk.posts.by_key(actor.workspace, found[1]) if found else None
        if handler is None or found is None or post is None:
            raise declined_gone()
        message = str((body.get("container") or {}).get("message_ts") or "")
        event = f"{action.get('action_ts', '')}.{message}.{actor.user}"
        what = f"press:{action['action_id']}:{value}"
        return await handler(Press(actor, post, event, what, Opening.by(body), found[2] or ""))

    async def _edit(self, press: Press) -> str:
        await self._modals.edit(press.actor, press.opening, press.post)
        return ""

    async def _again(self, press: Press) -> str:
        return await self._ask_again(press, press.post.turn.options)

    async def _ratio(self, press: Press) -> str:
        return await self._ask_again(press, replace(press.post.turn.options, aspect_ratio=press.chosen))

    async def _ask_again(self, press: Press, options: Options) -> str:
        turn = press.post.turn
        if turn.uprooted:
            raise Declined("declined.uprooted")
        operation = turn.operation if turn.operation is Operation.VARIATIONS else Operation.AGAIN
        wish = Wish(
            event=press.event,
            thread=press.post.conversation,
            prompt=turn.prompt,
            options=options,
            references=turn.references,
            operation=operation,
            parent=turn.parent,
            of=press.post,
        )
        return await self._asked(press, wish)

    async def _variations(self, press: Press) -> str:
        turn = press.post.turn
        count = min(MOST_VARIATIONS, self._desk.offers.most_images)
        wish = Wish(
            event=press.event,
            thread=press.post.conversation,
            prompt=say(press.actor.locale, "prompt.variations"),
            options=Options(count=count, model=turn.options.model),
            operation=Operation.VARIATIONS,
            parent=await current_among(self._desk.conversations, press.post.conversation, ImageRef(turn.id)),
            of=press.post,
        )
        return await self._asked(press, wish)

    async def _asked(self, press: Press, wish: Wish) -> str:
        await self._alone(press)
        await self._desk.ask(press.actor, wish, press.opening.answer_at)
        return ""

    async def _undo(self, press: Press) -> str:
        await self._history.undo(press.actor, press.post, event=press.event)
        return ""

    async def _more(self, press: Press) -> str:
        event = f"{press.event}.{press.chosen}"
        return await self._history.chosen(
            press.actor, press.post, press.chosen, trigger=press.opening.trigger, event=event
        )

    async def _cancel(self, press: Press) -> str:
        await self._desk.intake.cancel(press.post.turn.id, press.actor.person, moderator=press.actor.profile.admin)
        return say(press.actor.locale, "slack.cancelling")

    async def _share(self, press: Press) -> str:
        await self._sharing.ask_where(press.actor, press.opening.trigger, press.post)
        return ""

    async def _alone(self, press: Press) -> None:
        """Raise `Declined` where somebody, or the same person, has just pressed this; the same press may come again."""
        if not await self._desk.posts.press(press.what, press.event, seconds=PRESS_SECONDS):
            raise Declined("slack.just_pressed")


Handler: TypeAlias = Callable[[Press], Awaitable[str]]
