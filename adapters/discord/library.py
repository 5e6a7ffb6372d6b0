"""Saved pictures and styles: /imagine-library, /imagine-styles, and the form that names a picture of any message."""

from collections.abc import Mapping
from typing import Any

from adapters.discord.answers import Answer, Said
from adapters.discord.components import Component, form, labelled, select, short_input
from adapters.discord.desk import Desk, person_of, place_of, references_of
from adapters.discord.events import Attachment, Interaction
from adapters.discord.forms import fields_of, held, hold
from adapters.discord.permissions import check_editor, moderates
from adapters.discord.posts import Post, key_of
from adapters.discord.words import CONTENT_CHARACTERS, plain, with_channels
from core.errors import Declined
from core.librarian import Fetch, Librarian, Visitor
from core.names import NAME_CHARACTERS
from core.replies import say
from core.turns import Reference

SAVE = "save"
"""What the form that saves a picture is called by."""


def librarian_of(desk: Desk) -> Librarian:
    """Who keeps the library."""
    wording = desk.intake.wording
    return Librarian(wording.library, wording.styles)


async def visitor_of(desk: Desk, interaction: Interaction) -> Visitor:
    """Who asks; in direct messages everybody has a library of their own."""
    settings = await desk.settings.of(interaction.guild_id)
    alone, member = interaction.guild_id is None, interaction.member
    return Visitor(
        person_of(interaction),
        place_of(interaction).root,
        interaction.locale,
        moderator=alone or moderates(interaction.permissions),
        rule=settings.access(member.roles if member else ()),
        place=lambda channel: "" if alone else f"<#{channel}>",
    )


async def keep_pictures(desk: Desk, interaction: Interaction, options: Mapping[str, Any]) -> Said:
    """/imagine-library."""
    del options
    (verb, given), who = subcommand(interaction), await visitor_of(desk, interaction)
    librarian, name = librarian_of(desk), str(given.get("name", ""))
    match verb:
        case "save":
            _check_at_home(interaction)
            files = interaction.data.get("resolved", {}).get("attachments", {})
            picture = references_of([Attachment.model_validate(files[str(given["picture"])])])[0]
            said = await librarian.save(who, name, _fetching(desk, interaction, picture))
        case "remove":
            _check_at_home(interaction)
            said = await librarian.remove(who, name)
        case _:
            said = await librarian.list_pictures(who, room=CONTENT_CHARACTERS, size=_size)
    return Said(plain(said))


async def keep_styles(desk: Desk, interaction: Interaction, options: Mapping[str, Any]) -> Said:
    """/imagine-styles."""
    del options
    (verb, given), who = subcommand(interaction), await visitor_of(desk, interaction)
    librarian, name = librarian_of(desk), str(given.get("name", ""))
    if verb in ("save", "remove", "usual"):
        _check_at_home(interaction)
    match verb:
        case "save":
            said = await librarian.save_style(who, name, str(given.get("words", "")), here=bool(given.get("here")))
        case "remove":
            said = await librarian.remove_style(who, name)
        case "usual":
            said = await librarian.set_default(who, name)
        case "show":
            said = await librarian.show_style(who, name)
        case _:
            said = await librarian.list_styles(who, room=CONTENT_CHARACTERS, size=_size)
    return Said(_written(said))


async def suggestions(desk: Desk, interaction: Interaction, focused: str) -> list[str] | None:
    """The names that can be typed for an option; None where it takes none of ours."""
    person, librarian = person_of(interaction), librarian_of(desk)
    command = interaction.data.get("name")
    if command == "imagine-library":
        return await librarian.names(person)
    if focused == "style" or command == "imagine-styles":
        return await librarian.style_names(person, place_of(interaction).root)
    return None


async def save_form(
    desk: Desk, references: tuple[Reference, ...], post: Post | None, interaction: Interaction
) -> Component:
    """The form that asks for a name. Raises `Declined` for who may not save, and a picture that is kept for others."""
    _check_at_home(interaction)
    (await visitor_of(desk, interaction)).check_saver()
    if post is not None:
        settings = await desk.settings.of(interaction.guild_id)
        check_editor(settings, post.turn, person_of(interaction), moderator=moderates(interaction.permissions))
    await hold(desk, references, interaction)
    locale = interaction.locale
    name = short_input("name", placeholder=say(locale, "library.name_example"), limit=NAME_CHARACTERS + 1)
    fields = [labelled(say(locale, "library.form_name"), name)]
    if len(references) > 1:
        numbers = [str(number) for number in range(1, len(references) + 1)]
        which = select("which", "1", numbers) | {"required": False, "min_values": 0, "max_values": 1}
        fields.append(labelled(say(locale, "discord.form_which"), which))
    return form(f"{SAVE}:{interaction.id}", say(locale, "library.form_title"), *fields)


def saves(interaction: Interaction) -> bool:
    """Whether a form that was sent is the one that names a picture."""
    return str(interaction.data.get("custom_id", "")).startswith(f"{SAVE}:")


async def on_save_form(desk: Desk, interaction: Interaction) -> None:
    """Save what the form names."""
    await Answer(desk.rest, interaction).prompt(_submitted(desk, interaction))


async def _submitted(desk: Desk, interaction: Interaction) -> Said:
    _, _, name = str(interaction.data.get("custom_id", "")).partition(":")
    references, fields = await held(desk, interaction, name), fields_of(interaction.data)
    which = int(next(iter(fields.get("which") or ()), "1")) - 1
    picture = references[min(max(0, which), len(references) - 1)]
    who = await visitor_of(desk, interaction)
    fetch = _fetching(desk, interaction, picture)
    return Said(plain(await librarian_of(desk).save(who, str(fields.get("name") or ""), fetch)))


def subcommand(interaction: Interaction) -> tuple[str, dict[str, Any]]:
    """Which of a command's own commands was given, and its options by name."""
    given: dict[str, Any] = next(iter(interaction.data.get("options") or ()), {})
    return str(given.get("name", "")), {str(item["name"]): item.get("value") for item in given.get("options") or ()}


def _fetching(desk: Desk, interaction: Interaction, picture: Reference) -> Fetch:
    place, person = place_of(interaction), person_of(interaction)

    async def fetch() -> bytes:
        return await desk.chat.fetch(picture, key_of(place, person.workspace))

    return fetch


def _written(text: str) -> str:
    return with_channels(plain(text))


def _size(text: str) -> int:
    return len(_written(text))


def _check_at_home(interaction: Interaction) -> None:
    """Nothing can be kept for a server that we are not on: nobody there could ever be asked to remove it."""
    if interaction.visiting and interaction.guild_id is not None:
        raise Declined("library.not_on_this_server")
