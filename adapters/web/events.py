"""Live changes for open pages, as server-sent events; a page that was away says where it was and catches up."""

import json
import re
from contextlib import suppress

from aiohttp import web
from redis.exceptions import RedisError

from adapters.web.changes import START, Change, Changes, Gap, Quiet
from adapters.web.guard import SESSION
from adapters.web.render import change_json

RETRY_MILLISECONDS = 1000
MOST_PAGES = 200
"""Open pages per process."""
_PLACE = re.compile(r"\d{1,20}-\d{1,20}", re.ASCII)


class EventRoutes:
    """The stream of changes."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._pages = 0

    def routes(self) -> list[web.RouteDef]:
        """Where it is asked for."""
        return [web.get("/api/events", self.events)]

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Changes after `Last-Event-ID`, or after the query's `after`, until the page leaves or the server stops."""
        after = request.headers.get("Last-Event-ID") or request.query.get("after") or START
        if not _PLACE.fullmatch(after):
            raise web.HTTPBadRequest
        if self._pages >= MOST_PAGES:
            raise web.HTTPServiceUnavailable
        self._pages += 1
        try:
            return await self._stream(request, after)
        finally:
            self._pages -= 1

    async def _stream(self, request: web.Request, after: str) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        # A page that cannot be told now comes back by itself and says where it was.
        with suppress(ConnectionError, RedisError):
            await response.write(f"retry: {RETRY_MILLISECONDS}\n\n".encode())
            async with self._changes.follow(after) as changes:
                async for change in changes:
                    if event := _event(change, request[SESSION].user):
                        await response.write(event)
        return response


def _event(change: Change | Gap | Quiet, user: str) -> bytes:
    """A change as this person's page may see it; empty where it may not."""
    if isinstance(change, Quiet):
        return b": still here\n\n"
    if isinstance(change, Change) and change.posted and not change.posted.message.visible_to(user):
        return b""
    return f"id: {change.id}\ndata: {json.dumps(change_json(change))}\n\n".encode()
