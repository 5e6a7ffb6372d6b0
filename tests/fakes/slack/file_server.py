"""Where bytes go in and out: the upload address, `url_private`, thumbnails."""

import asyncio

from aiohttp import web
from aiohttp.multipart import BodyPartReader

from tests.fakes.slack.core import Core
from tests.fakes.slack.file_methods import downloadable
from tests.fakes.slack.files import thumbnail
from tests.fakes.slack.gate import Answer, guarded
from tests.fakes.slack.model import File

LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body>Sign in to Slack</body></html>"


async def upload(core: Core, request: web.Request) -> web.StreamResponse:
    """Take the bytes of a promised file: raw or as the first part of a multipart form."""
    secret = request.match_info["secret"]
    file = next((f for f in core.files.by_id.values() if f.secret == secret and f.promised), None)
    data = await _uploaded(request)

    async def run() -> Answer:
        return _received(core, file, data)

    named = {"file_id": file.id if file else "", "length": len(data)}
    return await guarded(core, request, "upload", named, run)


def _received(core: Core, file: File | None, data: bytes) -> Answer:
    if file is None or file.completed:
        return Answer(web.Response(status=404, text="no such upload"), {"ok": False})
    if len(data) != file.promised:
        core.violation("upload", f"{len(data)} bytes where {file.promised} were announced", file.id)
        return Answer(web.Response(status=400, text="length mismatch"), {"ok": False})
    file.data, file.size, file.received = data, len(data), True
    return Answer(web.Response(text=f"OK - {len(data)}"), {"ok": True})


async def _uploaded(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader):
            return bytes(await part.read(decode=False))
    return b""


async def download(core: Core, request: web.Request) -> web.StreamResponse:
    """`url_private`, its download form and thumbnails: bytes for a token that may, a login page for anyone else."""
    file = core.files.by_id.get(request.match_info["ids"].rpartition("-")[2])
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    authorized = downloadable(core, file, bearer)

    async def run() -> Answer:
        if core.files.redirect_to is not None:
            return Answer(web.Response(status=302, headers={"Location": core.files.redirect_to}), {"ok": True})
        if file is None or not authorized or file.tombstone:
            status = 404 if file is not None and file.tombstone else 200
            page = web.Response(status=status, text=LOGIN_PAGE, content_type="text/html")
            return Answer(page, {"ok": False})
        return Answer(await _bytes(file, request.match_info["name"], request.path), {"ok": True})

    named = {"file_id": file.id if file else "", "authorized": authorized, "path": request.path}
    return await guarded(core, request, "download", named, run)


async def _bytes(file: File, name: str, path: str) -> web.Response:
    if path.startswith("/files-tmb/"):
        side = int(name.rpartition("_")[2].removesuffix(".png"))
        return web.Response(body=await asyncio.to_thread(thumbnail, file, side), content_type="image/png")
    return web.Response(body=file.data, content_type=file.mimetype or "application/octet-stream")
