"""Pictures in and out: uploads under limits, and bytes that a browser cannot take for anything but a picture."""

from typing import Protocol

import structlog
from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from adapters.web.files import Files
from adapters.web.guard import PICTURE_POLICY, language
from core.errors import Declined, ImagineError
from core.pictures import Picture, PictureRefused
from core.pictures.identify import media_type_of
from core.replies import say

THUMBNAIL_SIDE = 960
"""Pixels: sharp on a dense screen at the size that a timeline shows."""
SIGNATURE_BYTES = 4096
LONGEST_NAME = 120
MEGA = 1_000_000
_KEPT = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "Content-Security-Policy": PICTURE_POLICY,
    "Content-Disposition": "inline",
}
_REASONS = {"crashed": "too_slow"}

log = structlog.get_logger()


class Thumbnails(Protocol):
    """What is asked of `core.pictures.workshop.PictureWorkshop`."""

    async def thumbnail(self, data: bytes, side: int) -> Picture:
        """A small picture. Raises `PictureRefused`, or another `ImagineError` that says nothing about the picture."""
        ...


class PictureRoutes:
    """Uploads, pictures and thumbnails."""

    def __init__(self, files: Files, thumbnails: Thumbnails, *, max_upload_bytes: int) -> None:
        self._files = files
        self._thumbnails = thumbnails
        self._max_upload_bytes = max_upload_bytes

    def routes(self) -> list[web.RouteDef]:
        """Where these are asked for."""
        return [
            web.post("/api/uploads", self.upload),
            web.get("/pictures/{digest}", self.picture),
            web.get("/thumbnails/{digest}", self.thumbnail),
        ]

    async def upload(self, request: web.Request) -> web.Response:
        """Keep one picture, if it is one; gives its digest, to be sent along with a message."""
        if request.content_type != "multipart/form-data":
            raise web.HTTPUnsupportedMediaType
        try:
            part = await (await request.multipart()).next()
            if not isinstance(part, BodyPartReader):
                raise web.HTTPBadRequest
            name = _file_name(part.filename or "")
            data = await self._read(part, name)
        except (ValueError, HttpProcessingError) as error:
            raise web.HTTPBadRequest from error
        thumbnail = await self._checked(data, name, language(request))
        digest = await self._files.put(data)
        if thumbnail:
            await self._files.put_small(digest, thumbnail.data)
        return web.json_response({"digest": digest, "name": name})

    async def picture(self, request: web.Request) -> web.Response:
        """A picture as it was uploaded or delivered."""
        data = await self._files.get(request.match_info["digest"])
        return _image(data)

    async def thumbnail(self, request: web.Request) -> web.Response:
        """A small one that every browser can show, made when it is first asked for."""
        digest = request.match_info["digest"]
        small = await self._files.get_small(digest)
        if small is None and (data := await self._files.get(digest)):
            try:
                small = (await self._thumbnails.thumbnail(data, THUMBNAIL_SIDE)).data
            except ImagineError:
                raise web.HTTPNotFound from None
            await self._files.put_small(digest, small)
        return _image(small)

    async def _read(self, part: BodyPartReader, name: str) -> bytes:
        data = bytearray()
        while chunk := await part.read_chunk(1 << 16):
            data += chunk
            if len(data) > self._max_upload_bytes:
                raise Declined("web.upload_too_large", {"name": name, "limit": self._max_upload_bytes // MEGA})
        return bytes(data)

    async def _checked(self, data: bytes, name: str, locale: str) -> Picture | None:
        """The thumbnail, or None where none can be made just now. Raises `Declined` for what is not a picture."""
        try:
            media_type_of(data[:SIGNATURE_BYTES])
            return await self._thumbnails.thumbnail(data, THUMBNAIL_SIDE)
        except PictureRefused as refusal:
            problem = _REASONS.get(refusal.problem, refusal.problem)
            reason = say(locale, f"picture.{problem}", limit=self._max_upload_bytes // MEGA)
            raise Declined("note.left_out", {"name": name, "reason": reason}) from refusal
        except ImagineError as error:
            log.warning("no thumbnail can be made", problem=type(error).__name__)
            return None


def _image(data: bytes | None) -> web.Response:
    if data is None:
        raise web.HTTPNotFound
    return web.Response(body=data, content_type=media_type_of(data[:SIGNATURE_BYTES]), headers=_KEPT)


def _file_name(name: str) -> str:
    """The last part of a path, printable, not too long."""
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(sign for sign in last if sign.isprintable())[-LONGEST_NAME:]
    return seen if seen.strip(". ") else "picture"
