"""The entries in the menus of messages and people: Discord shows us what they point at, whatever else it hides."""

from adapters.discord.answers import Answer, sentence
from adapters.discord.avatars import of_menu
from adapters.discord.components import Component
from adapters.discord.desk import Desk
from adapters.discord.events import Interaction, Message, User
from adapters.discord.forms import ask_form, edit_form
from adapters.discord.gathering import pictures_of
from adapters.discord.history import path_of_message
from adapters.discord.library import save_form
from adapters.discord.posts import short_key
from core.errors import Declined
from core.turns import Reference

EDIT_IMAGE, USE_AS_REFERENCE, USE_AVATAR = "Edit this image", "Use as reference", "Use avatar as reference"
SAVE_AS_REFERENCE = "Save as reference…"
HISTORY = "How it came to be"


async def on_menu(desk: Desk, interaction: Interaction) -> None:
    """Answer an entry of a message's or a person's menu with a form."""
    answer = Answer(desk.rest, interaction)
    match interaction.data.get("name"):
        case name if name == EDIT_IMAGE:
            await answer.open_form(_edit(desk, interaction))
        case name if name == USE_AS_REFERENCE:
            await answer.open_form(_reference(desk, interaction))
        case name if name == SAVE_AS_REFERENCE:
            await answer.open_form(_save(desk, interaction))
        case name if name == USE_AVATAR:
            await answer.open_form(_avatar(desk, interaction))
        case name if name == HISTORY:
            await answer.prompt(path_of_message(desk, interaction, _message(interaction)))
        case _:
            await answer.say(sentence(interaction.locale, "discord.unknown_command"))


async def _edit(desk: Desk, interaction: Interaction) -> Component:
    message = _message(interaction)
    post = await desk.posts.by_message(message.id)
    if post is not None and message.author.id == desk.rest.user:
        return await edit_form(desk, short_key(post.turn.id), interaction)
    return await ask_form(desk, _pictures(message), interaction)


async def _reference(desk: Desk, interaction: Interaction) -> Component:
    return await ask_form(desk, _pictures(_message(interaction)), interaction)


async def _save(desk: Desk, interaction: Interaction) -> Component:
    message = _message(interaction)
    post = await desk.posts.by_message(message.id) if message.author.id == desk.rest.user else None
    return await save_form(desk, _pictures(message), post, interaction)


async def _avatar(desk: Desk, interaction: Interaction) -> Component:
    target = str(interaction.data.get("target_id"))
    user = User.model_validate(interaction.data.get("resolved", {}).get("users", {}).get(target, {"id": target}))
    return await ask_form(desk, (await of_menu(desk, user, interaction.guild_id),), interaction)


def _message(interaction: Interaction) -> Message:
    messages = interaction.data.get("resolved", {}).get("messages", {})
    return Message.model_validate(messages[str(interaction.data["target_id"])])


def _pictures(message: Message) -> tuple[Reference, ...]:
    pictures = pictures_of(message)
    if not pictures:
        raise Declined("discord.no_picture_there")
    return pictures
