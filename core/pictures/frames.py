"""How the picture process and its owner talk: a length, a small JSON object, a length, bytes."""

import json
from asyncio import StreamReader
from collections.abc import Mapping
from struct import Struct
from typing import Any, BinaryIO

_LENGTHS = Struct(">IQ")
_MAX_HEADER = 64 * 1024
_MAX_BODY = 256 * 1024 * 1024


class BrokenFrameError(Exception):
    """What came over the line is no frame: the other side is not to be trusted any longer."""


def frame(header: Mapping[str, Any], body: bytes = b"") -> tuple[bytes, bytes]:
    """The two pieces to write: lengths with the header, and the body as it is."""
    head = json.dumps(header).encode()
    return _LENGTHS.pack(len(head), len(body)) + head, body


def read_frame(line: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """The next frame; None where the line has ended."""
    lengths = line.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head_length, body_length = _LENGTHS.unpack(lengths)
    return json.loads(line.read(head_length)), line.read(body_length)


async def receive_frame(line: StreamReader) -> tuple[bytes, bytes]:
    """The next frame from the picture process, its header still as bytes: it may be anything.

    Raises:
        asyncio.IncompleteReadError: the line has ended.
        BrokenFrameError: the lengths are beyond all reason.
    """
    head_length, body_length = _LENGTHS.unpack(await line.readexactly(_LENGTHS.size))
    if head_length > _MAX_HEADER or body_length > _MAX_BODY:
        raise BrokenFrameError
    return await line.readexactly(head_length), await line.readexactly(body_length)
