"""Finished pictures shown once more: a private one that is made public, and one that somebody has gone back to."""

from dataclasses import replace
from typing import Any

import structlog

from adapters.slack import forms, render
from adapters.slack.actions import Form
from adapters.slack.desk import Actor, Desk, channel_key, declined_gone
from adapters.slack.forms import Context
from adapters.slack.modals import Modals
from adapters.slack.posting import Poster
from adapters.slack.posts import Post, short_key, shown_as
from core.errors import Declined
from core.ports import Result
from core.replies import say
from core.tree import Back, placed
from core.turns import Node, Turn, TurnId

QUOTED_CHARACTERS = 100

log = structlog.get_logger()


class Sharing:
    """Shows in a channel what one person has had to themselves."""

    def __init__(self, desk: Desk, modals: Modals, poster: Poster) -> None:
        self._desk = desk
        self._modals = modals
        self._poster = poster

    async def ask_where(self, actor: Actor, trigger: str, post: Post) -> None:
        """Open the form that asks for the channel. Raises `Declined` unless the picture is the person's own."""
        if post.turn.author.user != actor.user:
            raise Declined("declined.not_yours", {"name": post.turn.author.name})
        field = forms.channel_field(actor.locale, post.turn.thread.channel)
        context = Context(key=short_key(post.turn.id))
        await self._modals.open(actor, trigger, forms.modal(Form.SHARE, actor.locale, "slack.share", context, field))

    async def shared(self, actor: Actor, view: dict[str, Any], event: str) -> str:
        """Post a private picture in a channel, where it begins a conversation of its own."""
        context = Context.read(str(view.get("private_metadata") or ""))
        post = await self._desk.posts.by_key(actor.workspace, context.key)
        if post is None or not post.shown or post.turn.author.user != actor.user:
            raise declined_gone()
        channel = forms.filled(view, context).channel
        (await self._desk.settings.of(actor.workspace)).check_place(channel)
        node = await self._desk.conversations.node(post.conversation, post.turn.id)
        if not channel or node is None:
            raise Declined("declined.parent_gone")
        await self._show(post, node, channel, event)
        return say(actor.locale, "slack.shared")

    async def show_again(self, actor: Actor, post: Post, back: Back, event: str) -> None:
        """Show the thread the picture that what comes next goes on from."""
        words, node, index = back.words(actor.locale, QUOTED_CHARACTERS), back.node, back.image.index
        workspace, name, desk = actor.workspace, short_key(TurnId(event)), self._desk
        earlier = await desk.posts.by_turn(node.id)
        files = [one.file for one in earlier.shown[index : index + 1]] if earlier else []
        body = render.message(words)
        if earlier and files:
            ratios = await desk.offers.ratios(node.model)
            body = render.result(earlier.turn, Result((), node.model), ratios=ratios, notes=(words,))
        ts = await self._poster.once(
            name, "undone", workspace, post.channel, render.message(words), thread=post.root, locale=actor.locale
        )
        if files:
            given = {key: value for key, value in body.items() if not key.startswith("unfurl")}
            await desk.api.call(workspace, "chat.update", channel=post.channel, ts=ts, file_ids=files, **given)
            await desk.posts.keep_message(workspace, post.channel, ts, short_key(node.id))

    async def _show(self, post: Post, node: Node, channel: str, event: str) -> None:
        workspace, options = post.turn.thread.workspace, replace(post.turn.options, private=False)
        public = replace(
            post.turn.without_parent(),
            id=TurnId(f"{post.turn.id}.shared.{channel}"),
            options=options,
            thread=channel_key(workspace, channel),
            address={},
        )
        # Without its parents a later part of a history is worth nothing.
        images = tuple(image if image.rooted else replace(image, history=None) for image in node.images)
        known = replace(node, id=public.id, parent=None, options=options, images=images)
        await self.begin(post, public, known, event)

    async def begin(self, post: Post, turn: Turn, node: Node, event: str, *, notes: tuple[str, ...] = ()) -> Post:
        """One message in the turn's channel, which gets the pictures of another and holds a thread of its own."""
        workspace, channel, desk = turn.thread.workspace, turn.thread.channel, self._desk
        body = render.result(turn, Result((), node.model), ratios=await desk.offers.ratios(node.model), notes=notes)
        name = short_key(TurnId(f"{turn.id}.{event}"))
        ts = await self._poster.once(name, "share", workspace, channel, render.root(turn), locale=turn.locale)
        given = {key: value for key, value in body.items() if not key.startswith("unfurl")}
        files = [one.file for one in post.shown]
        await desk.api.call(workspace, "chat.update", channel=channel, ts=ts, file_ids=files, **given)
        thread = channel_key(workspace, channel, ts)
        fresh = shown_as(Post(turn, thread, channel, ts, ts), post.shown, channel=channel, message=ts)
        await desk.posts.keep(fresh, opened=True)
        await desk.conversations.remember(thread, placed(node, fresh.references(), ts), messages=(ts,))
        return fresh
