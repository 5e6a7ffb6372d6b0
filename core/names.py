"""The names that a workspace gives to pictures and styles, and where a prompt speaks of them.

A name is made of letters and digits of any script, - and _, begins with a letter or digit, has at most
`NAME_CHARACTERS`, and is the same in capitals and in compatible forms (NFKC). A prompt speaks of `@name`. What is not
known as a name is text, so that mentions of people and addresses stay what they are.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

NAME_CHARACTERS = 32
MOST_SPOKEN = 100
"""How many different names of one prompt are looked up."""
RESERVED = frozenset({"everyone", "here", "channel", "none", "all"})
"""What platforms call everybody by, and what switches a style off."""

_SIGNS = "@\N{FULLWIDTH COMMERCIAL AT}"
_CODE = re.compile(r"`[^`]*`")
_INSIDE = "/\\.:=&#~+%"
"""What stands before an @ that is part of an address or a path."""
_GOES_ON = re.compile(r"[./:=@]\w|\(")
"""What stands behind a word with an @ that is no name: `@media(…)`, `@scope/package`, `@host.example`."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One `@name` in a text: where it stands, and the folded name."""

    start: int
    end: int
    name: str


def folded(text: str) -> str | None:
    """The one spelling of a name, with or without its @; None for what cannot be a name."""
    name = _fold(text).strip().removeprefix("@")
    fits = 0 < len(name) <= NAME_CHARACTERS and all(map(_belongs, name)) and name[0].isalnum()
    return name if fits and name not in RESERVED else None


def shown(text: str) -> str:
    """A name as it was typed, without its @."""
    return unicodedata.normalize("NFKC", text).strip().removeprefix("@")


def spoken(text: str) -> Iterator[Spoken]:
    """Every `@name` of a text, known or not. Not the @ inside of an address, and none of a platform's mentions."""
    position = 0
    while position < len(text):
        start, position = position, position + 1
        if text[start] not in _SIGNS or (start and (_belongs(text[start - 1]) or text[start - 1] in "<@")):
            continue
        while position < len(text) and _belongs(text[position]):
            position += 1
        if name := folded(text[start:position]):
            yield Spoken(start, position, name)


def meant(text: str) -> Iterator[str]:
    """The words with an @ that a person who has named pictures most likely means as such a name, as they were typed.

    Fewer than `spoken` finds: nothing in code, addresses and paths, and nothing that begins with a digit.
    """
    text = _CODE.sub("``", text)
    for found in spoken(text):
        word = text[found.start : found.end]
        inside = found.start and text[found.start - 1] in _INSIDE
        if word[1].isalpha() and not inside and not _GOES_ON.match(text, found.end):
            yield word


def replaced(text: str, words_for: Callable[[str], str | None]) -> str:
    """The text with other words in the place of each name that `words_for` has some for."""
    pieces, end = [], 0
    for found in spoken(text):
        words = words_for(found.name)
        if words is not None:
            pieces += [text[end : found.start], words]
            end = found.end
    return "".join((*pieces, text[end:]))


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _belongs(sign: str) -> bool:
    """Whether a name may have it: letters, their marks, digits, - and _."""
    return sign in "-_" or unicodedata.category(sign)[0] in "LMN"
