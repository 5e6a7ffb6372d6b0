"""From bytes to pixels, under limits that are checked before the pixels are.

Runs in the picture process. The decoders are named one by one: no other of Pillow's is ever tried on a stranger's
bytes.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from PIL import Image, ImageCms
from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from core.pictures.endless import is_endless
from core.pictures.identify import AVIF, GIF, HEIC, JPEG, PNG, WEBP, media_type_of
from core.pictures.picture import PictureLimits, PictureProblem, PictureRefused
from core.pictures.structure import without_text

_DECODERS: dict[str, type[ImageFile]] = {
    PNG: PngImageFile,
    JPEG: JpegImageFile,  # the first frame of an MPO too
    WEBP: WebPImageFile,
    GIF: GifImageFile,
    HEIC: HeifImageFile,
    AVIF: AvifImageFile,
}

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_ITS_SIDE = range(5, 9)


def decode(data: bytes, limits: PictureLimits) -> tuple[str, Image.Image]:
    """The media type and the loaded first frame, as the file has it.

    Raises:
        PictureRefused: whatever is wrong with it.
    """
    if len(data) > limits.max_bytes_in:
        raise PictureRefused(PictureProblem.TOO_LARGE_BYTES)
    media_type = media_type_of(data)
    if is_endless(data, media_type):
        raise PictureRefused(PictureProblem.TOO_SLOW)
    readable = without_text(data) if media_type == PNG else data
    with _decoding():
        image = _DECODERS[media_type](BytesIO(readable))
    width, height = image.size
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise PictureRefused(PictureProblem.TOO_MANY_PIXELS)
    with _decoding():
        image.load()
    return media_type, image


def orientation_of(image: Image.Image) -> int:
    """How the camera was held, 1 (upright) to 8, from EXIF; 1 where that says nothing or nonsense."""
    try:
        with warnings.catch_warnings(action="ignore"):
            orientation = int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - metadata may be broken in any way, and the picture be fine
        return 1
    return orientation if orientation in _UPRIGHT else 1


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height as a person sees the picture."""
    width, height = image.size
    return (height, width) if orientation_of(image) in _ON_ITS_SIDE else (width, height)


def developed(image: Image.Image) -> Image.Image:
    """The picture as a person sees it: upright, 8-bit sRGB with or without transparency, and no word beside it.

    Raises:
        PictureRefused: DAMAGED, where its pixels make no sense.
    """
    profile, orientation = image.info.get("icc_profile"), orientation_of(image)
    with _decoding():
        image = _in_srgb(_eight_bit(image), profile)
    if orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[orientation])
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    image.info = {}
    return image


def _eight_bit(image: Image.Image) -> Image.Image:
    """The image in a mode that a colour profile applies to: L, RGB, RGBA or CMYK."""
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    if image.mode not in {"RGBA", "CMYK"} and image.has_transparency_data:
        return image.convert("RGBA")
    match image.mode:
        case "L" | "RGB" | "RGBA" | "CMYK":
            return image
        case "1":
            return image.convert("L")
        case _:
            return image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None  # a profile that is broken, or of another colour space: the numbers as they are
        if converted:
            return converted
    return image if image.mode == mode else image.convert(mode)


@contextmanager
def _decoding() -> Iterator[None]:
    """Whatever a decoder trips over, the picture is what is wrong."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except (MemoryError, PictureRefused):
        raise
    except Image.DecompressionBombError as error:
        raise PictureRefused(PictureProblem.TOO_MANY_PIXELS) from error
    except Exception as error:
        raise PictureRefused(PictureProblem.DAMAGED) from error
