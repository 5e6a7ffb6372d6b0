"""Opening forms, and taking on what comes back. A trigger lives for three seconds, so a form opens before all else."""

from dataclasses import dataclass, replace
from typing import Any

from adapters.slack import forms
from adapters.slack.actions import Form
from adapters.slack.desk import Actor, Desk, Wish, channel_key, declined_gone
from adapters.slack.forms import Context
from adapters.slack.posts import Post, short_key
from adapters.slack.render import Block
from core.errors import Declined
from core.turns import ImageRef, Operation, Reference, TurnId


@dataclass(frozen=True, slots=True)
class Opening:
    """What lets a form be opened, and where whoever did so can be answered (empty where they cannot)."""

    trigger: str
    answer_at: str = ""

    @classmethod
    def by(cls, body: dict[str, Any]) -> "Opening":
        """What an interaction allows."""
        return cls(str(body.get("trigger_id") or ""), str(body.get("response_url") or ""))

    @property
    def name(self) -> str:
        """What the address is kept by; a trigger is nobody's business."""
        return short_key(TurnId(self.trigger)) if self.answer_at else ""


class Modals:
    """The forms for making and for editing a picture."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def imagine(
        self,
        actor: Actor,
        opening: Opening,
        *,
        channel: str = "",
        thread: str = "",
        references: tuple[Reference, ...] = (),
    ) -> None:
        """Open the form for a new picture; without a channel it asks for one. Raises `Refused`."""
        desk, locale = self._desk, actor.locale
        usual = await desk.settings.defaults(actor.person)
        blocks: list[Block] = [forms.prompt_field(locale), *forms.given_files(locale, references)]
        blocks += [
            forms.files_field(locale),
            forms.ratio_field(locale, await desk.ratios(desk.usual_model(actor, usual, channel))),
            forms.count_field(locale, desk.offers.most_images),
            forms.model_field(locale, await desk.models(actor.workspace)),
            *forms.style_field(locale, await desk.librarian.style_names(actor.person, channel)),
            forms.private_field(locale),
        ]
        if not channel:
            blocks.append(forms.channel_field(locale))
        context = Context(channel, thread, answer=opening.name, references=references)
        view = forms.modal(Form.IMAGINE, locale, "slack.form_title", context, *blocks)
        await self._open(actor, opening, view)

    async def edit(self, actor: Actor, opening: Opening, post: Post) -> None:
        """Open the form for an edit of a turn's picture. Raises `Refused`, and `Declined` where it may not be."""
        desk, locale = self._desk, actor.locale
        (await desk.settings.of(actor.workspace)).check_editor(post.turn, actor.person, actor.profile)
        context = Context(key=short_key(post.turn.id), answer=opening.name)
        asked = post.turn.options.model
        where = channel_key(actor.workspace, post.channel)
        ratios = await desk.ratios(desk.intake.current(asked) if asked else desk.intake.usual(where))
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
        await self._open(actor, opening, view)

    async def open(self, actor: Actor, trigger: str, view: Block) -> None:
        """Open a form for a trigger."""
        await self._desk.api.call(actor.workspace, "views.open", trigger_id=trigger, view=view)

    async def _open(self, actor: Actor, opening: Opening, view: Block) -> None:
        await self.open(actor, opening.trigger, view)
        await self._desk.chat.response_urls.keep(opening.name, opening.answer_at)

    async def submitted(self, actor: Actor, body: dict[str, Any]) -> str:
        """Take on what was filled in. Raises `Declined`."""
        view, event = body.get("view") or {}, str(body.get("trigger_id") or "")
        context = Context.read(str(view.get("private_metadata") or ""))
        given = next((str(one.get("response_url") or "") for one in body.get("response_urls") or ()), "")
        url = given or (await self._desk.chat.response_urls.of(context.answer) if context.answer else "")
        if view.get("callback_id") == Form.EDIT:
            return await self._edited(actor, context, view, event, url)
        filled = forms.filled(view, context)
        if not filled.channel:
            raise Declined("slack.no_channel")
        thread = channel_key(actor.workspace, filled.channel, context.thread)
        wish = Wish(event, thread, filled.prompt, filled.options, filled.references)
        await self._desk.ask(actor, wish, url)
        return ""

    async def _edited(self, actor: Actor, context: Context, view: dict[str, Any], event: str, url: str) -> str:
        filled, post = forms.filled(view, context), await self._desk.posts.by_key(actor.workspace, context.key)
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
        await self._desk.ask(actor, wish, url)
        return ""
