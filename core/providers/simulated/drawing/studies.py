"""One picture from what a request says: the way in to the drawing."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from PIL import Image, ImageOps

from core.providers.simulated.drawing.composition import compose
from core.providers.simulated.drawing.edits import edit
from core.providers.simulated.drawing.frames import lay_out
from core.providers.simulated.drawing.mark import mark
from core.providers.simulated.drawing.words import is_instruction
from core.providers.simulated.payloads import pixels

_LARGEST = 1536
"""The longer side that is really drawn, in pixels; what is asked larger is enlarged."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """What to draw. `base` is the picture that is edited, `references` are others to be seen in it, all as bytes."""

    prompt: str
    seed: int
    payload: Mapping[str, Any]
    scale: float = 1.0
    base: bytes | None = field(default=None, repr=False)
    references: tuple[bytes, ...] = field(default=(), repr=False)
    file_type: str = "png"


def draw(sketch: Sketch) -> bytes:
    """The picture, encoded. Takes about a second at full size, so it belongs in a thread."""
    base, references = _open([sketch.base] if sketch.base else []), _open(sketch.references)
    if not base and references and is_instruction(sketch.prompt):
        base, references = references[:1], references[1:]
    size = pixels(sketch.payload, sketch.scale, base[0].size if base else None)
    drawn = _drawn_size(size)
    if base:
        fitted = ImageOps.fit(base[0], drawn, Image.Resampling.LANCZOS)
        image = edit(fitted, sketch.prompt, sketch.seed)
    else:
        image = compose(sketch.prompt, sketch.seed, drawn)
    lay_out(image, references, Random(sketch.seed))  # noqa: S311 - art, not secrets
    if drawn != size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    mark(image)
    return _encode(image, sketch.file_type)


def _drawn_size(size: tuple[int, int]) -> tuple[int, int]:
    factor = min(1.0, _LARGEST / max(size))
    return round(size[0] * factor), round(size[1] * factor)


def _open(files: Iterable[bytes]) -> list[Image.Image]:
    """The pictures among the files; what cannot be decoded is left out."""
    opened = []
    for data in files:
        try:
            with Image.open(io.BytesIO(data)) as image:
                opened.append(ImageOps.exif_transpose(image).convert("RGB"))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            continue
    return opened


def _encode(image: Image.Image, file_type: str) -> bytes:
    out = io.BytesIO()
    if file_type == "jpeg":
        image.save(out, "JPEG", quality=90)
    else:
        image.save(out, "PNG")
    return out.getvalue()
