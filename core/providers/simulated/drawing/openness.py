"""Where a picture that we know nothing about seems to have its sky."""

from collections.abc import Callable, Iterator

from PIL import Image

_CELLS = 192
"""Across and down: fine enough for an outline, coarse enough to be quick."""

_STEP = 7
"""How much two neighbouring cells of the sky may differ in any of the three colours, of 255."""

_LOWEST = 0.66
"""The sky is looked for this far down."""

_SUN = 205
"""What shines like this, of 255, and is surrounded by sky, is part of it."""


def open_sky(image: Image.Image) -> Image.Image:
    """A mask of the sky: what can be reached from the upper edge without crossing an outline."""
    side = min(_CELLS, *image.size)
    cells = side * side
    small = image.resize((side, side), Image.Resampling.BOX)
    red, green, blue = (band.tobytes() for band in small.split())
    light = small.convert("L").tobytes()
    end = round(side * _LOWEST) * side

    def is_near(here: int, there: int) -> bool:
        return there < end and all(abs(band[here] - band[there]) <= _STEP for band in (red, green, blue))

    sky = _reach(range(side), side, is_near)
    land = _reach(range(cells - side, cells), side, lambda _, there: there not in sky)
    shown = sky | {cell for cell in range(end) if cell not in land and light[cell] > _SUN}
    data = bytes(255 if cell in shown else 0 for cell in range(cells))
    return Image.frombytes("L", small.size, data).resize(image.size, Image.Resampling.BICUBIC)


def _reach(starts: range, side: int, passes: Callable[[int, int], bool]) -> set[int]:
    """The cells of a square that can be reached from the first ones."""
    reached = set(starts)
    waiting = list(reached)
    while waiting:
        here = waiting.pop()
        for there in _neighbours(here, side):
            if there not in reached and passes(here, there):
                reached.add(there)
                waiting.append(there)
    return reached


def _neighbours(cell: int, side: int) -> Iterator[int]:
    if cell % side:
        yield cell - 1
    if (cell + 1) % side:
        yield cell + 1
    if cell >= side:
        yield cell - side
    if cell < side * (side - 1):
        yield cell + side
