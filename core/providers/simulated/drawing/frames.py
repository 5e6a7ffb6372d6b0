"""Reference pictures, seen in the new one as prints lying on it."""

from collections.abc import Sequence
from random import Random

from PIL import Image, ImageDraw, ImageFilter, ImageOps, ImageStat

from core.providers.simulated.drawing.brush import levels

_MOST = 6
"""Prints beyond this many would hide the picture."""


def lay_out(image: Image.Image, references: Sequence[Image.Image], random: Random) -> None:
    """Lay small prints of the references along the lower edge, on the calmer side."""
    shown = references[:_MOST]
    if not shown:
        return
    side = min(image.size) * min(0.30, 0.16 + 0.30 / (len(shown) + 1))
    pitch = min(side * 1.12, (image.width * 0.88 - side) / max(1, len(shown) - 1))
    wide = side + pitch * (len(shown) - 1)
    places = (image.width * 0.06, image.width * 0.94 - wide)
    top, bottom = round(image.height * 0.93 - side), round(image.height * 0.93)
    left = min(places, key=lambda x: busyness(image.crop((round(x), top, round(x + wide), bottom))))
    for index, reference in enumerate(shown):
        card = _print(reference, max(8, round(side)), 7 * (random.random() - 0.5) + (-3 if index % 2 else 3))
        corner = (round(left + index * pitch), round(image.height * 0.93 - card.height))
        _shadow(image, card, corner, side)
        image.paste(card, corner, card)


def busyness(image: Image.Image) -> float:
    """How much there is to be seen in a part of a picture, from 0 for one flat colour."""
    return sum(ImageStat.Stat(image).stddev)


def _print(reference: Image.Image, side: int, turn: float) -> Image.Image:
    """A picture with a white border, a little turned."""
    shape = (side, side * 3 // 4) if reference.width >= reference.height else (side * 3 // 4, side)
    border = max(1, side // 22)
    photo = ImageOps.fit(reference, shape, Image.Resampling.LANCZOS)
    card = Image.new("RGBA", (shape[0] + 2 * border, shape[1] + 2 * border), (252, 250, 245, 255))
    card.paste(photo, (border, border))
    return card.rotate(turn, Image.Resampling.BICUBIC, expand=True)


def _shadow(image: Image.Image, card: Image.Image, corner: tuple[int, int], side: float) -> None:
    blur = max(1, round(side * 0.03))
    mask = Image.new("L", (card.width + 6 * blur, card.height + 6 * blur))
    mask.paste(card.getchannel("A").point(levels(lambda level: level * 0.5)), (3 * blur, 3 * blur))
    mask = mask.filter(ImageFilter.GaussianBlur(blur))
    dark = Image.new("RGB", mask.size, (8, 8, 16))
    image.paste(dark, (corner[0] - 2 * blur, corner[1] - round(1.5 * blur)), mask)


def outline(image: Image.Image) -> None:
    """A mat around the whole picture."""
    wide = max(1, round(min(image.size) * 0.045))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, image.width - 1, image.height - 1), outline=(250, 247, 240), width=wide)
    draw.rectangle(
        (wide, wide, image.width - 1 - wide, image.height - 1 - wide), outline=(60, 54, 50), width=max(1, wide // 12)
    )
