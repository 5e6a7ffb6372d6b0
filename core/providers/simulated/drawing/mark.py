"""The small word in a corner that says what the picture is not."""

from functools import cache

from PIL import Image, ImageDraw, ImageFont

from core.providers.simulated.drawing.colours import WHITE

_TEXT = "simulated"
_SMALLEST = 96
"""Pixels; a shorter side has no room for words."""


def mark(image: Image.Image) -> None:
    """Say that the picture is simulated."""
    unit = min(image.size)
    if unit < _SMALLEST:
        return
    font = _font(max(9, round(unit * 0.019)))
    left, top, right, bottom = font.getbbox(_TEXT)
    wide, high = right - left, bottom - top
    pad, margin = high * 0.75, unit * 0.02
    box = (image.width - margin - wide - 2 * pad, image.height - margin - high - 2 * pad)
    label = Image.new("L", (round(wide + 2 * pad), round(high + 2 * pad)))
    ImageDraw.Draw(label).rounded_rectangle(
        (0, 0, label.width - 1, label.height - 1), radius=label.height / 2, fill=110
    )
    corner = (round(box[0]), round(box[1]))
    image.paste(Image.new("RGB", label.size, (12, 12, 20)), corner, label)
    ImageDraw.Draw(image).text((corner[0] + pad - left, corner[1] + pad - top), _TEXT, font=font, fill=WHITE)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
