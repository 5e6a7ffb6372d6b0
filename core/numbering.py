"""Which picture is image 2: one count for the person who asks, for the announcement and for the model.

Numbers are places in `Turn.references`, from 1, in the order of `Source`: what a message carries, as it lists it, then
what else goes along. A picture that is left out keeps its number, so nobody else's changes. The picture that is edited
has none: to the model it is "the picture to change", wherever it stands.
"""

import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from typing import TypeAlias

from core.replies import say
from core.turns import Reference, Source

Numbered: TypeAlias = tuple[int, Reference]

NAME_CHARACTERS = 60
_ORDER = tuple(Source)


class Edited(StrEnum):
    """Where the model finds the picture that is edited."""

    NOTHING = "nothing"
    FIRST = "first"
    """It is sent along, before the others."""
    EARLIER = "earlier"
    """It is in the conversation already."""


def in_order(references: Sequence[Reference]) -> tuple[Reference, ...]:
    """The references in the order of their numbers."""
    return tuple(sorted(references, key=lambda reference: _ORDER.index(reference.source)))


def called(reference: Reference, locale: str) -> str:
    """What a person reads of a reference: its name, and where it is from unless they gave it themselves."""
    return say(locale, f"source.{reference.source}", name=one_line(reference.name), owner=one_line(reference.owner))


def using(numbers: Sequence[Numbered], locale: str, *, numbered: bool) -> str:
    """The sentence that names the pictures that are used; empty where there are none."""
    names = (called(reference, locale) + (f" ({number})" if numbered else "") for number, reference in numbers)
    return say(locale, "note.using", names=", ".join(names)) if numbers else ""


def legend(numbers: Sequence[Numbered], edited: Edited, room: float, along: Sequence[str] = ()) -> str:
    """What the model is told of the pictures, in the order in which it gets them; empty while there is only one.

    `along` says what those are that come last and have no number. Names are left out, and at last everything, when it
    would be longer than `room` characters.
    """
    if not (numbers or along) or (len(numbers) == 1 and edited is Edited.NOTHING):
        return ""
    before = ["the picture to change"] if edited is Edited.FIRST else []
    after = " The picture to change is the one from before." if edited is Edited.EARLIER else ""
    with_names = (f"image {number} is “{one_line(reference.name)}”" for number, reference in numbers)
    without = (f"image {number}" for number, _ in numbers)
    for items in (with_names, without):
        text = f"The attached pictures, in their order: {'; '.join((*before, *items, *along))}.{after}"
        if len(text) <= room:
            return text
    return ""


def one_line(name: str) -> str:
    """A name without line breaks and signs that are not seen, at most `NAME_CHARACTERS` long."""
    seen = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in name[:1000])
    words = " ".join(seen.split()) or "?"
    return words if len(words) <= NAME_CHARACTERS else words[: NAME_CHARACTERS - 1] + "…"
