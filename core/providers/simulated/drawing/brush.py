"""Strokes: soft lines, glows, gradients and grain. Points are in pixels, y downwards."""

import math
from bisect import bisect
from collections.abc import Callable, Sequence
from operator import itemgetter
from random import Random
from typing import TypeAlias

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from core.providers.simulated.drawing.colours import Colour, along

Point: TypeAlias = tuple[float, float]

_TILE = 256


def smooth(points: Sequence[Point], steps: int = 8) -> list[Point]:
    """A closed curve through the points (Catmull-Rom)."""
    count = len(points)
    curve: list[Point] = []
    for index in range(count):
        a, b, c, d = (points[(index + offset) % count] for offset in (-1, 0, 1, 2))
        curve.extend(_between(a, b, c, d, step / steps) for step in range(steps))
    return curve


def _between(a: Point, b: Point, c: Point, d: Point, t: float) -> Point:
    x, y = (
        b[axis]
        + 0.5
        * t
        * (
            c[axis]
            - a[axis]
            + t
            * (2 * a[axis] - 5 * b[axis] + 4 * c[axis] - d[axis] + t * (3 * (b[axis] - c[axis]) + d[axis] - a[axis]))
        )
        for axis in (0, 1)
    )
    return x, y


def wave(random: Random, count: int, octaves: int, *, first: float = 2.0, sharp: bool = False) -> list[float]:
    """`count` heights from 0 to 1 along a line of hills; `sharp` makes them peaks.

    `first` is how many of them the line has, each further octave doubles that at half the height.
    """
    heights = [0.0] * count
    total = 0.0
    for octave in range(octaves):
        cells = first * 2**octave
        knots = [random.random() for _ in range(math.ceil(cells) + 2)]
        share = 0.5**octave
        total += share
        for index in range(count):
            place = index / max(1, count - 1) * cells
            left = int(place)
            t = place - left
            t = t if sharp else t * t * (3 - 2 * t)
            heights[index] += share * (knots[left] * (1 - t) + knots[left + 1] * t)
    low, high = min(heights), max(heights)
    return [(height - low) / ((high - low) or 1) for height in heights]


def chance(random: Random, share: float) -> bool:
    """True for this share of all times."""
    return random.random() < share


def levels(function: Callable[[int], float]) -> list[int]:
    """A table for `Image.point`: what becomes of each of the 256 levels, kept within them."""
    return [min(255, max(0, round(function(level)))) for level in range(256)]


def gradient(size: tuple[int, int], stops: Sequence[Colour]) -> Image.Image:
    """Colours from the top down."""
    rows = min(_TILE, size[1])
    column = Image.new("RGB", (1, rows))
    column.putdata([along(stops, row / max(1, rows - 1)) for row in range(rows)])
    return column.resize(size, Image.Resampling.BILINEAR)


def fill(image: Image.Image, outline: Sequence[Point], stops: Sequence[Colour]) -> None:
    """Fill an outline with colours from its top to its bottom."""
    left, top = (max(0, math.floor(min(point[axis] for point in outline))) for axis in (0, 1))
    right = min(image.width, math.ceil(max(point[0] for point in outline)))
    bottom = min(image.height, math.ceil(max(point[1] for point in outline)))
    if right <= left or bottom <= top:
        return
    mask = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in outline], fill=255)
    image.paste(gradient(mask.size, stops), (left, top), mask)


def glow(image: Image.Image, centre: Point, radius: float, colour: Colour, strength: float) -> None:
    """Light around a point, `strength` from 0 to 1 in its middle."""
    side = max(2, round(radius * 2))
    mask = Image.radial_gradient("L").point(levels(lambda level: 255 * strength * max(0.0, 1 - level / 181) ** 2))
    mask = mask.resize((side, side), Image.Resampling.BILINEAR)
    image.paste(Image.new("RGB", (side, side), colour), (round(centre[0] - radius), round(centre[1] - radius)), mask)


def disc(draw: ImageDraw.ImageDraw, centre: Point, radius: float, colour: Colour | int) -> None:
    """A filled circle."""
    x, y = centre
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def fog(random: Random, size: tuple[int, int], cells: tuple[int, int]) -> Image.Image:
    """Soft patches: a mask of so many cells across and down, in two octaves."""
    layers = []
    for octave in (1, 3):
        columns, rows = cells[0] * octave, cells[1] * octave
        patch = Image.frombytes("L", (columns, rows), random.randbytes(columns * rows))
        layers.append(patch.resize(size, Image.Resampling.BICUBIC))
    return Image.blend(layers[0], layers[1], 0.35)


def grain(image: Image.Image, random: Random, strength: int) -> Image.Image:
    """The picture with the fine grain of paper, at most `strength` levels lighter or darker."""
    steps = bytes(128 - strength + value * (2 * strength + 1) // 256 for value in range(256))
    tile = Image.frombytes("L", (_TILE, _TILE), random.randbytes(_TILE * _TILE).translate(steps))
    sheet = Image.new("L", image.size)
    for top in range(0, image.height, _TILE):
        for left in range(0, image.width, _TILE):
            sheet.paste(tile, (left, top))
    return ImageChops.add(image, Image.merge("RGB", (sheet, sheet, sheet)), offset=-128)


def vignette(image: Image.Image, strength: float) -> Image.Image:
    """The picture with darker corners."""
    fall = levels(lambda level: 255 * (1 - strength * max(0.0, (level - 110) / 145) ** 1.5))
    mask = Image.radial_gradient("L").point(fall).resize(image.size, Image.Resampling.BILINEAR)
    return ImageChops.multiply(image, Image.merge("RGB", (mask, mask, mask)))


def below(line: Sequence[Point], bottom: float) -> list[Point]:
    """The outline of everything under a line."""
    return [*line, (line[-1][0], bottom), (line[0][0], bottom)]


def height_at(line: Sequence[Point], x: float) -> float:
    """The y of a line, from left to right, at an x."""
    index = min(max(bisect(line, x, key=itemgetter(0)), 1), len(line) - 1)
    (left, top), (right, other) = line[index - 1], line[index]
    return top + (other - top) * (x - left) / ((right - left) or 1)


def soften(image: Image.Image, radius: float) -> Image.Image:
    """The picture out of focus."""
    return image.filter(ImageFilter.GaussianBlur(radius))
