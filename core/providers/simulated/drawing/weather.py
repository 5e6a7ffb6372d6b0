"""What falls from the sky and hangs over the land, as masks."""

from random import Random

from PIL import Image, ImageChops, ImageDraw

from core.providers.simulated.drawing.brush import disc, fog, gradient, levels, soften
from core.providers.simulated.drawing.colours import WHITE, Colour, mix

_FLAKES = ((900, 0.8, 1.8, 150, 0.0), (320, 1.8, 3.6, 215, 0.6), (55, 5.0, 10.0, 200, 3.0))
"""How many, their smallest and largest radius, how white, how far out of focus; lengths in thousandths."""


def snowfall(size: tuple[int, int], random: Random) -> Image.Image:
    """Falling snow: much that is small and far, some that is near and out of focus."""
    unit = min(size) / 1000
    sheet = Image.new("L", size)
    for count, low, high, level, blur in _FLAKES:
        layer = Image.new("L", size)
        draw = ImageDraw.Draw(layer)
        for _ in range(count):
            centre = (random.random() * size[0], random.random() * size[1])
            disc(draw, centre, unit * (low + (high - low) * random.random()), level)
        sheet = ImageChops.lighter(sheet, soften(layer, blur * unit) if blur else layer)
    return sheet


def rainfall(size: tuple[int, int], random: Random) -> Image.Image:
    """Slanting rain."""
    unit = min(size) / 1000
    wide = max(1, round(unit * 1.3))
    sheet = Image.new("L", size)
    draw = ImageDraw.Draw(sheet)
    for _ in range(520):
        x, y = random.random() * size[0] * 1.1, random.random() * size[1]
        length = unit * (18 + 40 * random.random())
        draw.line((x, y, x - length * 0.22, y + length), fill=60 + random.randrange(80), width=wide)
    return sheet


def mist_bank(image: Image.Image, haze: Colour, random: Random, *, at: float, height: float, strength: float) -> None:
    """Lay a bank of mist across the picture at a height."""
    size = (image.width, max(2, round(height)))
    patches = fog(random, size, (5, 2))
    rise = gradient(size, [(0, 0, 0), WHITE, WHITE, (0, 0, 0)]).convert("L")
    mask = Image.composite(patches, Image.new("L", size), rise).point(levels(lambda level: level * strength))
    image.paste(Image.new("RGB", size, mix(haze, WHITE, 0.25)), (0, round(at - height / 2)), mask)
