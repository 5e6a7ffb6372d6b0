"""Words in pictures: wrapped, and written with whichever font at hand has their letters.

The fonts are those of the machine, by name, and after them the one that Pillow brings, which has little more than
ASCII. A letter that no font has is written as its base letter (é as e) where it has one, and left out where it has not:
an empty box says nothing. Scripts that run from right to left are written where Pillow can order them (raqm), and
otherwise left out.
"""

import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import groupby

from PIL import ImageDraw, ImageFont, features
from PIL.ImageFont import FreeTypeFont

FACES = (
    ("NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial.ttf"),
    ("DejaVuSans.ttf",),
    ("NotoSansCJK-Regular.ttc", "DroidSansFallbackFull.ttf", "wqy-microhei.ttc", "Arial Unicode.ttf"),
    ("Symbola_hint.ttf", "Symbola.ttf", "NotoEmoji-Regular.ttf"),
)
"""Of each line the first that is there. Few, as each keeps a file open in a process that may have few."""

LONGEST = 600
"""Characters: more of a text is never looked at."""
_NO_LETTER = "\uffff"
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
_RIGHT_TO_LEFT = {"R", "AL", "AN"}
_BREAK_ANYWHERE = {"W", "F"}
"""Widths of the letters between which a line may end: Chinese, Japanese, Korean."""
_NEVER_FIRST = "、。，．・：；！？）」』】〉》ー々"
"""What no line begins with."""


@cache
def _face(size: int, names: tuple[str, ...]) -> FreeTypeFont | None:
    for name in names:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return None


@cache
def _last_face(size: int) -> FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, FreeTypeFont)  # noqa: S101 - it is, with a size
    return font


def _faces(size: int) -> Iterator[FreeTypeFont]:
    """The fonts in the order of trying. Lazily: the large ones are opened when a text needs them."""
    for names in FACES:
        if face := _face(size, names):
            yield face
    yield _last_face(size)


@cache
def _blank(face: FreeTypeFont) -> tuple[tuple[int, int], bytes]:
    mask = face.getmask(_NO_LETTER)
    return mask.size, bytes(mask)


@lru_cache(maxsize=8192)
def _has(face: FreeTypeFont, letter: str) -> bool:
    mask = face.getmask(letter)
    return letter.isspace() or (mask.size, bytes(mask)) != _blank(face)


@lru_cache(maxsize=8192)
def _face_of(size: int, letter: str) -> FreeTypeFont | None:
    """The first font that has a letter."""
    if unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT and not features.check("raqm"):
        return None
    return next((face for face in _faces(size) if _has(face, letter)), None)


def writable(size: int, text: str) -> str:
    """What of a text can be written, on one line."""
    letters = []
    for letter in unicodedata.normalize("NFC", text[:LONGEST]):
        if letter.isspace():
            letters.append(" ")
        elif unicodedata.category(letter) in _INVISIBLE:
            continue
        elif _face_of(size, letter):
            letters.append(letter)
        else:
            letters += [part for part in unicodedata.normalize("NFKD", letter) if part != letter and _base(size, part)]
    return " ".join("".join(letters).split())


def _base(size: int, letter: str) -> bool:
    return unicodedata.combining(letter) == 0 and _face_of(size, letter) is not None


def width(size: int, text: str) -> float:
    """How wide a line of writable text is, in pixels."""
    return sum(face.getlength(run) for face, run in _runs(size, text))


def wrapped(size: int, text: str, across: int, most: int) -> list[str]:
    """A text as at most `most` lines, none wider than `across` pixels; where that is not all of it, … ends the last."""
    lines = [""]
    for piece in _pieces(size, writable(size, text), across):
        if width(size, (lines[-1] + piece).rstrip()) <= across:
            lines[-1] += piece
        elif len(lines) < most:
            lines.append(piece)
        else:
            lines[-1] = _shortened(size, lines[-1], across)
            break
    return [line.rstrip() for line in lines if line.strip()]


def _shortened(size: int, line: str, across: int) -> str:
    ellipsis = "…" if _face_of(size, "…") else "..."
    while line and width(size, line.rstrip() + ellipsis) > across:
        line = line[:-1]
    return line.rstrip() + ellipsis


def write(draw: ImageDraw.ImageDraw, at: tuple[float, float], size: int, text: str, ink: tuple[int, int, int]) -> None:
    """Write a line of writable text, `at` being the left end of its baseline."""
    across, baseline = at
    for face, run in _runs(size, text):
        draw.text((across, baseline), run, ink, face, anchor="ls")
        across += face.getlength(run)


def _runs(size: int, text: str) -> Iterator[tuple[FreeTypeFont, str]]:
    """Stretches of a line by font: in one where one has it all, so that scripts are ordered as a whole."""
    for face in _faces(size):
        if all(_has(face, letter) for letter in text):
            yield face, text
            return
    for face, letters in groupby(text, key=lambda letter: _face_of(size, letter) or _last_face(size)):
        yield face, "".join(letters)


def _pieces(size: int, text: str, across: int) -> Iterator[str]:
    """Pieces between which a line may end, each with the space after it and none wider than a line."""
    piece = ""
    for letter in text:
        if (piece and _may_end(piece[-1], letter)) or width(size, piece + letter) > across:
            yield piece
            piece = ""
        piece += letter
    if piece:
        yield piece


def _may_end(before: str, after: str) -> bool:
    """Whether a line may end between two letters."""
    return after not in _NEVER_FIRST and after != " " and (before == " " or _is_wide(before) or _is_wide(after))


def _is_wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in _BREAK_ANYWHERE
