"""A town: rows of towers, their windows lit at dark."""

from typing import TypeAlias

from PIL import ImageDraw

from core.providers.simulated.drawing.brush import chance, fill
from core.providers.simulated.drawing.canvas import Canvas
from core.providers.simulated.drawing.colours import WHITE, Colour, mix

Box: TypeAlias = tuple[float, float, float, float]


def paint_town(canvas: Canvas) -> float:
    """Three rows of towers; returns the height of the shore before them."""
    random = canvas.random
    slim = 1.0 if canvas.width > canvas.height else 1.6
    for layer in range(3):
        near = layer / 2
        base = canvas.horizon + canvas.depth * 0.28 * near
        x = -canvas.width * 0.05 * random.random()
        while x < canvas.width:
            wide = canvas.width * (0.035 + 0.05 * random.random()) * (0.8 + 0.5 * near) * slim
            tall = canvas.height * (0.14 + 0.30 * random.random() ** 1.6) * (1.15 - 0.35 * near)
            _tower(canvas, (x, base - tall, x + wide, base), near)
            x += wide * (1.0 + 0.18 * random.random())
    shore = canvas.horizon + canvas.depth * 0.28
    canvas.image.paste(canvas.mood.near, (0, round(shore), canvas.width, canvas.height))
    return shore


def _tower(canvas: Canvas, box: Box, near: float) -> None:
    mood, (left, top, right, bottom) = canvas.mood, box
    tone = mix(mix(mood.far, mood.haze, 0.3), mood.near, 0.2 + 0.75 * near)
    outline = [(left, top), (right, top), (right, bottom), (left, bottom)]
    fill(canvas.image, outline, [tone, mix(tone, mood.haze, 0.32 * (1 - near) + 0.06)])
    _roof(canvas, box, tone)
    if near or mood.dark:
        _windows(canvas, box, tone, near)


def _roof(canvas: Canvas, box: Box, tone: Colour) -> None:
    draw = ImageDraw.Draw(canvas.image)
    left, top, right, _ = box
    middle, wide = (left + right) / 2, right - left
    match canvas.random.randrange(8):
        case 0 | 1:
            draw.polygon([(left, top), (middle, top - wide * 0.5), (right, top)], fill=tone)
        case 2 | 3:
            draw.line((middle, top, middle, top - wide * 0.9), fill=tone, width=max(1, round(wide * 0.05)))
        case 4 | 5:
            draw.rectangle((left + wide * 0.2, top - wide * 0.22, right - wide * 0.2, top), fill=tone)
        case _:
            return


def _windows(canvas: Canvas, box: Box, tone: Colour, near: float) -> None:
    draw, random, mood = ImageDraw.Draw(canvas.image), canvas.random, canvas.mood
    left, top, right, bottom = box
    lit = mix(mood.accent, WHITE, 0.25) if mood.dark else mix(tone, WHITE, 0.22)
    share = 0.42 if mood.dark else 0.75
    cell = max(3.0, (right - left) / (4 + random.randrange(3)))
    y = top + cell * 0.6
    while y < bottom - cell:
        x = left + cell * 0.35
        while x < right - cell * 0.5:
            if chance(random, share):
                tint = mix(lit, tone, 0.6 * random.random() + 0.25 * (1 - near))
                draw.rectangle((x, y, x + cell * 0.42, y + cell * 0.5), fill=tint)
            x += cell * 0.85
        y += cell
