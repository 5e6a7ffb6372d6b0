"""What people ask of the library and the styles, in whatever way, and what they are told.

Anybody may use and list everything. Who may save a picture is the workspace's rule; what is saved is changed and
removed by who saved it and by moderators. Styles and a channel's usual style are the moderators' alone.
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
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from core.errors import Declined, PlatformError, PlatformGone
from core.library import Library, Saved
from core.names import shown
from core.pictures import PictureProblem, PictureRefused
from core.pictures.workshop import WorkshopUnavailable
from core.replies import say
from core.styles import NO_STYLE, Style, Styles
from core.turns import Person

Fetch: TypeAlias = Callable[[], Awaitable[bytes]]
"""Fetches the picture that is to be saved. Raises `PlatformError`."""

MOST_MEGABYTES = 30
ROOM = 1400
"""Characters of a list that every platform takes, twice, in one message."""
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
    """Who may save pictures under a name."""

    ANYONE = "anyone"
    """Whoever may edit pictures."""
    MODERATORS = "moderators"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, and from which channel. `saves` says that the workspace's rule lets them save pictures."""

    person: Person
    channel: str
    locale: str
    moderator: bool = False
    saves: bool = True


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
        if not (who.saves or who.moderator):
            raise Declined("library.savers_only")
        if fetch is None:
            raise Declined("library.picture_needed")
        try:
            replaced = await self.library.save(who.person, name, await fetch(), moderator=who.moderator)
        except PictureRefused as refused:
            raise _unusable(who, _REASONS.get(refused.problem, refused.problem)) from refused
        except PlatformGone as gone:
            raise _unusable(who, gone.reason or "gone") from gone
        except (PlatformError, WorkshopUnavailable) as error:
            raise _unusable(who, "unreachable") from error
        return say(who.locale, "library.replaced" if replaced else "library.saved", name=shown(name))

    async def remove(self, who: Visitor, name: str) -> str:
        """Remove a saved picture."""
        await self.library.remove(who.person, name, moderator=who.moderator)
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

    async def list_pictures(self, who: Visitor, *, room: int = ROOM) -> str:
        """What is saved, and by whom, in about `room` characters; by their names alone where there is much."""
        saved = await self.library.listed(who.person)
        if not saved:
            return say(who.locale, "library.no_pictures")
        names = ", ".join(f"@{one.name}" for one in saved)
        return _list(who, "library.pictures", [picture_line(one, who.locale) for one in saved], names, room)

    async def list_styles(self, who: Visitor, *, room: int = ROOM) -> str:
        """What can be chosen here, and the words that each adds; by their names alone where there is much."""
        styles = await self.styles.listed(who.person, channel=who.channel)
        if not styles:
            return say(who.locale, "library.no_styles")
        names = ", ".join(style.name for style in styles)
        said = _list(who, "library.styles", [style_line(style, who.locale) for style in styles], names, room)
        usual = await self.styles.default(who.person, who.channel)
        return f"{said}\n{say(who.locale, 'library.usual', name=usual)}" if usual else said

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


def _list(who: Visitor, title: str, lines: Sequence[str], names: str, room: int) -> str:
    whole = "\n".join((say(who.locale, title), *(f"• {line}" for line in lines)))
    return whole if len(whole) <= room else f"{say(who.locale, title)}\n{names}"


def picture_line(saved: Saved, locale: str) -> str:
    """A saved picture, to be read."""
    return say(locale, "library.picture", name=saved.name, person=saved.by.name or saved.by.user)


def style_line(style: Style, locale: str) -> str:
    """A style with its words, to be read."""
    return say(locale, "library.style_here" if style.channel else "library.style", name=style.name, words=style.words)


def _check_moderator(who: Visitor) -> None:
    if not who.moderator:
        raise Declined("library.moderators_only")


def _unusable(who: Visitor, reason: str) -> Declined:
    return Declined("library.unusable", {"reason": say(who.locale, f"picture.{reason}", limit=MOST_MEGABYTES)})
