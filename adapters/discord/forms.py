"""The forms: what to change about a picture, or what to make of one that somebody pointed at.

discord:form:<user>:<event>   JSON list of references, kept for an hour while a person's form is open
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from adapters.discord.answers import Answer, Said
from adapters.discord.components import Action, Component, control_id, file_upload, form, labelled, select, text_input
from adapters.discord.desk import Desk, Wish, person_of, references_of
from adapters.discord.events import Attachment, Interaction
from adapters.discord.permissions import check_editor, moderates
from adapters.discord.posts import Post
from core.commands import parse
from core.errors import Declined
from core.packing import key
from core.replies import say
from core.turns import ImageRef, Operation, Options, Reference

FORM_SECONDS = 3600
MOST_FILES = 3
ASK = "ask"

_REFERENCES: TypeAdapter[tuple[Reference, ...]] = TypeAdapter(tuple[Reference, ...])


async def edit_form(desk: Desk, name: str, interaction: Interaction) -> Component:
    """The form that asks what to change. Raises `Declined` where that is not for this person."""
    post = await desk.post_of(interaction, name)
    settings = await desk.settings.of(interaction.guild_id)
    check_editor(settings, post.turn, person_of(interaction), moderator=moderates(interaction.permissions))
    return await _form(desk, control_id(Action.EDIT, name), "discord.form_edit", interaction, post)


async def ask_form(desk: Desk, references: tuple[Reference, ...], interaction: Interaction) -> Component:
    """The form that asks what to make of pictures that somebody pointed at."""
    await hold(desk, references, interaction)
    return await _form(desk, f"{ASK}:{interaction.id}", "discord.form_reference", interaction, None)


async def hold(desk: Desk, references: tuple[Reference, ...], interaction: Interaction) -> None:
    """Keep what a form is about while it is open."""
    name = key("discord", "form", interaction.person.id, interaction.id)
    await desk.posts.redis.set(name, _REFERENCES.dump_json(references), ex=FORM_SECONDS)


async def held(desk: Desk, interaction: Interaction, name: str) -> tuple[Reference, ...]:
    """What a form is about, for the person who opened it. Raises `Declined` when that was too long ago."""
    found = await desk.posts.redis.get(key("discord", "form", interaction.person.id, name))
    if not found:
        raise Declined("discord.form_gone")
    return _REFERENCES.validate_json(found)


async def _form(desk: Desk, custom_id: str, title: str, interaction: Interaction, post: Post | None) -> Component:
    locale = interaction.locale
    asked = post.turn.options.model if post else None
    model = await desk.intake.current(asked) if asked else await desk.usual_model(interaction)
    ratios = (await desk.provider.capabilities(model)).aspect_ratios
    fields = [
        labelled(
            say(locale, "discord.form_prompt"),
            text_input("prompt", placeholder=say(locale, "discord.form_prompt_example")),
        ),
        labelled(say(locale, "discord.form_files"), file_upload("files", MOST_FILES)),
        labelled(say(locale, "button.ratio"), _optional(select("ratio", say(locale, "discord.form_as_it_is"), ratios))),
    ]
    if post and post.turn.options.count > 1:
        numbers = [str(number) for number in range(1, post.turn.options.count + 1)]
        which = _optional(select("which", "1", numbers))
        fields.append(labelled(say(locale, "discord.form_which"), which))
    return form(custom_id, say(locale, title), *fields)


def _optional(menu: Component) -> Component:
    return menu | {"required": False, "min_values": 0, "max_values": 1}


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it was sent."""

    prompt: str
    ratio: str | None
    which: int
    references: tuple[Reference, ...]


async def on_form(desk: Desk, interaction: Interaction) -> None:
    """Take on what a form asks for."""
    answer = Answer(desk.rest, interaction)
    private = interaction.message is not None and interaction.message.private
    if private or interaction.visiting:
        await answer.defer(private=private)
    await answer.prompt(_submitted(desk, interaction, private=private))


async def _submitted(desk: Desk, interaction: Interaction, *, private: bool) -> Said:
    kind, _, name = str(interaction.data.get("custom_id", "")).partition(":")
    filled = read(interaction.data)
    prompt, typed = parse(filled.prompt)
    options = Options(
        aspect_ratio=filled.ratio or typed.aspect_ratio,
        count=typed.count,
        model=typed.model,
        size=typed.size,
        style=typed.style,
        private=private,
    )
    if kind == ASK:
        pointed_at = await held(desk, interaction, name)
        return await desk.ask(interaction, Wish(prompt, options, (*pointed_at, *filled.references)))
    post = await desk.post_of(interaction, name)
    parent = ImageRef(post.turn.id, filled.which)
    return await desk.ask(interaction, Wish(prompt, options, filled.references, Operation.EDIT, parent, of=post))


def fields_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a form by name: words, or the list of what was chosen."""
    fields: dict[str, Any] = {}
    for outer in data.get("components") or ():
        inner: dict[str, Any] = outer.get("component") or next(iter(outer.get("components") or ()), {})
        fields[str(inner.get("custom_id"))] = inner.get("values", inner.get("value"))
    return fields


def read(data: Mapping[str, Any]) -> Filled:
    """What was filled in."""
    fields = fields_of(data)
    files = data.get("resolved", {}).get("attachments", {})
    attached = [Attachment.model_validate(files[name]) for name in fields.get("files") or () if name in files]
    which = next(iter(fields.get("which") or ()), "1")
    return Filled(
        prompt=str(fields.get("prompt") or ""),
        ratio=next(iter(fields.get("ratio") or ()), None),
        which=int(which) - 1,
        references=references_of(attached),
    )
