"""A picture built on another: what the words ask for is done to it, and it stays recognisable."""

from collections.abc import Callable, Mapping
from random import Random
from typing import TypeAlias

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageOps, ImageStat

from core.providers.simulated.drawing.brush import chance, disc, glow, gradient, levels, soften, vignette
from core.providers.simulated.drawing.canvas import DETAIL
from core.providers.simulated.drawing.colours import MOODS, WHITE, Colour, brightness, mix
from core.providers.simulated.drawing.frames import busyness, outline
from core.providers.simulated.drawing.openness import open_sky
from core.providers.simulated.drawing.sky import aurora, moon, stars
from core.providers.simulated.drawing.stamps import motifs, stamp
from core.providers.simulated.drawing.weather import mist_bank, rainfall, snowfall
from core.providers.simulated.drawing.words import motifs_named, words

Change: TypeAlias = Callable[[Image.Image, Random], Image.Image]

_DIM = 0.3
"""Surroundings darker than this, from 0 to 1, darken what is put into them."""

_TINTS: Mapping[str, Colour] = {
    "red": (214, 40, 57),
    "orange": (244, 132, 40),
    "yellow": (248, 205, 70),
    "green": (56, 158, 92),
    "teal": (30, 150, 150),
    "blue": (45, 105, 210),
    "purple": (125, 70, 190),
    "violet": (125, 70, 190),
    "pink": (240, 110, 165),
    "brown": (130, 84, 50),
    "gold": (226, 172, 60),
    "golden": (226, 172, 60),
}


def edit(base: Image.Image, prompt: str, seed: int) -> Image.Image:
    """The picture as the words change it; words that mean nothing here turn its colours and put something into it."""
    random = Random(f"{prompt}/{seed}")  # noqa: S311 - art, not secrets
    said = words(prompt)
    image = base.convert("RGB")
    changes = list(dict.fromkeys(_CHANGES[word] for word in said if word in _CHANGES))
    for change in changes:
        image = change(image, random)
    tints = [_TINTS[word] for word in said if word in _TINTS]
    if tints:
        image = _tinted(image, tints[0])
    named = [name for name in motifs_named(prompt) if name in motifs()]
    if not (changes or tints or named):
        image = _shifted(image, random)
        named = [random.choice(("birds", "balloon", "crystal", "orb", "cairn"))]
    for name in named[:3]:
        _insert(image, name, random)
    return image


def _night(image: Image.Image, random: Random) -> Image.Image:
    """Darker and bluer, the sky a night sky with stars and a moon."""
    lightness = brightness(_mean(image))
    floor = mix((136, 144, 194), (84, 96, 156), lightness)
    dark = ImageChops.multiply(ImageEnhance.Color(image).enhance(0.7), Image.new("RGB", image.size, floor))
    dark = Image.blend(dark, Image.new("RGB", image.size, (14, 20, 56)), 0.12)
    mood = MOODS["night"]
    above = gradient(image.size, [*mood.sky, mood.sky[-1]])
    layer = Image.blend(soften(dark, min(image.size) * 0.02), above, 0.72)
    stars(layer, random, image.height * 0.6, 150)
    at = (image.width * random.choice((0.16, 0.5, 0.84)), image.height * (0.14 + 0.06 * random.random()))
    moon(layer, at, min(image.size) * 0.055, mood, crescent=chance(random, 0.5))
    return Image.composite(layer, dark, open_sky(image))


def _snow(image: Image.Image, random: Random) -> Image.Image:
    """Colder, white on what faces up and on the ground, and flakes in the air."""
    cold = ImageEnhance.Color(image).enhance(0.72)
    cold = Image.blend(cold, Image.new("RGB", image.size, (206, 220, 236)), 0.14)
    white = Image.new("RGB", image.size, (247, 250, 255))
    ground = Image.linear_gradient("L").resize(image.size).point(levels(lambda level: (level - 175) * 1.5))
    snowy = Image.composite(white, cold, ImageChops.lighter(_upper_edges(image), ground))
    return Image.composite(white, snowy, snowfall(image.size, random))


def _upper_edges(image: Image.Image) -> Image.Image:
    """A mask of where something dark begins below something light."""
    unit = min(image.size)
    grey = soften(image.convert("L"), max(1.0, unit / 700))
    step = max(1, round(unit / 170))
    lower = ImageChops.offset(grey, 0, step)
    lower.paste(grey.crop((0, 0, grey.width, step)), (0, 0))
    edges = ImageChops.subtract(lower, grey).point(levels(lambda level: (level - 12) * 9))
    return soften(edges, max(0.6, unit / 900))


