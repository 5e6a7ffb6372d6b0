"""A new picture: sky, land, and what stands in it."""

from random import Random

from PIL import Image, ImageDraw

from core.providers.simulated.drawing import land
from core.providers.simulated.drawing.brush import Point, chance, fill, glow, grain, height_at, soften, vignette
from core.providers.simulated.drawing.canvas import DETAIL, Canvas
from core.providers.simulated.drawing.colours import MOODS, WHITE, Colour, mix
from core.providers.simulated.drawing.sky import paint_sky, planet
from core.providers.simulated.drawing.stamps import Motif, lamps, motifs, stamp
from core.providers.simulated.drawing.town import paint_town
from core.providers.simulated.drawing.water import paint_islands, paint_water
from core.providers.simulated.drawing.weather import mist_bank, rainfall, snowfall
from core.providers.simulated.drawing.words import Subject, subject

_LIGHT_HEIGHT = {"dusk": 0.86, "sunset": 0.84, "dawn": 0.80, "autumn": 0.6, "desert": 0.55, "neon": 0.78}
"""How far down the sky sun or moon is, where it is not high."""

_GRAINY = 128
"""Pixels: a smaller picture has no grain."""

_ROCK = ((-0.8, -0.15), (-0.6, -0.05), (-0.3, 0.03), (0.1, 0.04), (0.4, 0.02), (0.55, -0.05), (0.85, -0.15))
"""What stands on water where it cannot, in heights of the motif."""


def compose(prompt: str, seed: int, size: tuple[int, int]) -> Image.Image:
    """What the prompt says, by chance where it is silent."""
    random = Random(f"{prompt}/{seed}")  # noqa: S311 - art, not secrets
    told = subject(prompt, random)
    image = Image.new("RGB", (size[0] * DETAIL, size[1] * DETAIL))
    horizon = image.height * (0.60 if told.terrain in ("sea", "city") else 0.56)
    height = _LIGHT_HEIGHT.get(told.mood, 0.24 + 0.14 * random.random())
    light = (image.width * random.choice((0.22, 0.3, 0.68, 0.76)), horizon * height)
    canvas = Canvas(image, MOODS[told.mood], random, horizon, light)
    paint_sky(canvas, told.mood)
    if "space" in (told.terrain, told.mood):
        planet(canvas)
    _place(canvas, told, _paint_land(canvas, told))
    _weather(canvas, told)
    small = vignette(image.reduce(DETAIL), 0.30)
    return grain(small, random, 1) if min(size) > _GRAINY else small


def _paint_land(canvas: Canvas, told: Subject) -> land.Line:
    """Everything below the sky; returns the line that things stand on."""
    open_water = [(0.0, canvas.height * 0.86), (float(canvas.width), canvas.height * 0.86)]
    match told.terrain:
        case "sea":
            paint_islands(canvas)
            paint_water(canvas, canvas.horizon)
            return open_water
        case "city":
            paint_water(canvas, paint_town(canvas))
            if not any(motif.place == "ground" for motif in _motifs(told)):
                return open_water
        case "desert":
            land.paint_dunes(canvas)
        case "mountains":
            land.paint_mountains(canvas)
        case _:
            land.paint_hills(canvas, wooded=told.terrain == "forest")
    if told.terrain in ("forest", "mountains") or told.mood == "mist":
        at, height = canvas.horizon + canvas.height * 0.16, canvas.height * 0.3
        mist_bank(canvas.image, canvas.mood.haze, canvas.random, at=at, height=height, strength=0.5)
    grass = told.terrain not in ("desert", "city", "space")
    return land.paint_ground(canvas, grass=grass, flowers=grass and told.mood in ("meadow", "noon"))


