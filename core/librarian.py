"""What people ask of the library and the styles, in whatever way, and what they are told.

Anybody may use everything, and list it: of another channel's styles, where they hold and not their words. Who may
save, replace and remove pictures is the workspace's rule: see `Savers`. Styles and a channel's usual style are the
moderators' alone.
In typed words:

    library                            what there is
    library save mascot                with a picture
    library remove mascot
    library style noir                 the words that it adds
    library style noir: grainy, dark   for the workspace; `style noir here: …` for the channel alone
    library remove style noir
    library default noir               what new pictures in the channel are made in; `default none` for nothing
"""

import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import TypeAlias

from core.errors import Declined, PlatformError, PlatformGone
from core.library import Library, Saved
from core.names import shown
from core.pictures import PictureProblem, PictureRefused
from core.pictures.workshop import WorkshopUnavailable
from core.replies import first_of, say
from core.styles import NO_STYLE, Style, Styles
from core.turns import Person

Fetch: TypeAlias = Callable[[], Awaitable[bytes]]
"""Fetches the picture that is to be saved. Raises `PlatformError`."""
Size: TypeAlias = Callable[[str], int]
"""How many characters a text comes to as a platform writes it."""

MOST_MEGABYTES = 30
ROOM = 1400
"""Characters of a list that every platform takes, twice, in one message."""
MOST_PLACES = 10
"""Other channels of which it is listed what is usual there."""
MOST_MARKS = 25
"""How many marks are chosen at most: Discord's menus take no more."""
_REASONS = {PictureProblem.CRASHED: "too_slow"}
_ASKED = re.compile(
    r"""library(?:
        (?P<list>)(?:\s+list)?
      | \s+save\s+(?P<save>\S+)
      | \s+remove\s+style\s+(?P<remove_style>\S+)
      | \s+remove\s+(?P<remove>\S+)
      | \s+style\s+(?P<show>[^\s:]+)
      | \s+style\s+(?P<style>[^\s:]+)(?P<here>\s+here)?\s*:\s*(?P<words>\S.*)
      | \s+default\s+(?P<default>\S+)
    )\s*""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


class Savers(StrEnum):
    """Who may save, replace and remove pictures under a name. Moderators may, whatever is chosen."""

    ANYONE = "anyone"
    """Whoever may edit pictures, each their own."""
    MODERATORS = "moderators"
    CHOSEN = "chosen"
    """Those who bear a chosen mark, whoever saved the picture."""


class Access(StrEnum):
    """Which saved pictures somebody may make, replace and remove."""

    NONE = "none"
    OWN = "own"
    ALL = "all"
    """Whoever saved them."""


def access(savers: Savers, chosen: Collection[str], borne: Collection[str]) -> Access:
    """What a workspace's rule gives to somebody who does not moderate.

    Marks are ids of the platform that stand for people: of a role that somebody has, or their own. One that nobody
    bears any more opens nothing.
    """
    match savers:
        case Savers.ANYONE:
            return Access.OWN
        case Savers.CHOSEN if not set(chosen).isdisjoint(borne):
            return Access.ALL
    return Access.NONE


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, and from which channel. `rule` is what the workspace's rule gives them while they do not moderate.

    `place` is how a channel is called to them, empty for one that is not to be named; without it none is.
    """

    person: Person
    channel: str
    locale: str
    moderator: bool = False
    rule: Access = Access.OWN
    place: Callable[[str], str] = lambda _: ""

    @property
    def access(self) -> Access:
        """Which saved pictures are theirs to make, replace and remove."""
        return Access.ALL if self.moderator else self.rule

    def check_saver(self) -> None:
        """Raise `Declined` where nothing is theirs to save."""
        if self.access is Access.NONE:
            raise Declined("library.savers_only")

    def may_remove(self, saved: Saved) -> bool:
        """Whether a saved picture is theirs to remove."""
        return self.access is Access.ALL or (self.access is Access.OWN and saved.by.user == self.person.user)


def asks(typed: str) -> bool:
    """Whether typed words may ask something of the library."""
    return _ASKED.fullmatch(typed.strip()) is not None


@dataclass(frozen=True, slots=True)
class Librarian:
    """Does what is asked and gives the sentence to say, as plain text. Every method raises `Declined`."""

    library: Library
    styles: Styles

    async def answer(self, who: Visitor, typed: str, fetch: Fetch | None) -> str | None:
        """Do what typed words ask for; None where they ask nothing of the library."""
        asked = _ASKED.fullmatch(typed.strip())
        if asked is None:
            return None
        if name := asked["save"]:
            return await self.save(who, name, fetch)
        if name := asked["remove"]:
            return await self.remove(who, name)
        if name := asked["show"]:
            return await self._shown(who, name)
        if name := asked["style"]:
            return await self.save_style(who, name, asked["words"], here=bool(asked["here"]))
        if name := asked["remove_style"]:
            return await self.remove_style(who, name)
        if name := asked["default"]:
            return await self.set_default(who, name)
        return "\n".join((await self.list_pictures(who), await self.list_styles(who)))

    async def save(self, who: Visitor, name: str, fetch: Fetch | None) -> str:
        """Save a picture under a name."""
        who.check_saver()
        if fetch is None:
            raise Declined("library.picture_needed")
        try:
            replaced = await self.library.save(who.person, name, await fetch(), all_access=who.access is Access.ALL)
        except PictureRefused as refused:
            raise _unusable(who, _REASONS.get(refused.problem, refused.problem)) from refused
        except PlatformGone as gone:
            raise _unusable(who, gone.reason or "gone") from gone
        except (PlatformError, WorkshopUnavailable) as error:
            raise _unusable(who, "unreachable") from error
        return say(who.locale, "library.replaced" if replaced else "library.saved", name=shown(name))

    async def remove(self, who: Visitor, name: str) -> str:
        """Remove a saved picture."""
        who.check_saver()
        await self.library.remove(who.person, name, all_access=who.access is Access.ALL)
        return say(who.locale, "library.removed", name=shown(name))

    async def save_style(self, who: Visitor, name: str, words: str, *, here: bool = False) -> str:
        """Keep a style for the workspace, or for the channel alone."""
        _check_moderator(who)
        style = await self.styles.save(who.person, name, words, channel=who.channel if here else "")
        return say(who.locale, "library.style_saved", name=style.name)

    async def remove_style(self, who: Visitor, name: str) -> str:
        """Remove the style that this name means here."""
        _check_moderator(who)
        await self.styles.remove(who.person, name, channel=who.channel)
        return say(who.locale, "library.style_removed", name=shown(name))

    async def set_default(self, who: Visitor, name: str) -> str:
        """Set the style that new pictures in the channel are made in."""
        _check_moderator(who)
        style = await self.styles.set_default(who.person, who.channel, name)
        return say(who.locale, "library.default_set" if style else "library.default_cleared", name=style)

    async def list_pictures(self, who: Visitor, *, room: int = ROOM, size: Size = len) -> str:
        """What is saved, and by whom, in at most `room` characters; where there is much, by as many names as fit."""
        saved = await self.library.listed(who.person)
        if not saved:
            return say(who.locale, "library.no_pictures")
        lines = [picture_line(one, who.locale) for one in saved]
        names = [f"@{one.name}" for one in saved]
        return _list(say(who.locale, "library.pictures"), lines, names, who.locale, lambda text: size(text) <= room)

    async def list_styles(self, who: Visitor, *, room: int = ROOM, size: Size = len) -> str:
        """What can be chosen here with the words that each adds, then what can be elsewhere, and what is usual where.

        Where there is much it is by as many names as fit into `room` characters, and what is usual stays.
        """
        here = await self.styles.listed(who.person, channel=who.channel)
        there = [style for style in await self.styles.everywhere(who.person) if _is_there(who, style.channel)]
        if not (here or there):
            return say(who.locale, "library.no_styles")
        lines = [style_line(style, who.locale) for style in here]
        lines += [_line_there(style, who) for style in there]
        names = list(dict.fromkeys(style.name for style in (*here, *there)))
        usual = "".join(f"\n{line}" for line in await self._usual(who))
        title = say(who.locale, "library.styles")
        return _list(title, lines, names, who.locale, lambda text: size(text + usual) <= room) + usual

    async def _usual(self, who: Visitor) -> list[str]:
        """The sentences on what new pictures are made in, here and elsewhere."""
        usual = await self.styles.defaults(who.person)
        lines = [say(who.locale, "library.usual", name=usual[who.channel])] if who.channel in usual else []
        there = [f"{who.place(channel)} – {name}" for channel, name in usual.items() if _is_there(who, channel)]
        if there:
            places = ", ".join(there[:MOST_PLACES]) + (" …" if len(there) > MOST_PLACES else "")
            lines.append(say(who.locale, "library.usual_there", places=places))
        return lines

    async def show_style(self, who: Visitor, name: str) -> str:
        """The words that a style adds."""
        return style_line(await self.styles.named(who.person, name, channel=who.channel), who.locale)

    async def _shown(self, who: Visitor, name: str) -> str | None:
        try:
            return await self.show_style(who, name)
        except Declined:
            return None  # "library style interior" is a prompt

    async def forget(self, platform: str, workspace: str) -> None:
        """Drop everything of a workspace that has removed us."""
        await self.library.forget(platform, workspace)
        await self.styles.forget(platform, workspace)

    async def names(self, person: Person) -> list[str]:
        """What is saved, by name."""
        return [saved.name for saved in await self.library.listed(person)]

    async def style_names(self, person: Person, channel: str) -> list[str]:
        """What can be chosen as a style in a channel, `none` last; empty where there are no styles."""
        names = [style.name for style in await self.styles.listed(person, channel=channel)]
        return [*names, NO_STYLE] if names else []


def _list(title: str, lines: Sequence[str], names: Sequence[str], locale: str, fits: Callable[[str], bool]) -> str:
    """A list as it is where that fits, otherwise as many of its names as do."""
    whole = "\n".join((title, *(f"• {line}" for line in lines)))
    shorter = (f"{title}\n{first_of(names, most, locale)}" for most in range(len(names), 0, -1))
    return next(filter(fits, chain((whole,), shorter)), title)


def picture_line(saved: Saved, locale: str) -> str:
    """A saved picture, to be read."""
    return say(locale, "library.picture", name=saved.name, person=saved.by.name or saved.by.user)


def style_line(style: Style, locale: str) -> str:
    """A style with its words, to be read."""
    return say(locale, "library.style_here" if style.channel else "library.style", name=style.name, words=style.words)


def _line_there(style: Style, who: Visitor) -> str:
    # Not its words: the channel may be one that this person cannot read.
    return say(who.locale, "library.style_there", name=style.name, channel=who.place(style.channel))


def _is_there(who: Visitor, channel: str) -> bool:
    """Whether a channel is another than this one, and may be named."""
    return channel not in ("", who.channel) and bool(who.place(channel))


def _check_moderator(who: Visitor) -> None:
    if not who.moderator:
        raise Declined("library.moderators_only")


def _unusable(who: Visitor, reason: str) -> Declined:
    return Declined("library.unusable", {"reason": say(who.locale, f"picture.{reason}", limit=MOST_MEGABYTES)})
