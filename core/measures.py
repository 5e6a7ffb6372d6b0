"""Whether a picture came out as large, and of the shape, that was asked for."""

from math import sqrt

from core.pictures import Picture
from core.replies import say
from core.turns import NodeImage, Turn

SHAPE_TOLERANCE = 0.04
"""Models round the sides to what they draw in: 1408 × 768 is their 16:9."""
KEPT_TOLERANCE = 0.08
"""For an edit without a ratio, where both pictures may have been rounded."""
SIZE_TOLERANCE = 0.6
"""Of the mean side. The sizes are a factor of two apart, and each keeps its area, within a tenth, whatever the shape:
1K is 1024 × 1024, 1376 × 768 and 3072 × 384. A service that means the longest side passes as far as 21:9."""


def mismatch(turn: Turn, picture: Picture, edited: NodeImage | None) -> str:
    """What to say of a picture that is not as it was asked for; empty where there is nothing to say.

    A turn that asks for no ratio is to keep the shape of the picture that is `edited`, where there is one.
    """
    options, got = turn.options, _sides(picture)
    missed = []
    if options.aspect_ratio and _differ(picture, *_ratio(options.aspect_ratio), SHAPE_TOLERANCE):
        missed.append(options.aspect_ratio)
    if options.size and (side := _side(options.size)):
        mean = sqrt(picture.width * picture.height)
        if max(mean / side, side / mean) > 1 + SIZE_TOLERANCE:
            missed.append(options.size)
    if missed:
        return say(turn.locale, "note.shape", asked=" ".join(missed), got=got)
    known = edited is not None and edited.width and edited.height
    if edited and known and not options.aspect_ratio and _differ(picture, edited.width, edited.height, KEPT_TOLERANCE):
        return say(turn.locale, "note.not_kept", before=_sides(edited), got=got)
    return ""


def _differ(picture: Picture, width: int, height: int, tolerance: float) -> bool:
    """Whether a picture has another shape than something of these sides."""
    change = picture.width / picture.height / (width / height)
    return max(change, 1 / change) > 1 + tolerance


def _ratio(text: str) -> tuple[int, int]:
    width, height = text.split(":")
    return int(width), int(height)


def _side(size: str) -> int:
    """The mean side of a size in pixels: 512 for `512`, 2048 for `2K`; 0 for a name that says nothing of it."""
    number = size.removesuffix("K")
    if not (number.isascii() and number.isdecimal()):
        return 0
    return int(number) * (1 if number == size else 1024)


def _sides(image: Picture | NodeImage) -> str:
    return f"{image.width} × {image.height}"
