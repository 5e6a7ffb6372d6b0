"""The land under the sky, from far to near: ridges, woods, dunes, and the ground in front."""

import math
from itertools import pairwise
from random import Random
from typing import TypeAlias

from PIL import ImageDraw

from core.providers.simulated.drawing.brush import Point, below, chance, disc, fill, height_at, wave
from core.providers.simulated.drawing.canvas import Canvas
from core.providers.simulated.drawing.colours import WHITE, Colour, mix

Line: TypeAlias = list[Point]

_BLACK: Colour = (0, 0, 0)
_WOODED = 0.6
"""From how near on, 0 to 1, the feet of mountains have trees and no more crags."""


def ridge(
    canvas: Canvas, base: float, height: float, *, octaves: int = 4, sharp: bool = False, first: float = 2.0
) -> Line:
    """A line of hills across the picture, from `base` upwards by at most `height`."""
    count = min(260, canvas.width)
    step = canvas.width / (count - 1)
    heights = wave(canvas.random, count, octaves, first=first, sharp=sharp)
    return [(index * step, base - up * height) for index, up in enumerate(heights)]


def paint_mountains(canvas: Canvas) -> None:
    """Five ranges, the farther ones capped with snow, the nearer ones wooded."""
    mood = canvas.mood
    for layer in range(5):
        near = layer / 4
        base, rise = _base(canvas, near), canvas.height * (0.30 - 0.20 * near)
        line = ridge(canvas, base, rise, octaves=6, sharp=near < _WOODED, first=2.2)
        tone = _tone(canvas, near)
        fill(canvas.image, below(line, canvas.height), [tone, mix(tone, mood.haze, 0.45 * (1 - near) + 0.05)])
        if layer in (0, 1):
            _snow_caps(canvas, line, base, rise, mix(WHITE, mood.haze, 0.35 + 0.15 * layer))
        if near > _WOODED:
            _conifers(canvas, line, tone, canvas.height * (0.05 + 0.13 * near), density=0.45)


def paint_hills(canvas: Canvas, *, wooded: bool) -> None:
    """Four soft hills."""
    for layer in range(4):
        near = layer / 3
        rise = canvas.height * (0.12 + 0.03 * near)
        line = ridge(canvas, _base(canvas, near), rise, octaves=2, first=1.4)
        tone = _tone(canvas, near)
        foot = mix(tone, canvas.mood.haze, 0.45 * (1 - near) + 0.05)
        fill(canvas.image, below(line, canvas.height), [tone, foot])
        if wooded:
            _conifers(canvas, line, tone, canvas.height * (0.05 + 0.13 * near), density=0.92)


def paint_dunes(canvas: Canvas) -> None:
    """Five dunes, in the shade on one side of their crest."""
    mood, random = canvas.mood, canvas.random
    for layer in range(5):
        near = layer / 4
        base = canvas.horizon + canvas.depth * (0.06 + 0.66 * near**1.2)
        line = ridge(canvas, base, canvas.height * (0.06 + 0.10 * near), octaves=1, first=1.6 + random.random())
        tone = mix(mix(mood.far, mood.haze, 0.3 * (1 - near)), mood.near, near * 0.75)
        fill(canvas.image, below(line, canvas.height), [mix(tone, mood.light, 0.30), mix(tone, mood.near, 0.35)])
        fall = canvas.height * 0.09 * (0.4 + near)
        shade = [(x, y + max(0.0, math.sin(x / canvas.width * 5 + layer * 2)) * fall) for x, y in line]
        fill(canvas.image, [*line, *reversed(shade)], [mix(tone, mood.near, 0.40), mix(tone, mood.near, 0.15)])


def paint_ground(canvas: Canvas, *, grass: bool, flowers: bool) -> Line:
    """The hill we stand on; returns its line."""
    mood = canvas.mood
    line = ridge(canvas, canvas.height * 0.95, canvas.height * 0.11, octaves=1, first=1.2)
    tone = mix(mood.near, _BLACK, 0.18)
    fill(canvas.image, below(line, canvas.height), [mix(tone, mood.far, 0.22), mix(tone, _BLACK, 0.35)])
    if grass:
        _grass(canvas, line, mix(tone, mood.far, 0.25), mood.accent if flowers else mood.far)
    if flowers:
        _bloom(canvas, line)
    return line


