"""The sky with its sun or moon, its stars and clouds."""

import math
from random import Random

from PIL import Image, ImageChops, ImageDraw

from core.providers.simulated.drawing.brush import Point, chance, disc, fog, glow, gradient, levels, soften
from core.providers.simulated.drawing.canvas import Canvas
from core.providers.simulated.drawing.colours import WHITE, Colour, Mood, mix

_MOONLIT = ("night", "aurora", "space", "storm")
_LOW_SUN = ("dusk", "sunset", "dawn", "autumn", "desert")
_BRIGHT_STAR = 0.45


def paint_sky(canvas: Canvas, kind: str) -> None:
    """Fill the picture with sky down to the horizon and haze below it; `kind` is the mood's name."""
    image, mood, random = canvas.image, canvas.mood, canvas.random
    image.paste(gradient((canvas.width, round(canvas.horizon)), mood.sky), (0, 0))
    image.paste(mood.haze, (0, round(canvas.horizon), canvas.width, canvas.height))
    if mood.dark:
        stars(image, random, canvas.horizon * 0.85, 360 if kind in ("space", "night") else 120)
    if kind == "space":
        _nebula(canvas)
    if kind == "aurora":
        aurora(image, mood.accent, random, canvas.horizon)
    if kind in _MOONLIT:
        moon(image, canvas.light, canvas.unit * 0.055, mood, crescent=chance(random, 0.35))
    elif kind == "neon":
        _striped_sun(canvas)
    else:
        _sun(canvas, low=kind in _LOW_SUN)
    if kind not in ("space", "neon"):
        _clouds(canvas, heavy=kind == "storm")


def stars(image: Image.Image, random: Random, down_to: float, count: int) -> None:
    """Stars, most of them faint, down to a height."""
    draw = ImageDraw.Draw(image)
    unit = min(image.size) / 1000
    for _ in range(count):
        at = (random.random() * image.width, random.random() ** 1.4 * down_to)
        size = random.random() ** 6
        if size > _BRIGHT_STAR:
            glow(image, at, unit * 14 * size + 1, WHITE, 0.5)
        disc(draw, at, unit * (0.6 + 2.0 * size), mix((140, 150, 200), WHITE, random.random()))


def moon(image: Image.Image, at: Point, radius: float, mood: Mood, *, crescent: bool) -> None:
    """The moon in its light."""
    glow(image, at, radius * 7, mix(mood.light, mood.sky[-1], 0.4), 0.45)
    glow(image, at, radius * 2.4, mood.light, 0.5)
    side = math.ceil(radius * 2)
    mask = _round_mask(side)
    if crescent:
        ImageDraw.Draw(mask).ellipse((side * 0.28, -side * 0.1, side * 1.2, side * 0.82), fill=0)
    face = gradient((side, side), [mood.light, mix(mood.light, mood.sky[1], 0.18)])
    marks = ImageDraw.Draw(face)
    for x, y, size in ((0.35, 0.35, 0.13), (0.62, 0.55, 0.18), (0.38, 0.7, 0.09), (0.68, 0.28, 0.07)):
        disc(marks, (x * side, y * side), size * side, mix(mood.light, mood.sky[1], 0.14))
    image.paste(face, (round(at[0] - radius), round(at[1] - radius)), mask)


def aurora(image: Image.Image, accent: Colour, random: Random, down_to: float) -> None:
    """Curtains of light above a height."""
    for band, tint in enumerate((accent, (120, 220, 255), (190, 120, 255))):
        curtain = _curtain(random, foot=40 - band * 9)
        size = (image.width, round(down_to))
        mask = soften(curtain.resize(size, Image.Resampling.BICUBIC), min(image.size) * 0.006)
        image.paste(Image.new("RGB", size, tint), (0, 0), mask)


