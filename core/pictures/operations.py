"""What can be done with a picture. Every operation takes bytes and limits and gives a verified picture.

These block, and may take seconds and hundreds of megabytes: they run in the picture process (`core.pictures.worker`).
All raise `PictureRefused`, and nothing else but MemoryError.
"""

from collections.abc import Callable, Iterator, Mapping
from math import sqrt

from PIL import Image

from core.pictures.decode import decode, developed, upright_size
from core.pictures.encode import (
    LARGE_SIDE,
    PNG_PIXELS,
    QUALITIES,
    SMALL_SIDE,
    as_jpeg,
    as_png,
    as_webp,
    first_that_fits,
    shrunk,
    sizes_of,
)
from core.pictures.picture import Picture, PictureLimits, PictureProblem, PictureRefused
from core.pictures.sheet import draw_sheet
from core.pictures.structure import is_bare, is_lossless, is_whole

Operation = Callable[[bytes, PictureLimits], Picture]

_HOPELESS = 2
"""A file this many times over the limit will not fit by packing its pixels once more."""
_SMALLEST_CUT_OUT = 2048
"""Pixels. Below that, a transparent picture is worth more whole on paper than small."""
_SMALLER_IS_DENSER = 0.85
"""A shrunk picture has more to tell in each pixel, so it packs less well."""
_THUMBNAIL_QUALITY = 82
_LEAST_QUALITY = QUALITIES[-1][0]


def prepare_reference(data: bytes, limits: PictureLimits) -> Picture:
    """A picture that the image service takes: PNG or JPEG, upright, sRGB, no metadata, within `max_bytes_out`.

    A file that is all of that already comes back as it is. Transparency is kept where it fits.
    """
    media_type, image = decode(data, limits)
    fits = len(data) <= limits.max_bytes_out and max(image.size) <= limits.max_side_out
    if fits and image.mode != "CMYK" and is_bare(data, media_type):
        return Picture.of(data, media_type, image.size)
    keep_pixels = is_lossless(data, media_type) and len(data) <= _HOPELESS * limits.max_bytes_out
    candidates = _for_upload(developed(image), limits, keep_pixels=keep_pixels)
    return first_that_fits(candidates, limits.max_bytes_out)


def inspect_result(data: bytes, limits: PictureLimits) -> Picture:
    """The same bytes, proven to be a whole picture."""
    media_type, image = decode(data, limits)
    if not is_whole(data, media_type):
        raise PictureRefused(PictureProblem.DAMAGED)
    return Picture.of(data, media_type, upright_size(image))


def fit_for_post(data: bytes, limits: PictureLimits) -> Picture:
    """The picture within `max_bytes_out`: as it is, or as the best JPEG (WebP with transparency) that fits."""
    media_type, image = decode(data, limits)
    if len(data) <= limits.max_bytes_out:
        return Picture.of(data, media_type, upright_size(image))
    return first_that_fits(_for_post(developed(image), limits), limits.max_bytes_out)


def thumbnail(data: bytes, limits: PictureLimits) -> Picture:
    """A small JPEG (PNG with transparency) with its longest side at most `max_side_out` pixels."""
    _, image = decode(data, limits)
    small = shrunk(developed(image), limits.max_side_out)
    return as_png(small) if small.mode == "RGBA" else as_jpeg(small, _THUMBNAIL_QUALITY)


OPERATIONS: Mapping[str, Operation] = {
    operation.__name__: operation
    for operation in (prepare_reference, inspect_result, fit_for_post, thumbnail, draw_sheet)
}


def _for_upload(image: Image.Image, limits: PictureLimits, *, keep_pixels: bool) -> Iterator[Picture]:
    """PNG where the pixels or the transparency deserve it, then JPEG by quality and size. Best first."""
    packs_soon = image.width * image.height <= PNG_PIXELS
    if image.mode == "RGBA":
        yield from _cut_outs(image if packs_soon else shrunk(image, LARGE_SIDE), limits)
    elif keep_pixels and packs_soon:
        yield as_png(shrunk(image, limits.max_side_out))
    for size in sizes_of(image, limits.max_side_out):
        for quality, sampling in QUALITIES[1:]:
            yield as_jpeg(size, quality, sampling)


def _cut_outs(image: Image.Image, limits: PictureLimits) -> Iterator[Picture]:
    """A transparent picture at its size, and at the size that should fit by what the first one weighs."""
    whole = as_png(shrunk(image, limits.max_side_out))
    yield whole
    side = int(max(whole.width, whole.height) * sqrt(_SMALLER_IS_DENSER * limits.max_bytes_out / len(whole.data)))
    if side >= _SMALLEST_CUT_OUT:
        yield as_png(shrunk(image, side))


def _for_post(image: Image.Image, limits: PictureLimits) -> Iterator[Picture]:
    """WebP where there is transparency, JPEG where there is none. Best first."""
    if image.mode == "RGBA":
        yield from _see_through(image, limits)
    for size in sizes_of(image, limits.max_side_out):
        for quality, sampling in QUALITIES:
            yield as_jpeg(size, quality, sampling)


def _see_through(image: Image.Image, limits: PictureLimits) -> Iterator[Picture]:
    """WebP takes too long to try one after the other: each tells by its weight what to try next."""
    side = min(max(image.size), LARGE_SIDE)
    while side >= SMALL_SIDE:
        size = shrunk(image, side)
        picture = as_webp(size)
        yield picture
        if len(picture.data) <= _HOPELESS * limits.max_bytes_out:
            yield as_webp(size, _LEAST_QUALITY)
        side = int(side * sqrt(limits.max_bytes_out / len(picture.data)))
