"""How a result is handed out, whole or spoiled as its request's fate has it."""

import asyncio

from aiohttp import web

from core.providers.simulated.answers import FOREIGN_LINK
from core.providers.simulated.faults import Fate
from core.providers.simulated.requests import Record
from core.providers.simulated.storage import media_type

_HUGE = 200_000_000
_CHUNK = 1_000_000


async def hand_out(request: web.Request, record: Record, picture: bytes) -> web.StreamResponse:
    """Answer the link of a result."""
    kind = media_type(record.file_name)
    match record.fate:
        case Fate.REDIRECT:
            return web.Response(status=302, headers={"Location": FOREIGN_LINK})
        case Fate.NOT_A_PICTURE:
            return web.Response(body=b"<!doctype html><title>Not here</title><p>Nothing to see.</p>", content_type=kind)
        case Fate.TRUNCATED:
            return web.Response(body=picture[: len(picture) // 2], content_type=kind)
        case Fate.CORRUPT:
            third = len(picture) // 3
            return web.Response(body=picture[:third] + bytes(third) + picture[2 * third :], content_type=kind)
        case Fate.HUGE:
            return await _endless(request, picture, kind)
        case _:
            return web.Response(body=picture, content_type=kind)


async def _endless(request: web.Request, picture: bytes, kind: str) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": kind})
    await answer.prepare(request)
    await answer.write(picture)
    filling = bytes(_CHUNK)
    for _ in range(_HUGE // _CHUNK):
        await answer.write(filling)
        await asyncio.sleep(0)
    return answer
