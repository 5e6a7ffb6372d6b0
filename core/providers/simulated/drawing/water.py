"""Water, its far coasts, and the light on it."""

from PIL import Image, ImageDraw, ImageFilter

from core.providers.simulated.drawing.brush import below, fill, gradient
from core.providers.simulated.drawing.canvas import Canvas
from core.providers.simulated.drawing.colours import Colour, mix
from core.providers.simulated.drawing.land import ridge

_RIPPLES = 90


def paint_islands(canvas: Canvas) -> None:
    """Distant coasts on the water's edge."""
    for share in (0.75, 0.4):
        line = ridge(canvas, canvas.horizon + 1, canvas.height * 0.085 * (1.25 - share), first=3)
        lowered = [(x, _sunk(canvas, x, y)) for x, y in line]
        fill(canvas.image, below(lowered, canvas.horizon), [mix(canvas.mood.far, canvas.mood.haze, share * 0.6)] * 2)


def paint_water(canvas: Canvas, shore: float) -> None:
    """Water below a height: what is above it mirrored, darker towards us, with ripples and the path of the light."""
    top, depth = round(shore), canvas.height - round(shore)
    canvas.image.paste(_mirrored(canvas, top, depth), (0, top))
    draw, random = ImageDraw.Draw(canvas.image), canvas.random
    for step in range(_RIPPLES):
        near = (step / _RIPPLES) ** 1.7
        y = top + near * depth
        wide = max(1, round(canvas.unit * (0.0012 + 0.003 * near)))
        for _ in range(2 + round(4 * near)):
            length = canvas.unit * (0.02 + 0.11 * near) * (0.4 + random.random())
            x = random.random() * canvas.width
            tint = mix(_colour_at(canvas.image, x, y), canvas.mood.haze, 0.10 + 0.16 * random.random())
            draw.line((x, y, x + length, y), fill=tint, width=wide)
        _glint(draw, canvas, y, near)


def _mirrored(canvas: Canvas, top: int, depth: int) -> Image.Image:
    """What the water reflects, in its own colours."""
    mood = canvas.mood
    above = canvas.image.crop((0, max(0, top - round(depth * 1.2)), canvas.width, top))
    above = above.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((canvas.width, depth))
    above = above.filter(ImageFilter.BoxBlur((canvas.width * 0.012, canvas.height * 0.004)))
    far, middle, near = (
        mix(mood.haze, mood.sky[1], 0.35),
        mix(mood.sky[0], mood.near, 0.55),
        mix(mood.near, mood.sky[0], 0.35),
    )
    return Image.blend(above, gradient(above.size, [far, middle, near]), 0.42)


def _glint(draw: ImageDraw.ImageDraw, canvas: Canvas, y: float, near: float) -> None:
    """The light of sun or moon on the ripples at a height."""
    random, unit = canvas.random, canvas.unit
    for _ in range(2):
        x = canvas.light[0] + random.gauss(0, 0.45) * unit * (0.035 + 0.16 * near)
        length = unit * (0.012 + 0.06 * near) * (0.5 + random.random())
        tint = mix(canvas.mood.light, canvas.mood.haze, 0.25 + 0.5 * random.random())
        draw.line((x - length, y, x + length, y), fill=tint, width=max(1, round(unit * (0.0015 + 0.003 * near))))


def _sunk(canvas: Canvas, x: float, y: float) -> float:
    """A coast's height, lower in the middle so that the water stays open."""
    return min(canvas.horizon, y + canvas.height * 0.035 * (1 - abs(x / canvas.width - 0.5)))


def _colour_at(image: Image.Image, x: float, y: float) -> Colour:
    found = image.getpixel((min(image.width - 1, int(x)), min(image.height - 1, int(y))))
    if not isinstance(found, tuple):
        raise TypeError("an RGB picture is needed")
    red, green, blue = found
    return red, green, blue
