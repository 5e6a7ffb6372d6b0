"""What goes wrong with the connection rather than with the request."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web

from core.providers.simulated.faults import Answer, Fault, Wire

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

_DRIPS = 20


async def disturbed(fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a call the way the fault wants it."""
    if isinstance(fault.what, Answer):
        if fault.what.done:
            await handler(request)
        return _instead(fault.what)
    match fault.what:
        case Wire.CUT_BEFORE:
            return _cut(request)
        case Wire.CUT_AFTER:
            await _done_or_over(request, handler, fault.seconds)
            return _cut(request)
        case Wire.CUT_WITHIN:
            return await _in_pieces(request, await handler(request), seconds=0, whole=False)
        case Wire.DELAY:
            await asyncio.sleep(fault.seconds or 0)
            return await handler(request)
        case Wire.DRIP:
            return await _in_pieces(request, await handler(request), seconds=fault.seconds or 1, whole=True)
        case _:
            raise ValueError(f"{fault.what} does not happen on the wire")


def _instead(answer: Answer) -> web.Response:
    text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
    return web.Response(status=answer.status, text=text, content_type=answer.content_type, headers=dict(answer.headers))


async def _done_or_over(request: web.Request, handler: Handler, seconds: float | None) -> None:
    """Wait for the answer, or for so long: a held answer goes on being worked for although nobody will get it."""
    try:
        async with asyncio.timeout(seconds):
            await handler(request)
    except TimeoutError:
        return


def _cut(request: web.Request) -> web.Response:
    if request.transport:
        request.transport.close()
    return web.Response()


async def _in_pieces(
    request: web.Request, answer: web.StreamResponse, *, seconds: float, whole: bool
) -> web.StreamResponse:
    body = answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b""
    slow = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    slow.content_length = len(body)
    await slow.prepare(request)
    size = max(1, -(-len(body) // _DRIPS))
    for start in range(0, len(body) if whole else len(body) // 2, size):
        await slow.write(body[start : start + size])
        await asyncio.sleep(seconds / _DRIPS)
    if not whole:
        _cut(request)
    return slow
