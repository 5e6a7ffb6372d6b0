"""Files with few pixels and work without end: millions of empty parts, or the same pixels gone over again and again.

A decoder written in Python takes a step for each part, and some for each byte between them. So the parts are counted
first, and the counting stops at what no honest file has.
"""

from collections.abc import Callable, Iterator, Mapping

from core.pictures.identify import GIF, JPEG, PNG

MOST_PARTS = 20_000
"""An honest file of 32 MB has a quarter of that. Bytes between the parts, which nobody needs, count too."""
MOST_SCANS = 100
"""A progressive JPEG has about ten; previews inside it may have their own."""

_HEAD = 8
_SCREEN = 13
_SCAN = 0xDA
_ALONE = frozenset({0x00, 0x01, *range(0xD0, 0xDA)})
"""Markers of a JPEG without a length."""
_EXTENSION, _FRAME, _END = 0x21, 0x2C, 0x3B


def is_endless(data: bytes, media_type: str) -> bool:
    """Whether a file asks for seconds of work for a handful of pixels."""
    if media_type == JPEG and data.count(b"\xff\xda") > MOST_SCANS:
        return True
    parts = _PARTS.get(media_type)
    return parts is not None and sum(1 for _, _ in zip(range(MOST_PARTS), parts(data), strict=False)) == MOST_PARTS


def _chunks(data: bytes) -> Iterator[None]:
    """One for each chunk of a PNG, up to its last: what stands behind that is never looked at."""
    at = _HEAD
    while at + 12 <= len(data) and data[at + 4 : at + 8] != b"IEND":
        yield
        at += 12 + int.from_bytes(data[at : at + 4])


def _segments(data: bytes) -> Iterator[None]:
    """One for each segment of a JPEG before its first scan, and for each byte between them."""
    at = 2
    while at + 4 <= len(data):
        yield
        if data[at] != 0xFF or data[at + 1] == 0xFF:  # noqa: PLR2004 - what every marker begins with
            at += 1
        elif data[at + 1] in _ALONE:
            at += 2
        elif data[at + 1] == _SCAN:
            return
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])


def _blocks(data: bytes) -> Iterator[None]:
    """One for each block of a GIF before its first frame, and for each byte between them."""
    flags = data[10] if len(data) > _SCREEN else 0
    at = _SCREEN + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    while at + 2 < len(data) and data[at] not in (_FRAME, _END):
        yield
        if data[at] != _EXTENSION:
            at += 1
            continue
        at += 2
        while at < len(data) and data[at]:
            yield
            at += 1 + data[at]
        at += 1


_PARTS: Mapping[str, Callable[[bytes], Iterator[None]]] = {PNG: _chunks, JPEG: _segments, GIF: _blocks}
