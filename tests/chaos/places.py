"""A chat place that outlives the processes that post to it, and counts every post.

`Board` is the server; `BoardChat` is its client, the chat platform of a process that will be killed.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiohttp import web

from core.errors import PlatformBusy, PlatformGone
from core.ports import Announcement, Delivered, Notice, Result
from core.turns import Reference, ThreadKey, Turn

PLATFORM = "board"


@dataclass(slots=True)
class Board:
    """What people would see: posts by their marker, each counted as often as it was really posted."""

    posts: Counter[str] = field(default_factory=Counter)
    notices: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=64_000_000)
        app.router.add_post("/posts/{marker}", self._post)
        app.router.add_get("/posts/{marker}", self._find)
        app.router.add_put("/notices/{turn}", self._note)
        app.router.add_get("/files/{name}", self._file)
        return app

    async def _post(self, request: web.Request) -> web.Response:
        self.posts[request.match_info["marker"]] += 1
        return web.Response()

    async def _find(self, request: web.Request) -> web.Response:
        return web.json_response({"found": bool(self.posts[request.match_info["marker"]])})

    async def _note(self, request: web.Request) -> web.Response:
        self.notices.setdefault(request.match_info["turn"], []).append(await request.text())
        return web.Response()

    async def _file(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["name"]])


@dataclass(slots=True)
class BoardChat:
    """Posts to the board; looks first when told that an earlier attempt may have arrived."""

    client: httpx.AsyncClient
    name: str = PLATFORM

    async def announce(self, turn: Turn, notice: Notice, *, repeated: bool) -> Announcement:
        await self._post_once(f"announce-{turn.id}", repeated)
        await self.update(turn, Announcement(turn.thread, turn.id), notice)
        place = ThreadKey(PLATFORM, turn.thread.workspace, turn.thread.channel, turn.id)
        return Announcement(place, turn.id)

    async def update(self, turn: Turn, announcement: Announcement, notice: Notice) -> None:
        await self._call("PUT", f"/notices/{turn.id}", content=f"{notice.stage} {notice.cause}")

    async def deliver(self, turn: Turn, announcement: Announcement, result: Result, *, repeated: bool) -> Delivered:
        await self._post_once(f"deliver-{turn.id}", repeated)
        return Delivered(f"p-{turn.id}", tuple(Reference(image.file_name) for image in result.images))

    async def fetch(self, reference: Reference, thread: ThreadKey) -> bytes:
        answer = await self._call("GET", f"/files/{reference.attachment}")
        return answer.content

    async def _post_once(self, marker: str, repeated: bool) -> None:
        if repeated and (await self._call("GET", f"/posts/{marker}")).json()["found"]:
            return
        await self._call("POST", f"/posts/{marker}")

    async def _call(self, verb: str, path: str, **arguments: Any) -> httpx.Response:
        try:
            answer = await self.client.request(verb, path, **arguments)
        except httpx.HTTPError as error:
            raise PlatformBusy(0.5) from error
        if answer.is_error:
            raise PlatformGone(f"{answer.status_code}")
        return answer
