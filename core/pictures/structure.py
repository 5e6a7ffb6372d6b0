"""What PNG and JPEG files are built of, read without decoding: is one whole, and does it carry more than a picture?"""

import re
import zlib
from collections.abc import Iterator

from core.pictures.identify import GIF, JPEG, PNG, WEBP

_PNG_HEAD = 8
_PNG_PICTURE_CHUNKS = frozenset(
    {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"sRGB", b"gAMA", b"cHRM", b"sBIT", b"pHYs", b"bKGD"}
)
_PNG_TEXT_CHUNKS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_PNG_BIT_DEPTH_AT = 24
_DEEPEST_WE_KEEP = 8

_JPEG_START, _JPEG_END, _JPEG_SCAN = b"\xff\xd8", b"\xff\xd9", 0xDA
_JFIF, _ADOBE = 0xE0, 0xEE
_JPEG_PICTURE_MARKERS = frozenset({_JFIF, _ADOBE, 0xC0, 0xC1, 0xC2, 0xC4, 0xDB, 0xDD, _JPEG_SCAN})
_JFIF_WITHOUT_THUMBNAIL = 16
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def is_whole(data: bytes, media_type: str) -> bool:
    """Whether nothing of the file is missing or altered, as far as its decoder would not have told.

    That is a question for PNG alone: its decoder is content with the last pixel, and looks at no checksum after that.
    """
    if media_type != PNG:
        return True
    try:
        return bool(list(_png_chunks(data, check=True)))
    except ValueError:
        return False


def is_bare(data: bytes, media_type: str) -> bool:
    """Whether a PNG or JPEG is nothing but its picture.

    No metadata, colour profile, comment or preview, nothing hidden behind the end, at most 8 bits a channel.
    """
    try:
        if media_type == PNG:
            return _is_bare_png(data)
        return media_type == JPEG and _is_bare_jpeg(data)
    except (ValueError, IndexError):
        return False


def without_text(png: bytes) -> bytes:
    """A PNG without its text chunks: programs keep whole workflows there, larger than a decoder will read."""
    if not any(kind in png for kind in _PNG_TEXT_CHUNKS):
        return png
    try:
        kept = [png[at] for kind, at in _png_chunks(png) if kind not in _PNG_TEXT_CHUNKS]
    except ValueError:  # cut short: the decoder will say so
        return png
    return b"".join([png[:_PNG_HEAD], *kept])


def is_lossless(data: bytes, media_type: str) -> bool:
    """Whether the file keeps every pixel as it was drawn: a screenshot or a logo more often than a photo."""
    return media_type in {PNG, GIF} or (media_type == WEBP and data[12:16] == b"VP8L")


def _png_chunks(data: bytes, *, check: bool = False) -> Iterator[tuple[bytes, slice]]:
    """The kind and place of every chunk up to IEND; ValueError where one is cut short, or with `check` is wrong."""
    at, kind = _PNG_HEAD, b""
    while kind != b"IEND":
        end = at + 12 + int.from_bytes(data[at : at + 4])
        kind = data[at + 4 : at + 8]
        if end > len(data):
            raise ValueError("a chunk is cut short")
        if check and zlib.crc32(memoryview(data)[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            raise ValueError("a checksum is wrong")
        yield kind, slice(at, end)
        at = end


def _is_bare_png(data: bytes) -> bool:
    chunks = list(_png_chunks(data, check=True))
    return (
        all(kind in _PNG_PICTURE_CHUNKS for kind, _ in chunks)
        and chunks[-1][1].stop == len(data)
        and data[_PNG_BIT_DEPTH_AT] <= _DEEPEST_WE_KEEP
    )


def _is_bare_jpeg(data: bytes) -> bool:
    at = len(_JPEG_START)
    while data[at : at + 2] != _JPEG_END:
        mark, marker, length = data[at], data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if mark != 0xFF or marker not in _JPEG_PICTURE_MARKERS:  # noqa: PLR2004 - what every marker begins with
            return False
        if marker == _JFIF and length != _JFIF_WITHOUT_THUMBNAIL:
            return False
        at += 2 + length
        if marker == _JPEG_SCAN:
            found = _END_OF_SCAN.search(data, at)
            at = found.start() if found else len(data)
    return at + 2 == len(data)
