"""Opening forms, and taking on what comes back. A trigger lives for three seconds, so a form opens before all else."""

from dataclasses import replace
from typing import Any

from adapters.slack import forms
from adapters.slack.actions import Form
from adapters.slack.desk import Actor, Desk, Wish, channel_key, declined_gone
from adapters.slack.forms import Context
from adapters.slack.posts import Post, short_key
from adapters.slack.render import Block
from core.errors import Declined
from core.turns import ImageRef, Operation, Reference


class Modals:
    """The forms for making and for editing a picture."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def imagine(
        self, actor: Actor, trigger: str, *, channel: str = "", thread: str = "", references: tuple[Reference, ...] = ()
    ) -> None:
        """Open the form for a new picture; without a channel it asks for one. Raises `Refused`."""
        desk, locale = self._desk, actor.locale
        blocks: list[Block] = [forms.prompt_field(locale), *forms.given_files(locale, references)]
        blocks += [
            forms.files_field(locale),
            forms.ratio_field(locale, await desk.offers.ratios()),
            forms.count_field(locale, desk.offers.most_images),
            forms.model_field(locale, await desk.offers.models()),
            forms.private_field(locale),
        ]
        if not channel:
            blocks.append(forms.channel_field(locale))
        context = Context(channel, thread, references=references)
        view = forms.modal(Form.IMAGINE, locale, "slack.form_title", context, *blocks)
        await self.open(actor, trigger, view)

    async def edit(self, actor: Actor, trigger: str, post: Post) -> None:
        """Open the form for an edit of a turn's picture. Raises `Refused`, and `Declined` where it may not be."""
        desk, locale = self._desk, actor.locale
        (await desk.settings.of(actor.workspace)).check_editor(post.turn, actor.person, actor.profile)
        context = Context(key=short_key(post.turn.id))
        ratios = await desk.offers.ratios(post.turn.options.model or "")
        view = forms.modal(
            Form.EDIT,
            locale,
            "slack.form_edit",
            context,
            *forms.which_field(locale, len(post.shown)),
            forms.prompt_field(locale),
            forms.files_field(locale),
            forms.ratio_field(locale, ratios),
        )
        await self.open(actor, trigger, view)

    async def open(self, actor: Actor, trigger: str, view: Block) -> None:
        """Open a form for a trigger."""
        await self._desk.api.call(actor.workspace, "views.open", trigger_id=trigger, view=view)

    async def submitted(self, actor: Actor, view: dict[str, Any], event: str) -> str:
        """Take on what was filled in. Raises `Declined`."""
        context = Context.read(str(view.get("private_metadata") or ""))
        if view.get("callback_id") == Form.EDIT:
            return await self._edited(actor, context, view, event)
        filled = forms.filled(view, context)
        if not filled.channel:
            raise Declined("slack.no_channel")
        thread = channel_key(actor.workspace, filled.channel, context.thread)
        wish = Wish(event, thread, filled.prompt, filled.options, filled.references)
        await self._desk.ask(actor, wish)
        return ""

    async def _edited(self, actor: Actor, context: Context, view: dict[str, Any], event: str) -> str:
        filled, post = forms.filled(view, context), await self._desk.posts.by_key(context.key)
        if post is None:
            raise declined_gone()
        wish = Wish(
            event=event,
            thread=post.conversation,
            prompt=filled.prompt,
            options=replace(filled.options, count=1),
            references=filled.references,
            operation=Operation.EDIT,
            parent=ImageRef(post.turn.id, filled.which),
            of=post,
        )
        await self._desk.ask(actor, wish)
        return ""
