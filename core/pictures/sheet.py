"""Sheets: several pictures on one, side by side, each with its number, its words and who asked for it.

A sheet is described by its owner and drawn in the picture process. It goes there as one piece of bytes: its words, and
its pictures one after the other, all of them thumbnails that were verified before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw, ImageOps

from core.pictures.decode import decode, developed
from core.pictures.encode import QUALITIES, as_jpeg, first_that_fits, on_paper, sizes_of
from core.pictures.frames import frame, read_frame
from core.pictures.lettering import width, wrapped, writable, write
from core.pictures.picture import Picture, PictureLimits

PAPER, INK, QUIET, FAINT, ACCENT, WHITE = (
    (251, 251, 249), (27, 29, 33), (104, 109, 119), (226, 227, 230), (37, 99, 235), (255, 255, 255)
)  # fmt: skip
MARGIN, GUTTER, ROW_GAP = 48, 56, 52
TITLE, WORDS, SMALL = 34, 25, 20
LINE = 1.36
"""Of a line's height to the size of its letters."""
MOST_LINES = 5
CORNER, RING = 16, 6
SMOOTH = 4
"""How many times larger a round shape is drawn before it is brought to its size."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture of a sheet. `picture` is empty where it is gone; `mark` is a word on the picture, or empty."""

    number: str
    words: str
    note: str
    mark: str = ""
    picture: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Panels in rows of `columns`, each `side` pixels wide. `arrows` says that one led to the next.

    `footer` stands below them in small print, `absent` in the place of a picture that is gone.
    """

    title: str
    panels: tuple[Panel, ...]
    columns: int
    side: int
    arrows: bool = False
    footer: str = ""
    absent: str = ""


def packed(sheet: Sheet) -> bytes:
    """The sheet as one piece of bytes."""
    words: dict[str, Any] = asdict(sheet)
    pictures = [panel.pop("picture") for panel in words["panels"]]
    words["lengths"] = [len(picture) for picture in pictures]
    return b"".join(frame(words, b"".join(pictures)))


def unpacked(data: bytes) -> Sheet:
    """The inverse of `packed`. Its caller is this program, and nobody else."""
    found = read_frame(BytesIO(data))
    assert found is not None  # noqa: S101 - it was packed above
    words, body = found
    pictures = BytesIO(body)
    panels = [
        Panel(**panel, picture=pictures.read(length))
        for panel, length in zip(words.pop("panels"), words.pop("lengths"), strict=True)
    ]
    return Sheet(**words | {"panels": tuple(panels)})


def draw_sheet(data: bytes, limits: PictureLimits) -> Picture:
    """The sheet that `data` describes, as a JPEG within `max_bytes_out`."""
    sheet = unpacked(data)
    image = _Drawing(sheet, [_thumbnail(panel, sheet.side, limits) for panel in sheet.panels]).drawn()
    candidates = (as_jpeg(size, *quality) for size in sizes_of(image, limits.max_side_out) for quality in QUALITIES[1:])
    return first_that_fits(candidates, limits.max_bytes_out)


def _thumbnail(panel: Panel, side: int, limits: PictureLimits) -> Image.Image | None:
    if not panel.picture:
        return None
    image = on_paper(developed(decode(panel.picture, limits)[1]))
    return ImageOps.contain(image.convert("RGB"), (side, side), Image.Resampling.LANCZOS)


class _Drawing:
    """A sheet while it is drawn, from top to bottom."""

    def __init__(self, sheet: Sheet, thumbnails: Sequence[Image.Image | None]) -> None:
        self.sheet = sheet
        self.thumbnails = thumbnails
        self.lines = [wrapped(WORDS, panel.words, sheet.side, MOST_LINES) for panel in sheet.panels]
        self.across = 2 * MARGIN + sheet.columns * sheet.side + (sheet.columns - 1) * GUTTER
        inside = self.across - 2 * MARGIN
        self.title = wrapped(TITLE, sheet.title, inside, 2)
        self.footer = wrapped(SMALL, sheet.footer, inside, 2)

    def drawn(self) -> Image.Image:
        self.image = Image.new("RGB", (self.across, self._height()), PAPER)
        self.draw = ImageDraw.Draw(self.image)
        top = self._text(MARGIN, MARGIN, TITLE, self.title, INK)
        top += ROW_GAP // 2 if self.title else 0
        for row in self._rows():
            for column, number in enumerate(row):
                left = MARGIN + column * (self.sheet.side + GUTTER)
                self._panel(number, left, top, self._picture_height(row))
                if self.sheet.arrows and number + 1 < len(self.sheet.panels) and column + 1 < self.sheet.columns:
                    self._arrow(left + self.sheet.side + GUTTER // 2, top + self._picture_height(row) // 2)
            top += self._row_height(row) + ROW_GAP
        self._text(MARGIN, top - ROW_GAP // 2, SMALL, self.footer, QUIET)
        return self.image

    def _rows(self) -> Iterator[range]:
        count, columns = len(self.sheet.panels), self.sheet.columns
        return (range(start, min(start + columns, count)) for start in range(0, count, columns))

    def _height(self) -> int:
        rows = sum(self._row_height(row) + ROW_GAP for row in self._rows()) - ROW_GAP
        title = _height(TITLE, self.title) + ROW_GAP // 2 if self.title else 0
        footer = _height(SMALL, self.footer) + ROW_GAP // 2 if self.footer else 0
        return 2 * MARGIN + title + rows + footer

    def _picture_height(self, row: range) -> int:
        side = self.sheet.side
        return max(found.height if (found := self.thumbnails[number]) else side * 2 // 3 for number in row)

    def _row_height(self, row: range) -> int:
        words = max(_height(WORDS, self.lines[number]) for number in row)
        return self._picture_height(row) + 26 + words + 8 + _height(SMALL, ["note"])

    def _panel(self, number: int, left: int, top: int, tall: int) -> None:
        panel, side = self.sheet.panels[number], self.sheet.side
        found = self.thumbnails[number]
        size = found.size if found else (side, tall)
        at = (left + (side - size[0]) // 2, top + (tall - size[1]) // 2)
        if panel.mark:
            outline = (at[0] - RING, at[1] - RING, at[0] + size[0] + RING, at[1] + size[1] + RING)
            self._rounded(outline, CORNER + RING, ACCENT)
        if found:
            self.image.paste(found, at, _mask(size))
        else:
            self._rounded((*at, at[0] + side, at[1] + tall), CORNER, FAINT)
            absent = wrapped(SMALL, self.sheet.absent, side - 2 * CORNER, 3)
            self._text(at[0] + CORNER, at[1] + tall // 2, SMALL, absent, QUIET)
        self._label(at[0] + 14, at[1] + 14, panel.number, INK)
        if panel.mark:
            word = writable(SMALL, panel.mark)
            self._label(at[0] + size[0] - 14 - _label_width(word), at[1] + 14, word, ACCENT)
        below = self._text(left, top + tall + 26, WORDS, self.lines[number], INK)
        self._text(left, below + 8, SMALL, wrapped(SMALL, panel.note, side, 1), QUIET)

    def _label(self, left: int, top: int, words: str, colour: tuple[int, int, int]) -> None:
        across, tall = _label_width(words), SMALL + 16
        self._rounded((left - 2, top - 2, left + across + 2, top + tall + 2), tall // 2 + 2, WHITE)
        self._rounded((left, top, left + across, top + tall), tall // 2, colour)
        write(
            self.draw, (left + (across - width(SMALL, words)) / 2, top + tall / 2 + SMALL * 0.36), SMALL, words, WHITE
        )

    def _arrow(self, middle: int, height: int) -> None:
        points = [(middle - 6, height - 13), (middle + 7, height), (middle - 6, height + 13)]
        self.draw.line(points, QUIET, 4, joint="curve")

    def _rounded(self, box: tuple[int, int, int, int], corner: int, colour: tuple[int, int, int]) -> None:
        size = (box[2] - box[0], box[3] - box[1])
        self.image.paste(colour, box, _mask(size, corner))

    def _text(self, left: int, top: int, size: int, lines: Sequence[str], ink: tuple[int, int, int]) -> int:
        """Write lines; gives where the next would begin."""
        for number, line in enumerate(lines):
            write(self.draw, (left, top + round((number + 0.8) * size * LINE)), size, line, ink)
        return top + _height(size, lines)


def _height(size: int, lines: Sequence[str]) -> int:
    return round(len(lines) * size * LINE)


def _label_width(words: str) -> int:
    return max(SMALL + 16, round(width(SMALL, words)) + 28)


def _mask(size: tuple[int, int], corner: int = CORNER) -> Image.Image:
    """A rounded rectangle with soft edges."""
    large = Image.new("L", (size[0] * SMOOTH, size[1] * SMOOTH))
    whole = (0, 0, size[0] * SMOOTH - 1, size[1] * SMOOTH - 1)
    ImageDraw.Draw(large).rounded_rectangle(whole, corner * SMOOTH, 255)
    return large.resize(size, Image.Resampling.BOX)