def _place(canvas: Canvas, told: Subject, ground: land.Line) -> None:
    """Put the motifs where they belong: the first at one third, across from the light, the others around it."""
    left = canvas.light[0] > canvas.width / 2
    thirds = (0.34, 0.68, 0.5, 0.16, 0.86) if left else (0.66, 0.32, 0.5, 0.84, 0.14)
    shown = _motifs(told)[: len(thirds)]
    alone_in_portrait = canvas.height > canvas.width * 1.2 and len(shown) == 1
    for index, (motif, share) in enumerate(zip(shown, thirds, strict=False)):
        tall = canvas.unit * motif.size * (1.25 if index == 0 else 0.85) * (0.95 + 0.1 * canvas.random.random())
        x = canvas.width * (0.5 if alone_in_portrait else share)
        foot = (x, _foot(canvas, motif, height_at(ground, x), tall, at_sea=told.terrain == "sea"))
        tall = min(tall, (foot[1] - canvas.height * 0.07) / 1.05)
        _put(canvas, motif, foot, tall, at_sea=told.terrain == "sea")


def _motifs(told: Subject) -> list[Motif]:
    known = motifs()
    return [known[name] for name in told.motifs if name in known]


def _foot(canvas: Canvas, motif: Motif, ground: float, tall: float, *, at_sea: bool) -> float:
    """The height at which a motif stands, floats or flies."""
    match motif.place:
        case "sky":
            return canvas.horizon * (0.62 + 0.2 * canvas.random.random()) + tall * 0.25
        case "water" if at_sea:
            return canvas.horizon + canvas.depth * (0.26 + 0.16 * canvas.random.random())
        case "shore" if at_sea:
            return canvas.horizon + canvas.depth * 0.16
        case _:
            return ground + tall * 0.05


def _put(canvas: Canvas, motif: Motif, foot: Point, tall: float, *, at_sea: bool) -> None:
    image, mood = canvas.image, canvas.mood
    flip = chance(canvas.random, 0.5)
    if at_sea and motif.place == "ground":
        outline = [(foot[0] + x * tall, foot[1] - y * tall) for x, y in _ROCK]
        fill(image, outline, [mix(mood.near, mood.haze, 0.25), mix(mood.near, (0, 0, 0), 0.3)])
    elif at_sea and motif.place != "sky":
        _mirror(canvas, motif, foot, tall, flip=not flip)
    shade = 0.42 if mood.dark else 0.12
    stamp(image, motif, foot, tall, light=mix(mood.near, mood.sky[2], 0.3), shade=shade, flip=flip)
    if mood.dark:
        for at in lamps(motif, foot, tall, flip=flip):
            _lamp(image, at, tall, mix(mood.accent, (255, 220, 150), 0.5))
            if motif.beam:
                _beam(canvas, at, -1 if flip else 1)


def _mirror(canvas: Canvas, motif: Motif, foot: Point, tall: float, *, flip: bool) -> None:
    """The motif upside down in the water, faint."""
    before = canvas.image.copy()
    tint = mix(canvas.mood.sky[1], canvas.mood.near, 0.4)
    stamp(canvas.image, motif, foot, -tall * 0.55, light=tint, shade=0.6, flip=flip)
    canvas.image.paste(Image.blend(before, canvas.image, 0.4))


def _lamp(image: Image.Image, at: Point, unit: float, tint: Colour) -> None:
    glow(image, at, unit * 0.30, tint, 0.55)
    glow(image, at, unit * 0.07, WHITE, 0.9)


def _beam(canvas: Canvas, lamp: Point, direction: int) -> None:
    """A lighthouse's light over the sea, fading as it widens."""
    mask = Image.new("L", canvas.image.size)
    draw = ImageDraw.Draw(mask)
    x, y = lamp
    steps = 36
    for step in range(steps, 0, -1):
        share = step / steps
        reach = canvas.width * 0.95 * share
        end = x + reach * direction
        draw.polygon([lamp, (end, y - reach * 0.13), (end, y + reach * 0.015)], fill=round(120 * (1 - share) ** 1.3))
    tint = mix(canvas.mood.light, WHITE, 0.3)
    canvas.image.paste(Image.new("RGB", mask.size, tint), (0, 0), soften(mask, canvas.unit * 0.012))


def _weather(canvas: Canvas, told: Subject) -> None:
    size = canvas.image.size
    if told.snow:
        canvas.image.paste(Image.new("RGB", size, WHITE), (0, 0), snowfall(size, canvas.random))
    if told.rain:
        canvas.image.paste(Image.new("RGB", size, (205, 216, 228)), (0, 0), rainfall(size, canvas.random))
