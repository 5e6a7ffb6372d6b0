"""One picture from what a request says: the way in to the drawing."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from core.providers.simulated.payloads import pixels


@dataclass(frozen=True, slots=True)
class Sketch:
    """What to draw. `base` is the picture that is edited, `references` are others to be seen in it, all as bytes."""

    prompt: str
    seed: int
    payload: Mapping[str, Any]
    scale: float = 1.0
    base: bytes | None = field(default=None, repr=False)
    references: tuple[bytes, ...] = field(default=(), repr=False)
    media_type: str = "image/png"


def draw(sketch: Sketch) -> bytes:
    """The picture, encoded."""
    image = Image.new("RGB", pixels(sketch.payload, sketch.scale, None), (sketch.seed & 255, 90, 120))
    out = io.BytesIO()
    image.save(out, "JPEG" if sketch.media_type == "image/jpeg" else "PNG")
    return out.getvalue()