def planet(canvas: Canvas) -> None:
    """A planet in its ring, across from the light."""
    image, mood, random = canvas.image, canvas.mood, canvas.random
    x, y, radius = canvas.width - canvas.light[0], canvas.horizon * 0.42, canvas.unit * 0.13
    side = round(radius * 2)
    face = gradient((side, side), [mix(mood.accent, random.choice(mood.sky), random.random()) for _ in range(7)])
    lit = Image.radial_gradient("L").resize((side * 2, side * 2))
    lit = lit.crop((side * 5 // 8, side * 5 // 8, side * 5 // 8 + side, side * 5 // 8 + side))
    night = lit.point(levels(lambda level: min(235, (level - 60) * 2.2)))
    face = Image.composite(Image.new("RGB", face.size, mood.sky[0]), face, night)
    glow(image, (x, y), radius * 1.8, mood.accent, 0.35)
    draw = ImageDraw.Draw(image)
    band, wide = mix(mood.light, mood.accent, 0.35), max(1, round(radius * 0.09))
    ring = (x - radius * 1.9, y - radius * 0.42, x + radius * 1.9, y + radius * 0.42)
    draw.arc(ring, 180, 360, fill=mix(band, mood.sky[1], 0.4), width=wide)
    image.paste(face, (round(x - radius), round(y - radius)), _round_mask(side))
    draw.arc(ring, 0, 180, fill=band, width=wide)


def _curtain(random: Random, foot: float) -> Image.Image:
    """One curtain of an aurora, small."""
    curtain = Image.new("L", (96, 64))
    draw = ImageDraw.Draw(curtain)
    phase, swing = random.random() * math.tau, 5 + random.random() * 7
    for x in range(curtain.width):
        turn = x / curtain.width
        low = foot + math.sin(turn * 7 + phase) * swing + math.sin(turn * 17 + phase) * 2
        height = 16 + 12 * math.sin(turn * 11 + phase * 2) ** 2
        flicker = 0.55 + 0.45 * random.random()
        for y in range(max(0, round(low - height)), min(curtain.height, round(low))):
            draw.point((x, y), round(150 * flicker * (y - low + height) / height))
    return curtain


def _nebula(canvas: Canvas) -> None:
    """Coloured clouds of dust."""
    size = canvas.image.size
    for tint in (canvas.mood.accent, (214, 84, 160), (90, 90, 220)):
        patch = fog(canvas.random, size, (4, 3)).point(levels(lambda level: (level - 120) * 0.75))
        canvas.image.paste(Image.new("RGB", size, tint), (0, 0), patch)
    stars(canvas.image, canvas.random, canvas.height * 0.9, 160)


def _clouds(canvas: Canvas, *, heavy: bool) -> None:
    """Streaks of cloud, faint at the top and at the horizon."""
    size = (canvas.width, round(canvas.horizon * 0.95))
    floor, gain = (90, 1.5) if heavy else (128, 1.9)
    streaks = fog(canvas.random, size, (3, 13)).point(levels(lambda level: min(210, (level - floor) * gain)))
    fade = gradient(size, [(60, 60, 60), (230, 230, 230), WHITE, (70, 70, 70)]).convert("L")
    canvas.image.paste(Image.new("RGB", size, canvas.mood.cloud), (0, 0), ImageChops.multiply(streaks, fade))


def _sun(canvas: Canvas, *, low: bool) -> None:
    image, at, unit, light = canvas.image, canvas.light, canvas.unit, canvas.mood.light
    glow(image, at, unit * (0.75 if low else 0.5), light, 0.75 if low else 0.5)
    glow(image, at, unit * 0.22, light, 0.7)
    disc(ImageDraw.Draw(image), at, unit * (0.062 if low else 0.045), mix(light, WHITE, 0.5))


def _striped_sun(canvas: Canvas) -> None:
    radius, (x, y) = canvas.unit * 0.2, canvas.light
    glow(canvas.image, (x, y), radius * 2.6, canvas.mood.sky[3], 0.7)
    side = round(radius * 2)
    mask = _round_mask(side)
    draw = ImageDraw.Draw(mask)
    for stripe in range(7):
        top = side * (0.48 + stripe * 0.08)
        draw.rectangle((0, top, side, top + side * (0.008 + 0.006 * stripe)), fill=0)
    face = gradient((side, side), [canvas.mood.light, (255, 150, 90), (255, 60, 140)])
    canvas.image.paste(face, (round(x - radius), round(y - radius)), mask)


def _round_mask(side: int) -> Image.Image:
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).ellipse((0, 0, side - 1, side - 1), fill=255)
    return mask
