"""From pixels to bytes that fit: quality is given up before size, and little of either."""

from collections.abc import Iterator
from io import BytesIO

from PIL import Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from core.pictures.identify import JPEG, PNG, WEBP
from core.pictures.picture import Picture

FORMATS = {
    PNG: PngImagePlugin.PngImageFile.format,
    JPEG: JpegImagePlugin.JpegImageFile.format,
    WEBP: WebPImagePlugin.WebPImageFile.format,
}

SHARP_COLOUR, PHOTO_COLOUR = "4:4:4", "4:2:0"
QUALITIES = (
    (96, SHARP_COLOUR),
    (92, SHARP_COLOUR),
    (88, PHOTO_COLOUR),
    (82, PHOTO_COLOUR),
    (76, PHOTO_COLOUR),
)
"""Quality and colour sampling, best first; below the last, fewer pixels look better than worse ones."""

LARGE_SIDE, SMALL_SIDE = 4096, 64
"""Pixels. Where no quality was enough, what is larger than the first becomes that, then smaller down to the second."""

SMALL_BYTES = 16_000
"""No limit is lower. Whatever is `SMALL_SIDE` pixels long fits in it at the last quality, so everything can fit."""

PNG_PIXELS = LARGE_SIDE * LARGE_SIDE
"""More than that takes longer to pack as PNG than anyone should wait."""

PAPER = (255, 255, 255)


def shrunk(image: Image.Image, long_side: int) -> Image.Image:
    """The image with its longest side at most `long_side` pixels, never enlarged."""
    scale = long_side / max(image.size)
    if scale >= 1:
        return image
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def as_png(image: Image.Image) -> Picture:
    """Every pixel kept."""
    return _packed(image, PNG)


def as_jpeg(image: Image.Image, quality: int = 90, sampling: str = PHOTO_COLOUR) -> Picture:
    """Without transparency: on white paper."""
    return _packed(on_paper(image), JPEG, quality=quality, subsampling=sampling)


def as_webp(image: Image.Image, quality: int = 90) -> Picture:
    """With transparency. Takes seconds where it is large, and fails far above `LARGE_SIDE` in both directions."""
    return _packed(image, WEBP, quality=quality, method=2)


def on_paper(image: Image.Image) -> Image.Image:
    """The image as it looks on white paper."""
    if image.mode != "RGBA":
        return image
    paper = Image.new("RGB", image.size, PAPER)
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def sizes_of(image: Image.Image, largest: int) -> Iterator[Image.Image]:
    """The image, at most `largest` pixels long, and then smaller and smaller."""
    side = min(max(image.size), largest)
    yield shrunk(image, side)
    while (side := min(side * 3 // 4, LARGE_SIDE)) >= SMALL_SIDE:
        yield shrunk(image, side)


def first_that_fits(candidates: Iterator[Picture], max_bytes: int) -> Picture:
    """The first, thus the best, of the candidates that is small enough. `max_bytes` are `SMALL_BYTES` or more."""
    return next(picture for picture in candidates if len(picture.data) <= max_bytes)


def _packed(image: Image.Image, media_type: str, **options: object) -> Picture:
    out = BytesIO()
    image.save(out, FORMATS[media_type], **options)
    return Picture.of(out.getvalue(), media_type, image.size)
