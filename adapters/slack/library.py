"""Saved pictures and styles: typed to us, named from the menu of any message, and listed in App Home."""

from dataclasses import replace
from typing import Any

from adapters.slack import forms, render
from adapters.slack.actions import Form, HomeAction
from adapters.slack.desk import Actor, Desk, channel_key
from adapters.slack.forms import Context
from adapters.slack.modals import Modals, Opening
from adapters.slack.posts import Post
from adapters.slack.render import Block
from core.errors import Declined
from core.librarian import Fetch, Visitor, picture_line
from core.names import NAME_CHARACTERS
from core.replies import say
from core.turns import Reference, ThreadKey


class Library:
    """What people ask of the library on Slack. Everything may raise `Declined`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._librarian = desk.librarian

    async def answer(
        self, actor: Actor, thread: ThreadKey, words: str, files: tuple[Reference, ...], *, event: str
    ) -> str | None:
        """What to say to typed words; None where they are a prompt. A mention and its message are answered once."""
        if not await self._desk.once(f"library:{event}:{len(files)}"):
            return ""
        fetch = self._fetching(thread, files[0]) if files else _nothing_sent
        return await self._librarian.answer(await self._visitor(actor, thread.channel), words, fetch)

    async def ask_name(
        self, modals: Modals, actor: Actor, opening: Opening, references: tuple[Reference, ...], post: Post | None
    ) -> None:
        """Open the form that asks for a name, for who may save; a stranger may yet turn out to."""
        if not actor.stranger:
            (await self._visitor(actor, references[0].channel)).check_saver()
        settings, locale = await self._desk.settings.of(actor.workspace), actor.locale
        if post:
            settings.check_editor(post.turn, actor.person, actor.profile)
        name = {
            "type": "plain_text_input",
            "max_length": NAME_CHARACTERS + 1,
            "placeholder": render.plain_text(say(locale, "library.name_example"), 150),
        }
        context = Context(references[0].channel, references=references)
        view = forms.modal(
            Form.SAVE,
            locale,
            "library.form_title",
            context,
            forms.field("name", say(locale, "library.form_name"), name),
            *forms.which_field(locale, len(references)),
        )
        await modals.open(actor, opening.trigger, view)

    async def named(self, actor: Actor, view: dict[str, Any]) -> tuple[str, Context]:
        """Save what the form names; gives what to say, and where it was asked."""
        context = Context.read(str(view.get("private_metadata") or ""))
        which = forms.filled(view, context).which
        picture = context.references[min(max(0, which), len(context.references) - 1)]
        fetch = self._fetching(channel_key(actor.workspace, context.channel), picture)
        visitor = await self._visitor(actor, context.channel)
        return await self._librarian.save(visitor, forms.text(view, "name"), fetch), context

    async def remove(self, actor: Actor, name: str) -> str:
        """Remove a saved picture."""
        return await self._librarian.remove(await self._visitor(actor, ""), name)

    async def shown(self, actor: Actor) -> list[Block]:
        """The saved pictures, each with a way to remove it where this person may, and the styles of all channels."""
        visitor, locale = await self._visitor(actor, ""), actor.locale
        rows = []
        for saved in await self._librarian.library.listed(actor.person):
            row = render.paragraph(picture_line(saved, locale))
            if visitor.may_remove(saved):
                remove = render.button(HomeAction.UNSAVE, saved.name, say(locale, "library.remove"))
                row |= {"accessory": remove}
            rows.append(row)
        if not rows:
            rows.append(render.small(say(locale, "library.no_pictures")))
        return [*rows, render.with_channels(await self._librarian.list_styles(replace(visitor, place=_place)))]

    async def _visitor(self, actor: Actor, channel: str) -> Visitor:
        settings = await self._desk.settings.of(actor.workspace)
        rule = settings.access((actor.user,))
        return Visitor(actor.person, channel, actor.locale, moderator=actor.profile.admin, rule=rule)

    def _fetching(self, thread: ThreadKey, picture: Reference) -> Fetch:
        async def fetch() -> bytes:
            return await self._desk.chat.fetch(picture, thread)

        return fetch


def _place(channel: str) -> str:
    """A channel for `render.with_channels`; people's direct messages are their own."""
    return "" if channel.startswith("D") else f"<#{channel}>"


async def _nothing_sent() -> bytes:
    raise Declined("slack.picture_needed")
