"""Things to be seen: their shapes, and how they are put into a picture."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from core.providers.simulated.drawing.brush import Point, smooth
from core.providers.simulated.drawing.colours import Colour, colour, mix

_FILE = Path(__file__).with_name("motifs.toml")


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape of a motif: "flat" for a polygon, "soft" for a curve through the points, "oval" for their box's."""

    kind: str
    tint: Colour
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Motif:
    """A thing, of shapes from back to front. `motifs.toml` says what the rest means."""

    shapes: tuple[Shape, ...]
    place: str
    size: float
    lamps: tuple[Point, ...]
    beam: bool


@cache
def motifs() -> Mapping[str, Motif]:
    """All motifs by name."""
    return {name: _motif(told) for name, told in tomllib.loads(_FILE.read_text(encoding="utf-8")).items()}


def stamp(
    image: Image.Image, motif: Motif, foot: Point, height: float, *, light: Colour, shade: float, flip: bool
) -> None:
    """Paint a motif standing at a point; `shade` from 0 to 1 is how much its colours take on the light around."""
    draw = ImageDraw.Draw(image)
    side = -height if flip else height
    for shape in motif.shapes:
        points = [(foot[0] + x * side, foot[1] - y * height) for x, y in shape.points]
        tint = mix(shape.tint, light, shade)
        if shape.kind == "oval":
            (left, top), (right, bottom) = points
            draw.ellipse((min(left, right), min(top, bottom), max(left, right), max(top, bottom)), fill=tint)
        else:
            draw.polygon(smooth(points) if shape.kind == "soft" else points, fill=tint)


def lamps(motif: Motif, foot: Point, height: float, *, flip: bool) -> Sequence[Point]:
    """Where a stamped motif shines."""
    side = -height if flip else height
    return [(foot[0] + x * side, foot[1] - y * height) for x, y in motif.lamps]


def _motif(told: Mapping[str, Any]) -> Motif:
    return Motif(
        shapes=tuple(_shape(line) for line in told["shapes"].splitlines()),
        place=told.get("place", "ground"),
        size=told.get("size", 0.36),
        lamps=tuple((x, y) for x, y in told.get("lamps", ())),
        beam=told.get("beam", False),
    )


def _shape(line: str) -> Shape:
    kind, tint, *numbers = line.split()
    values = [float(number) for number in numbers]
    return Shape(kind, colour(tint), tuple(zip(values[::2], values[1::2], strict=True)))
