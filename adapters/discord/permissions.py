"""Who may do what, where."""

from collections.abc import Iterable
from functools import reduce
from operator import or_

from adapters.discord.events import Channel, Roles
from adapters.discord.posts import Place
from adapters.discord.settings import AgeRestricted, Editors, ServerSettings
from core.errors import Declined
from core.turns import Person, Turn

ADMINISTRATOR, MANAGE_SERVER, MANAGE_MESSAGES = 1 << 3, 1 << 5, 1 << 13
VIEW, SEND, READ_BACK, SEND_IN_THREADS = 1 << 10, 1 << 11, 1 << 16, 1 << 38
ALL = (1 << 64) - 1

NEEDED = {
    "View Channels": VIEW,
    "Send Messages": SEND,
    "Embed Links": 1 << 14,
    "Attach Files": 1 << 15,
    "Read Message History": READ_BACK,
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


def reads_back(permissions: int) -> bool:
    """Whether somebody with these permissions may read what was written before they came."""
    return bool(permissions & ADMINISTRATOR) or permissions & (VIEW | READ_BACK) == VIEW | READ_BACK


def permissions_in(channel: Channel, server: Roles, user: str, roles: Iterable[str]) -> int:
    """What a member with these roles may do in a channel that is no thread, in the order in which Discord counts it."""
    own = {server.id, *roles}
    permissions = _union(role.permissions for role in server.roles if role.id in own)
    if user == server.owner_id or permissions & ADMINISTRATOR:
        return ALL
    for concerned in ({server.id}, own - {server.id}, {user}):
        overwrites = [one for one in channel.permission_overwrites if one.id in concerned]
        permissions = permissions & ~_union(one.deny for one in overwrites) | _union(one.allow for one in overwrites)
    return permissions


def _union(permissions: Iterable[int]) -> int:
    return reduce(or_, permissions, 0)


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
