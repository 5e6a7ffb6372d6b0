"""Where pictures are worked on: a few processes of their own, started when needed, gone when idle.

A picture that hangs, crashes or bloats its process takes only that process with it: the caller is told, and the next
picture gets a fresh one.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal, Self

import structlog
from pydantic import BaseModel, Field, PositiveInt, TypeAdapter, ValidationError

from core.pictures.frames import BrokenFrameError
from core.pictures.picture import Picture, PictureLimits, PictureProblem, PictureRefused
from core.pictures.process import PictureProcess, WorkshopUnavailable
from core.pictures.sheet import Sheet, packed

__all__ = ["PictureWorkshop", "WorkshopUnavailable"]

log = structlog.get_logger()

_RESULT_BYTES = 64_000_000
"""A result may be larger than what people send: 16 megapixels as PNG can be 40 MB, and it is paid for."""

_SHEET_BYTES = 4_000_000

_Operation = Literal["prepare_reference", "inspect_result", "fit_for_post", "thumbnail", "draw_sheet"]


class _Done(BaseModel):
    media_type: Annotated[str, Field(pattern=r"^image/[a-z]{3,4}$")]
    width: PositiveInt
    height: PositiveInt
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    same: bool


class _Refusal(BaseModel):
    problem: PictureProblem
    found: Annotated[str, Field(max_length=32)] = ""
    error: Annotated[str, Field(max_length=200)] = ""


_Reply = _Done | _Refusal
_REPLY: TypeAdapter[_Reply] = TypeAdapter(_Reply)


class PictureWorkshop:
    """Prepares, inspects and fits pictures outside this process. Close it, or use it as `async with`.

    At most `processes` pictures are worked on at once, each for at most `seconds` and, on Linux, in `memory_bytes` of
    address space; the others wait their turn. A process without work for `idle_seconds` is let go.

    What betrays itself by its structure is refused before a pixel is decoded, in milliseconds. `seconds` is the wall
    for what looks honest: an HEIC of 50 megapixels takes 3 s of a fast processor, and several times that of a slow one.
    It holds for each attempt; one that brought its process down is made a second time.

    Every method raises `PictureRefused` or `WorkshopUnavailable`, and nothing else.
    """

    def __init__(
        self,
        limits: PictureLimits | None = None,
        *,
        processes: int = 2,
        seconds: float = 10.0,
        memory_bytes: int = 1_500_000_000,
        idle_seconds: float = 60.0,
    ) -> None:
        self._limits = limits or PictureLimits()
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._idle_seconds = idle_seconds
        self._places = asyncio.Semaphore(processes)
        self._processes: set[PictureProcess] = set()
        self._idle: dict[PictureProcess, asyncio.TimerHandle] = {}
        self._farewells: set[asyncio.Task[None]] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def prepare_reference(self, data: bytes, max_bytes: int | None = None) -> Picture:
        """Bytes from a stranger as a PNG or JPEG that the image service takes, without a word of metadata.

        Upright, in sRGB, the first frame of an animation, within `max_bytes` (by default the limits' own).
        """
        return await self._work("prepare_reference", data, max_bytes_out=max_bytes or self._limits.max_bytes_out)

    async def inspect_result(self, data: bytes) -> Picture:
        """The same bytes, proven to be a whole picture, whatever their name and headers said."""
        return await self._work("inspect_result", data, max_bytes_in=_RESULT_BYTES)

    async def fit_for_post(self, picture: Picture, max_bytes: int) -> Picture:
        """The picture itself where it fits, otherwise the best JPEG (WebP with transparency) that does."""
        if len(picture.data) <= max_bytes:
            return picture
        return await self._work("fit_for_post", picture.data, max_bytes_in=_RESULT_BYTES, max_bytes_out=max_bytes)

    async def thumbnail(self, data: bytes, side: int) -> Picture:
        """A small JPEG (PNG with transparency), its longest side at most `side` pixels."""
        return await self._work("thumbnail", data, max_bytes_in=_RESULT_BYTES, max_side_out=side)

    async def sheet(self, sheet: Sheet) -> Picture:
        """The sheet as a JPEG. Its pictures have to be such as `thumbnail` gives: of a size that is held many times."""
        return await self._work("draw_sheet", packed(sheet), max_bytes_out=_SHEET_BYTES)

    async def close(self) -> None:
        """End every process; what is being worked on gets `WorkshopUnavailable`."""
        self._closed = True
        for timer in self._idle.values():
            timer.cancel()
        self._idle.clear()
        await asyncio.gather(*(self._end(process) for process in tuple(self._processes)), *self._farewells)

    async def _work(self, operation: _Operation, data: bytes, **limits: int) -> Picture:
        order = {
            "operation": operation,
            "limits": asdict(replace(self._limits, **limits)),
            "seconds": self._seconds,
        }
        async with self._places:
            if self._closed:
                raise WorkshopUnavailable
            try:
                answer = await self._ask(order, data)
            except PictureRefused as refused:
                if refused.problem is not PictureProblem.CRASHED:
                    raise
                answer = await self._ask(order, data)  # once more: the machine may have been short of memory
            return _picture(answer, data)

    async def _ask(self, order: Mapping[str, Any], data: bytes) -> tuple[_Reply, bytes]:
        process = await self._take()
        healthy = False
        try:
            async with asyncio.timeout(self._seconds):
                header, body = await process.ask(order, data)
            reply = _REPLY.validate_json(header)
            healthy = True
        except TimeoutError as error:
            raise PictureRefused(PictureProblem.TOO_SLOW) from error
        except (EOFError, OSError, BrokenFrameError, ValidationError) as error:
            if self._closed:
                raise WorkshopUnavailable from error
            raise PictureRefused(PictureProblem.CRASHED) from error
        finally:
            if healthy and not self._closed:
                self._rest(process)
            else:
                await self._end(process)
                log.info("a picture process ended early", operation=order["operation"], exit_code=process.exit_code)
        return reply, body

    async def _take(self) -> PictureProcess:
        """A process that waits for work, or a new one."""
        while self._idle:
            process, timer = self._idle.popitem()
            timer.cancel()
            if process.is_alive():
                return process
            await self._end(process)
        process = await PictureProcess.start(self._memory_bytes)
        self._processes.add(process)
        if self._closed:
            await self._end(process)
            raise WorkshopUnavailable
        return process

    def _rest(self, process: PictureProcess) -> None:
        self._idle[process] = asyncio.get_running_loop().call_later(self._idle_seconds, self._let_go, process)

    def _let_go(self, process: PictureProcess) -> None:
        del self._idle[process]
        farewell = asyncio.create_task(self._end(process))
        self._farewells.add(farewell)
        farewell.add_done_callback(self._farewells.discard)

    async def _end(self, process: PictureProcess) -> None:
        try:
            await process.end()
        finally:
            self._processes.discard(process)


def _picture(answer: tuple[_Reply, bytes], sent: bytes) -> Picture:
    reply, body = answer
    if isinstance(reply, _Refusal):
        if reply.error:
            log.error("a picture tripped over a mistake of ours", error=reply.error)
        raise PictureRefused(reply.problem, reply.found)
    data = sent if reply.same else body
    return Picture(data, reply.media_type, reply.width, reply.height, reply.digest)