def _rain(image: Image.Image, random: Random) -> Image.Image:
    grey = Image.blend(ImageEnhance.Color(image).enhance(0.5), Image.new("RGB", image.size, (52, 64, 78)), 0.38)
    return Image.composite(Image.new("RGB", image.size, (205, 216, 228)), grey, rainfall(image.size, random))


def _mist(image: Image.Image, random: Random) -> Image.Image:
    pale = Image.blend(ImageEnhance.Contrast(image).enhance(0.75), Image.new("RGB", image.size, (214, 222, 222)), 0.22)
    for at in (0.55, 0.72, 0.88):
        mist_bank(pale, (228, 232, 230), random, at=image.height * at, height=image.height * 0.34, strength=0.8)
    return pale


def _warm(image: Image.Image, random: Random) -> Image.Image:
    """The light of a low sun."""
    light = gradient(image.size, [(255, 176, 150), (255, 196, 130), (255, 220, 150), (226, 140, 120)])
    warm = Image.blend(image, ImageChops.multiply(image, light), 0.75)
    warm = ImageChops.screen(warm, gradient(image.size, [(70, 16, 52), (96, 40, 18), (40, 14, 8)]))
    at = (image.width * random.choice((0.15, 0.85)), image.height * 0.42)
    glow(warm, at, min(image.size) * 0.8, (255, 214, 140), 0.6)
    return warm


def _autumn(image: Image.Image, random: Random) -> Image.Image:
    amber = _tinted(image, (226, 122, 44), 0.55)
    draw = ImageDraw.Draw(amber)
    unit = min(image.size)
    for _ in range(130):
        centre = (random.random() * image.width, random.random() * image.height)
        tint = random.choice(((200, 64, 31), (233, 150, 40), (247, 190, 70), (150, 50, 30)))
        disc(draw, centre, unit * (0.003 + 0.007 * random.random()), tint)
    return amber


