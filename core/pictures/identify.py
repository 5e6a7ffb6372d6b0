"""What bytes are, by their content alone: names, extensions and headers lie."""

import re

from core.pictures.picture import PictureProblem, PictureRefused

PNG = "image/png"
JPEG = "image/jpeg"
WEBP = "image/webp"
GIF = "image/gif"
HEIC = "image/heic"
AVIF = "image/avif"

_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
)

_OTHER_KINDS = (
    (b"%PDF-", "PDF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"8BPS", "PSD"),
    (b"\0\0\1\0", "ICO"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\x1aE\xdf\xa3", "video"),
    (b"PK\3\4", "ZIP"),
    (b"%!PS", "EPS"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)

_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})

# Atomic and possessive, so that no text can make the search go back on itself for ever.
_TEXT_BEFORE_ROOT = rb"(?:\xef\xbb\xbf)?\s*+(?:(?><\?xml.*?\?>|<!--.*?-->)\s*+)*+"
_SVG = re.compile(_TEXT_BEFORE_ROOT + rb"(?:<!DOCTYPE\s+svg|<svg[\s>])", re.DOTALL | re.IGNORECASE)
_HTML = re.compile(_TEXT_BEFORE_ROOT + rb"<(?:!DOCTYPE\s+html|html|head|body|script)\b", re.DOTALL | re.IGNORECASE)


def media_type_of(data: bytes) -> str:
    """The media type of a picture we take.

    A picture has to begin at the first byte: what begins as something else is that something, whatever follows.

    Raises:
        PictureRefused: EMPTY, UNSUPPORTED or NOT_AN_IMAGE, with what was found.
    """
    if not data:
        raise PictureRefused(PictureProblem.EMPTY)
    for signature, media_type in _PICTURES:
        if data.startswith(signature):
            return media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[4:8] == b"ftyp":
        return _media_type_of_boxes(data)
    for signature, kind in _OTHER_KINDS:
        if data.startswith(signature):
            raise PictureRefused(PictureProblem.UNSUPPORTED, kind)
    start = data[:4096]
    if _SVG.match(start):
        raise PictureRefused(PictureProblem.UNSUPPORTED, "SVG")
    raise PictureRefused(PictureProblem.NOT_AN_IMAGE, "HTML" if _HTML.match(start) else "")


def is_html(data: bytes) -> bool:
    """Whether the bytes are a web page."""
    return _HTML.match(data[:4096]) is not None


def _media_type_of_boxes(data: bytes) -> str:
    """HEIF and AVIF share a container with films; the brands in its first box tell them apart."""
    box = data[8 : min(int.from_bytes(data[:4]), 256)]
    brands = {box[i : i + 4] for i in (0, *range(8, len(box), 4))}
    if brands & _AVIF_BRANDS:
        return AVIF
    if brands & _HEIF_BRANDS:
        return HEIC
    raise PictureRefused(PictureProblem.UNSUPPORTED, "video")