def _base(canvas: Canvas, near: float) -> float:
    """Where the foot of a layer of land is, by how near it is from 0 to 1."""
    return canvas.horizon + canvas.depth * (0.02 + 0.62 * near * math.sqrt(near)) + canvas.height * 0.02


def _tone(canvas: Canvas, near: float) -> Colour:
    """The colour of a layer of land, by how near it is from 0 to 1."""
    mood = canvas.mood
    return mix(mix(mood.far, mood.haze, 0.35 * (1 - near)), mood.near, near**0.9)


def _snow_caps(canvas: Canvas, line: Line, base: float, rise: float, tint: Colour) -> None:
    jag = wave(canvas.random, len(line), 7, first=30, sharp=True)
    snowline = base - rise * 0.62
    draw = ImageDraw.Draw(canvas.image)
    for ((left, top), (right, other)), depth in zip(pairwise(line), jag, strict=False):
        foot = max(top, snowline + (depth - 0.5) * rise * 0.28)
        if foot > top:
            draw.polygon([(left, top), (right + 1, other), (right + 1, max(other, foot)), (left, foot)], fill=tint)


def _conifers(canvas: Canvas, line: Line, tone: Colour, height: float, *, density: float) -> None:
    """Firs along a line, half hidden in it."""
    draw, random = ImageDraw.Draw(canvas.image), canvas.random
    x = -height * random.random()
    while x < canvas.width + height:
        tall = height * (0.55 + 0.6 * random.random())
        foot = height_at(line, min(max(x, 0), canvas.width)) + height * 0.12
        _conifer(draw, (x, foot), tall, mix(tone, _BLACK, 0.12 * random.random()), random)
        x += height * (0.16 + 0.22 * random.random()) * (1 if chance(random, density) else 6)


def _conifer(draw: ImageDraw.ImageDraw, foot: Point, height: float, tone: Colour, random: Random) -> None:
    x, y = foot
    draw.rectangle((x - height * 0.02, y - height * 0.2, x + height * 0.02, y), fill=mix(tone, _BLACK, 0.3))
    tiers = 6
    for tier in range(tiers):
        low = y - height * (0.08 + 0.84 * tier / tiers)
        half = height * (0.21 - 0.19 * tier / tiers) * (0.9 + 0.2 * random.random())
        side = low + half * 0.22
        draw.polygon([(x - half, side), (x, low - height * 0.27), (x + half, side), (x, low)], fill=tone)


def _grass(canvas: Canvas, line: Line, blade: Colour, tip: Colour) -> None:
    draw, random, unit = ImageDraw.Draw(canvas.image), canvas.random, canvas.unit
    wide = max(1, round(unit * 0.0018))
    for _ in range(round(min(420, unit) * canvas.width / unit)):
        x, y = _somewhere(canvas, line, random.random() * random.random())
        tall = unit * (0.012 + 0.02 * random.random())
        lean = tall * (random.random() - 0.5)
        draw.line((x, y + 2, x + lean, y - tall), fill=mix(blade, tip, 0.25 * random.random()), width=wide)


def _bloom(canvas: Canvas, line: Line) -> None:
    draw, random, accent = ImageDraw.Draw(canvas.image), canvas.random, canvas.mood.accent
    yolk = (255, 214, 92)
    for _ in range(round(min(170, canvas.unit) * canvas.width / canvas.unit)):
        depth = random.random()
        x, y = _somewhere(canvas, line, depth)
        size = canvas.unit * (0.004 + 0.008 * depth)
        tint = mix(accent, random.choice((WHITE, yolk, accent, (240, 120, 160))), 0.7 * random.random())
        for petal in range(5):
            turn = petal * math.tau / 5
            disc(draw, (x + math.cos(turn) * size, y + math.sin(turn) * size * 0.7), size * 0.7, tint)
        disc(draw, (x, y), size * 0.55, yolk)


def _somewhere(canvas: Canvas, line: Line, depth: float) -> Point:
    """A place on the ground, `depth` from 0 on its line to 1 at the lower edge."""
    x = canvas.random.random() * canvas.width
    top = height_at(line, x)
    return x, top + (canvas.height - top) * depth
