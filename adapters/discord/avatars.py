"""Avatars: of people whom a prompt mentions, or whose menu was used, unless they do not want that."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.discord.answers import Said, sentence
from adapters.discord.desk import DIRECT, Desk, person_of
from adapters.discord.events import Interaction, User
from adapters.discord.pictures import LOOSE
from adapters.discord.rest import Refused
from core.errors import Declined, PlatformBusy
from core.turns import Person, Reference, Source

AVATAR_SIZE = 1024
MOST_MENTIONED = 10
_MENTION = re.compile(r"<@!?(\d{1,20})>")
_USER = "/users/{user_id}"


def mentions_somebody(words: str) -> bool:
    """Whether words mention people, whose avatars may go along."""
    return _MENTION.search(words) is not None


async def mentioned(
    desk: Desk, prompt: str, guild: str | None, known: Sequence[User] = ()
) -> tuple[str, tuple[Reference, ...]]:
    """The prompt with names for mentions, and the avatars of the mentioned where operator and server let them along.

    `known` are those whom Discord has told of already. Who refuses, or has none, is named when the turn is prepared.
    """
    ids = list(dict.fromkeys(_MENTION.findall(prompt)))[:MOST_MENTIONED]
    users = {user.id: user for user in known}
    found = [user for one in ids if (user := users.get(one) or await _looked_up(desk, one))]
    names = {user.id: user.name for user in found}
    words = _MENTION.sub(lambda mention: names.get(mention[1], mention[0]), prompt)
    if not found or not desk.avatars.mentioned or not (await desk.settings.of(guild)).avatars:
        return words, ()
    return words, tuple([await _avatar(desk, user, guild, Source.AVATAR) for user in found])


async def of_menu(desk: Desk, user: User, guild: str | None) -> Reference:
    """The avatar of somebody whose menu was used. Raises `Declined` where it is not to be had."""
    reference = await _avatar(desk, user, guild, Source.GIVEN)
    if reference.refused:
        name = "discord.no_avatar" if reference.refused == "no_avatar" else "discord.avatar_refused"
        raise Declined(name, {"name": user.name})
    return reference


async def say_about_mine(desk: Desk, interaction: Interaction, options: Mapping[str, Any]) -> Said:
    """/imagine-avatar: whether one's own avatar may be worked from on this server."""
    person, allow = person_of(interaction), bool(options.get("allow", True))
    await (desk.avatars.allow(person) if allow else desk.avatars.refuse(person))
    return sentence(interaction.locale, "discord.avatar_on" if allow else "discord.avatar_off")


async def _avatar(desk: Desk, user: User, guild: str | None, source: Source) -> Reference:
    refused = "" if user.avatar else "no_avatar"
    if not await desk.avatars.allows(Person("discord", guild or DIRECT, user.id)):
        refused = "avatar_refused"
    url = f"{desk.cdn}/avatars/{user.id}/{user.avatar}.png?size={AVATAR_SIZE}"
    return Reference(f"{user.name}.png", url, "", LOOSE, user.avatar or "", source, user.name, refused, user.id)


async def _looked_up(desk: Desk, user: str) -> User | None:
    try:
        return User.model_validate(await desk.rest.call("GET", _USER, user_id=user))
    except (Refused, PlatformBusy):
        return None
