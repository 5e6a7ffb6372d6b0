"""One picture process, seen from its owner: start it, ask it, end it. `core.pictures.worker` is the other side."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from core.errors import ImagineError
from core.pictures.frames import BrokenFrameError, frame, receive_frame

_CODE = Path(__file__).parents[2]
_START_SECONDS = 20.0
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}
"""All that the process gets to see: no secret of ours. Every thread's heap would reserve address space: few heaps."""
_PIECE = 1 << 20


class WorkshopUnavailable(ImagineError):
    """No picture process can be had now. Says nothing about the picture: the same may work later, or elsewhere."""


class PictureProcess:
    """One picture process and the line to it."""

    def __init__(
        self, process: subprocess.Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls, memory_bytes: int) -> Self:
        """A process that has loaded its decoders and waits for orders."""
        try:
            child, line = _spawn(memory_bytes)
        except OSError as error:
            raise WorkshopUnavailable from error
        process = cls(child, *await asyncio.open_connection(sock=line, limit=_PIECE))
        ready = False
        try:
            async with asyncio.timeout(_START_SECONDS):
                await receive_frame(process._reader)
            ready = True
        except (EOFError, OSError, BrokenFrameError) as error:
            raise WorkshopUnavailable from error
        finally:
            if not ready:
                await process.end()
        return process

    @property
    def exit_code(self) -> int | None:
        """Negative: the signal that ended it. None: it has not ended."""
        return self._process.returncode

    def is_alive(self) -> bool:
        """Whether it can be given work."""
        return self._process.poll() is None and not self._reader.at_eof()

    async def ask(self, order: Mapping[str, Any], data: bytes) -> tuple[bytes, bytes]:
        """Its reply, as yet unread: this process believes nothing that one says."""
        head, body = frame(order, data)
        self._writer.write(head)
        view = memoryview(body)
        for start in range(0, len(view), _PIECE):
            self._writer.write(view[start : start + _PIECE])
            await self._writer.drain()
        return await receive_frame(self._reader)

    async def end(self) -> None:
        """Kill it. It has nothing to lose."""
        self._writer.transport.abort()
        self._process.kill()
        await asyncio.to_thread(self._process.wait)


def _spawn(memory_bytes: int) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """The process and our end of the line. The other end is its standard input, and closed here."""
    ours, theirs = socket.socketpair()
    try:
        process = subprocess.Popen(  # noqa: S603 - our own module, in our own interpreter
            [sys.executable, "-m", "core.pictures.worker", str(memory_bytes)],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=_CODE,
            env=_ENVIRONMENT,
            start_new_session=True,  # an interrupt at the terminal is for the service: it still needs its pictures
        )
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
    return process, ours
