"""Going back and branching: sheets of how pictures came to be, comparisons, an older picture made current, forks."""

from dataclasses import replace
from typing import Any

from adapters.slack import forms, render
from adapters.slack.actions import PLATFORM, Form, More
from adapters.slack.desk import Actor, Desk, channel_key, declined_gone
from adapters.slack.forms import Context
from adapters.slack.modals import Modals
from adapters.slack.posts import Post, short_key
from adapters.slack.sharing import QUOTED_CHARACTERS, Sharing
from adapters.slack.text import one_line
from core.errors import Declined
from core.replies import say
from core.tree import Drawn, words_of
from core.turns import ImageRef, TurnId, turn_id


class History:
    """What can be done in the tree of a conversation. Every method raises `Declined` with the sentence to say."""

    def __init__(self, desk: Desk, modals: Modals, sharing: Sharing) -> None:
        self._desk = desk
        self._modals = modals
        self._sharing = sharing

    async def chosen(self, actor: Actor, post: Post, what: str, *, trigger: str, event: str) -> str:
        """Do what was chosen from the menu under a picture; of several pictures, ask which one first."""
        match what:
            case More.COMPARE_WITH:
                await self._ask_other(actor, post, trigger)
            case More.FORK_TO:
                await self._ask_where(actor, post, trigger)
            case _ if len(post.shown) > 1:
                await self._ask_which(actor, post, what, trigger)
            case _:
                await self._do(actor, post, what, ImageRef(post.turn.id), event)
        return ""

    async def which_chosen(self, actor: Actor, view: dict[str, Any], event: str) -> str:
        """Do what was chosen from the menu with the picture that was chosen in the form."""
        post = await self._post_of(actor, view)
        what, _, index = forms.chosen(view, "which").partition(":")
        if not index.isdecimal():
            raise declined_gone()
        await self._do(actor, post, what, ImageRef(post.turn.id, int(index)), event)
        return ""

    async def _do(self, actor: Actor, post: Post, what: str, image: ImageRef, event: str) -> None:
        match what:
            case More.PATH:
                drawn = await self._desk.tree.path(post.conversation, image, self._desk.chat.fetch, actor.locale)
                await self._show(actor, post, drawn, event)
            case More.COMPARE:
                await self._compare(actor, post, image, None, event)
            case More.RESTORE:
                await self._check_editor(actor, post)
                back = await self._desk.tree.restore(post.conversation, image, event=event)
                await self._sharing.show_again(actor, post, back, event)
            case _:
                raise declined_gone()

    async def undo(self, actor: Actor, post: Post, *, event: str) -> None:
        """Go back to the picture that this one was made from."""
        await self._check_editor(actor, post)
        back = await self._desk.tree.undo(post.conversation, post.turn.id, event=event)
        await self._sharing.show_again(actor, post, back, event)

    async def compared(self, actor: Actor, view: dict[str, Any], event: str) -> str:
        """Compare with the picture that was chosen in the form."""
        post = await self._post_of(actor, view)
        index, _, name = forms.chosen(view, "picture").partition(":")
        other = await self._desk.posts.by_key(actor.workspace, name)
        if other is None or not index.isdigit() or other.conversation != post.conversation:
            raise declined_gone()
        image = ImageRef(post.turn.id, forms.filled(view, Context()).which)
        await self._compare(actor, post, image, ImageRef(other.turn.id, int(index)), event)
        return ""

    async def forked(self, actor: Actor, view: dict[str, Any], event: str) -> str:
        """Begin a thread in the chosen channel with a copy of the picture, and say in the old one where that is."""
        desk, post = self._desk, await self._post_of(actor, view)
        filled = forms.filled(view, Context())
        channel = filled.channel
        (await desk.settings.of(actor.workspace)).check_place(channel)
        await self._check_editor(actor, post)
        if not channel or not post.shown or post.turn.options.private:
            raise Declined("tree.private")
        name = turn_id(PLATFORM, actor.workspace, event)
        image, here = ImageRef(post.turn.id, filled.which), post.conversation
        node = await desk.tree.fork(here, image, as_turn=name, shared=channel == here.channel == post.channel)
        place = channel_key(actor.workspace, channel)
        options = replace(post.turn.options, count=1)
        copied = post.turn.without_parent()
        turn = replace(copied, id=name, options=options, reply_to="", thread=place, address={})
        post = replace(post, shown=post.shown[filled.which : filled.which + 1])
        note = say(actor.locale, "tree.branched_from", name=actor.profile.name)
        begun = await self._sharing.begin(post, turn, node, event, notes=(note,))
        link = await desk.api.call(actor.workspace, "chat.getPermalink", channel=channel, message_ts=begun.message)
        words = say(
            actor.locale,
            "tree.branched",
            name=one_line(actor.profile.name, QUOTED_CHARACTERS),
            prompt=one_line(words_of(node, actor.locale), QUOTED_CHARACTERS),
            place="\n",
        )
        body = render.message(" ".join(words.split()), render.linked(words, str(link["permalink"])))
        await desk.poster.once(
            short_key(name), "branched", actor.workspace, post.channel, body, thread=post.root, locale=actor.locale
        )
        return ""

    async def _compare(self, actor: Actor, post: Post, image: ImageRef, other: ImageRef | None, event: str) -> None:
        desk = self._desk
        drawn = await desk.tree.compare(post.conversation, image, other, desk.chat.fetch, actor.locale)
        await self._show(actor, post, drawn, event)

    async def _ask_which(self, actor: Actor, post: Post, what: str, trigger: str) -> None:
        named = [(f"#{index + 1}", f"{what}:{index}") for index in range(len(post.shown))]
        field = forms.field("which", say(actor.locale, "slack.form_which"), forms.menu(named))
        context = Context(key=short_key(post.turn.id))
        await self._modals.open(actor, trigger, forms.modal(Form.WHICH, actor.locale, f"button.{what}", context, field))

    async def _ask_other(self, actor: Actor, post: Post, trigger: str) -> None:
        alone = ImageRef(post.turn.id) if len(post.shown) == 1 else None
        choices = [choice for choice in await self._desk.tree.choices(post.conversation) if choice.image != alone]
        if not choices:
            raise Declined("tree.nothing_before")
        named = [(one.label(actor.locale), f"{one.image.index}:{short_key(one.image.node)}") for one in choices]
        field = forms.field("picture", say(actor.locale, "tree.choose"), forms.menu(named))
        which = forms.which_field(actor.locale, len(post.shown))
        context = Context(key=short_key(post.turn.id))
        view = forms.modal(Form.COMPARE, actor.locale, "tree.compare_title", context, *which, field)
        await self._modals.open(actor, trigger, view)

    async def _ask_where(self, actor: Actor, post: Post, trigger: str) -> None:
        await self._check_editor(actor, post)
        field = forms.channel_field(actor.locale, post.channel)
        which = forms.which_field(actor.locale, len(post.shown))
        context = Context(key=short_key(post.turn.id))
        view = forms.modal(Form.FORK, actor.locale, "tree.where", context, *which, field)
        await self._modals.open(actor, trigger, view)

    async def _show(self, actor: Actor, post: Post, drawn: Drawn, event: str) -> None:
        """Post a sheet in the thread, once for each event."""
        desk, workspace, name = self._desk, actor.workspace, short_key(TurnId(event))
        shown = await desk.chat.uploads.bring(name, workspace, (drawn.image,))
        body = render.message(drawn.words)
        ts = await desk.poster.once(name, "sheet", workspace, post.channel, body, thread=post.root, locale=actor.locale)
        given = {key: value for key, value in body.items() if not key.startswith("unfurl")}
        files = [one.file for one in shown]
        await desk.api.call(workspace, "chat.update", channel=post.channel, ts=ts, file_ids=files, **given)

    async def _check_editor(self, actor: Actor, post: Post) -> None:
        settings = await self._desk.settings.of(actor.workspace)
        settings.check_editor(post.turn, actor.person, actor.profile)

    async def _post_of(self, actor: Actor, view: dict[str, Any]) -> Post:
        context = Context.read(str(view.get("private_metadata") or ""))
        post = await self._desk.posts.by_key(actor.workspace, context.key)
        if post is None:
            raise declined_gone()
        return post
