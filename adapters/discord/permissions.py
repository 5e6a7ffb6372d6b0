"""Who may do what, where."""

from adapters.discord.posts import Place
from adapters.discord.settings import AgeRestricted, Editors, ServerSettings
from core.errors import Declined
from core.turns import Person, Turn

ADMINISTRATOR, MANAGE_SERVER, MANAGE_MESSAGES = 1 << 3, 1 << 5, 1 << 13
VIEW, SEND, SEND_IN_THREADS = 1 << 10, 1 << 11, 1 << 38

NEEDED = {
    "View Channels": VIEW,
    "Send Messages": SEND,
    "Embed Links": 1 << 14,
    "Attach Files": 1 << 15,
    "Read Message History": 1 << 16,
    "Create Public Threads": 1 << 35,
    "Send Messages in Threads": SEND_IN_THREADS,
}
"""What the bot is invited with, by the names of Discord's own screen."""


def moderates(permissions: int) -> bool:
    """Whether somebody with these permissions may act on other people's turns."""
    return bool(permissions & (ADMINISTRATOR | MANAGE_MESSAGES))


def manages(permissions: int) -> bool:
    """Whether somebody with these permissions decides for the server."""
    return bool(permissions & (ADMINISTRATOR | MANAGE_SERVER))


def writes(permissions: int, place: Place) -> bool:
    """Whether we, with these permissions, may post in a place."""
    needed = VIEW | (SEND_IN_THREADS if place.parent else SEND)
    return place.direct or bool(permissions & ADMINISTRATOR) or permissions & needed == needed


def check_place(settings: ServerSettings, place: Place) -> None:
    """Raise `Declined` where the server does not want us."""
    if place.direct:
        return
    if place.root in settings.off or (settings.only and place.root not in settings.only):
        raise Declined("discord.channel_off")
    if settings.age_restricted is AgeRestricted.ONLY and not place.age_restricted:
        raise Declined("discord.only_age_restricted")
    if settings.age_restricted is AgeRestricted.NEVER and place.age_restricted:
        raise Declined("discord.never_age_restricted")


def check_editor(settings: ServerSettings, turn: Turn, person: Person, *, moderator: bool) -> None:
    """Raise `Declined` where the server keeps this picture for others to edit."""
    if moderator or settings.editors is Editors.ANYONE:
        return
    if settings.editors is Editors.ASKER and turn.author.user == person.user:
        return
    name = "discord.editors_asker" if settings.editors is Editors.ASKER else "discord.editors_moderators"
    raise Declined(name, {"name": turn.author.name})


def check_owner(turn: Turn, person: Person, *, moderator: bool) -> None:
    """Raise `Declined` unless the picture is the person's own, or they moderate."""
    if turn.author.user != person.user and not moderator:
        raise Declined("declined.not_yours", {"name": turn.author.name})