def _storm(image: Image.Image, random: Random) -> Image.Image:
    dark = ImageEnhance.Contrast(_rain(image, random)).enhance(1.2)
    draw = ImageDraw.Draw(dark)
    x, y = image.width * (0.25 + 0.5 * random.random()), 0.0
    unit = min(image.size)
    bolt = [(x, y)]
    while y < image.height * 0.55:
        x, y = x + unit * 0.09 * (random.random() - 0.5), y + unit * (0.02 + 0.04 * random.random())
        bolt.append((x, y))
    glow(dark, bolt[len(bolt) // 2], unit * 0.6, (190, 200, 255), 0.5)
    draw.line(bolt, fill=(244, 246, 255), width=max(1, round(unit * 0.005)), joint="curve")
    return dark


def _grey(image: Image.Image, _: Random) -> Image.Image:
    return ImageEnhance.Contrast(ImageOps.grayscale(image)).enhance(1.15).convert("RGB")


def _old(image: Image.Image, _: Random) -> Image.Image:
    tones = ImageOps.colorize(ImageOps.grayscale(image), (44, 28, 18), (250, 236, 208), mid=(160, 122, 84))
    return vignette(tones, 0.7)


def _closer(image: Image.Image, _: Random) -> Image.Image:
    inset = (image.width * 0.16, image.height * 0.22, image.width * 0.84, image.height * 0.90)
    return image.resize(image.size, Image.Resampling.LANCZOS, box=inset)


def _farther(image: Image.Image, _: Random) -> Image.Image:
    far = soften(image, min(image.size) * 0.03)
    size = (round(image.width * 0.66), round(image.height * 0.66))
    far.paste(
        image.resize(size, Image.Resampling.LANCZOS), ((image.width - size[0]) // 2, (image.height - size[1]) // 2)
    )
    return far


def _brighter(image: Image.Image, _: Random) -> Image.Image:
    return ImageEnhance.Color(ImageEnhance.Brightness(image).enhance(1.28)).enhance(1.12)


def _darker(image: Image.Image, _: Random) -> Image.Image:
    return vignette(ImageEnhance.Brightness(image).enhance(0.62), 0.4)


def _mirror(image: Image.Image, _: Random) -> Image.Image:
    return ImageOps.mirror(image)


def _blurred(image: Image.Image, _: Random) -> Image.Image:
    return soften(image, min(image.size) * 0.008)


def _vivid(image: Image.Image, _: Random) -> Image.Image:
    return ImageEnhance.Color(ImageEnhance.Contrast(image).enhance(1.15)).enhance(1.7)


def _painted(image: Image.Image, _: Random) -> Image.Image:
    """Flat patches of colour, as a screen print."""
    return ImageOps.posterize(soften(image, min(image.size) / 500), 3)


def _neon(image: Image.Image, _: Random) -> Image.Image:
    tones = ImageOps.colorize(ImageOps.grayscale(image), (16, 6, 58), (64, 236, 255), mid=(214, 40, 150))
    return Image.blend(tones, image, 0.2)


def _aurora(image: Image.Image, random: Random) -> Image.Image:
    night = _night(image, random)
    layer = night.copy()
    aurora(layer, MOODS["aurora"].accent, random, image.height * 0.6)
    return Image.composite(layer, night, open_sky(image))


def _framed(image: Image.Image, _: Random) -> Image.Image:
    framed = image.copy()
    outline(framed)
    return framed


def _tinted(image: Image.Image, tint: Colour, strength: float = 0.6) -> Image.Image:
    tones = ImageOps.colorize(ImageOps.grayscale(image), mix(tint, (0, 0, 0), 0.82), mix(tint, WHITE, 0.86), mid=tint)
    return Image.blend(image, tones, strength)


def _shifted(image: Image.Image, random: Random) -> Image.Image:
    """In the light of another hour."""
    mood = MOODS[random.choice(("dawn", "autumn", "aurora", "desert", "meadow", "sunset"))]
    tones = ImageOps.colorize(ImageOps.grayscale(image), mood.near, mood.light, mid=mood.sky[1])
    return Image.blend(image, tones, 0.38)


def _insert(image: Image.Image, name: str, random: Random) -> None:
    """Put a motif into the picture where it is calm, lit as its surroundings are."""
    motif = motifs()[name]
    tall = min(image.size) * motif.size * (0.75 + 0.2 * random.random())
    base = image.height * (0.10 + 0.14 * random.random()) + tall if motif.place == "sky" else image.height * 0.93
    half = tall * 0.45
    across = [half + (image.width - 2 * half) * share for share in (0.06, 0.22, 0.5, 0.78, 0.94)]
    boxes = {x: image.crop((round(x - half), round(base - tall), round(x + half), round(base))) for x in across}
    x = min(across, key=lambda place: busyness(boxes[place]))
    around = _mean(boxes[x])
    layer = image.resize((image.width * DETAIL, image.height * DETAIL), Image.Resampling.BICUBIC)
    shade = 0.45 if brightness(around) < _DIM else 0.15
    flip = chance(random, 0.5)
    stamp(layer, motif, (x * DETAIL, base * DETAIL), tall * DETAIL, light=around, shade=shade, flip=flip)
    image.paste(layer.reduce(DETAIL))


def _mean(image: Image.Image) -> Colour:
    red, green, blue = (round(level) for level in ImageStat.Stat(image).mean)
    return red, green, blue


def _table(entries: Mapping[str, Change]) -> dict[str, Change]:
    return {word: change for known, change in entries.items() for word in known.split()}


_CHANGES = _table(
    {
        "night midnight dark moonlight nighttime stars starry moon": _night,
        "snow snowy snowing winter ice icy frozen christmas": _snow,
        "rain rainy raining wet": _rain,
        "storm stormy lightning thunder dramatic": _storm,
        "fog foggy mist misty haze": _mist,
        "sunset sunrise dusk dawn warm warmer evening sun sunny": _warm,
        "autumn fall leaves": _autumn,
        "monochrome grayscale greyscale grey gray noir black": _grey,
        "sepia vintage old retro antique": _old,
        "closer zoom bigger larger close": _closer,
        "farther smaller wider away": _farther,
        "brighter bright lighter day daylight": _brighter,
        "darker darken": _darker,
        "mirror mirrored flip flipped": _mirror,
        "blur blurred blurry dreamy soft": _blurred,
        "vivid colourful colorful vibrant saturated": _vivid,
        "painting painted poster print oil watercolor watercolour": _painted,
        "neon cyberpunk synthwave": _neon,
        "aurora northern borealis": _aurora,
        "frame framed border": _framed,
    }
)
