"""What all parts of a new picture share."""

from dataclasses import dataclass
from random import Random

from PIL import Image

from core.providers.simulated.drawing.brush import Point
from core.providers.simulated.drawing.colours import Mood

DETAIL = 2
"""Everything is drawn this much larger than it is shown, for smooth edges."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """The picture, its mood and its chance. `horizon` is a height, `light` the place of sun or moon, in pixels."""

    image: Image.Image
    mood: Mood
    random: Random
    horizon: float
    light: Point

    @property
    def width(self) -> int:
        """In pixels."""
        return self.image.width

    @property
    def height(self) -> int:
        """In pixels."""
        return self.image.height

    @property
    def unit(self) -> float:
        """The shorter side, in pixels: what sizes are relative to."""
        return float(min(self.image.size))

    @property
    def depth(self) -> float:
        """From the horizon to the lower edge, in pixels."""
        return self.height - self.horizon
