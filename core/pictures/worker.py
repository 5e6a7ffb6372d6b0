"""The picture process: `python -m core.pictures.worker`, with its owner on standard input, a socket.

It is given bytes that strangers made, and is expected to be killed by some of them. It has no secrets, may open no
file for writing, has little memory and little time, and ends by itself when its owner does.
"""

import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from PIL import AvifImagePlugin

from core.pictures.frames import frame, read_frame
from core.pictures.operations import OPERATIONS
from core.pictures.picture import PictureLimits, PictureProblem, PictureRefused

_DECODER_THREADS = 2
_POLITE = 5
"""The event loop of the service goes first where processors are few."""
_OPEN_FILES = 32
_GRACE = 1.5
"""The owner's own clock comes first; this process's is for when the owner has gone."""
_ERROR_LENGTH = 200

Deadline = Callable[[float], AbstractContextManager[None]]


def answer(order: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """The reply to one order. Bytes that come back as they went in are not sent back."""
    try:
        picture = OPERATIONS[order["operation"]](data, PictureLimits(**order["limits"]))
    except PictureRefused as refusal:
        return {"problem": refusal.problem, "found": refusal.found}, b""
    except MemoryError:
        raise  # this process is spent
    except Exception as error:  # noqa: BLE001 - no picture may end this process by a mistake of ours
        return {"problem": PictureProblem.CRASHED, "error": f"{type(error).__name__}: {error}"[:_ERROR_LENGTH]}, b""
    reply = {
        "media_type": picture.media_type,
        "width": picture.width,
        "height": picture.height,
        "digest": picture.digest,
        "same": picture.data is data,
    }
    return reply, b"" if picture.data is data else picture.data


def serve(line: BinaryIO, reply_to: BinaryIO, deadline: Deadline) -> None:
    """Answer orders, one by one, until the line ends."""
    _write(reply_to, {"ready": True})
    while received := read_frame(line):
        order, data = received
        with deadline(order["seconds"]):
            header, body = answer(order, data)
        _write(reply_to, header, body)
        del received, data, body  # the next order may need the room


@contextmanager
def hard_deadline(seconds: float) -> Iterator[None]:
    """The kernel ends this process, in the middle of a decoder if need be, when the time is over."""
    spent = int(time.process_time()) + 1
    allowed = spent + int(seconds * _GRACE * _DECODER_THREADS)
    _limit(resource.RLIMIT_CPU, allowed, for_good=False)
    signal.setitimer(signal.ITIMER_REAL, seconds * _GRACE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def confine(memory_bytes: int) -> None:
    """Give up what decoding does not need."""
    os.nice(_POLITE)
    AvifImagePlugin.DEFAULT_MAX_THREADS = _DECODER_THREADS
    for limit, value in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_NOFILE, _OPEN_FILES)):
        _limit(limit, value)
    if sys.platform == "linux":  # elsewhere the address space cannot be limited
        _limit(resource.RLIMIT_AS, memory_bytes)


def go_first() -> None:
    """When the machine runs out of memory, this process is the one to lose."""
    with suppress(OSError):  # not on this system, or not in this container
        Path("/proc/self/oom_score_adj").write_text("1000")


def main() -> None:
    """Serve the owner on standard input."""
    go_first()
    confine(int(sys.argv[1]))
    with socket.socket(fileno=0) as owner, owner.makefile("rb") as line, owner.makefile("wb") as reply_to:
        serve(line, reply_to, hard_deadline)


def _limit(kind: int, value: int, *, for_good: bool = True) -> None:
    """Lower a limit; one that is lower already stays."""
    _, hard = resource.getrlimit(kind)
    soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (soft, soft if for_good else hard))


def _write(line: BinaryIO, header: dict[str, Any], body: bytes = b"") -> None:
    line.writelines(frame(header, body))
    line.flush()


if __name__ == "__main__":
    main()
