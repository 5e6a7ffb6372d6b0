"""What a page needs to begin: who sits there, the channels, and what is real."""

import time
from dataclasses import dataclass, field

from aiohttp import web
from pydantic import BaseModel, Field

from adapters.web.changes import Changes
from adapters.web.guard import COOKIE, SESSION, language
from adapters.web.incoming import MOST_PICTURES
from adapters.web.parsing import body
from adapters.web.render import LABELS, Json
from adapters.web.sessions import Sessions
from adapters.web.workspace import MOST_CHANNELS, Workspace, channel_name
from core.errors import Declined
from core.replies import say

MEGA = 1_000_000


@dataclass(frozen=True, slots=True)
class WebSetup:
    """How the web workspace is set up.

    `password` is asked for where there is one. `simulated` says on the page that pictures are. `max_upload_bytes` is
    per picture, `most_images` what one turn may ask for.
    """

    password: str = field(default="", repr=False)
    simulated: bool = False
    max_upload_bytes: int = 30_000_000
    most_images: int = 4


class Entering(BaseModel):
    """Somebody at the door."""

    name: str = Field(max_length=200)
    password: str = Field("", max_length=1000)


class NewChannel(BaseModel):
    """A channel that somebody wants."""

    name: str = Field(max_length=200)


class StartRoutes:
    """Sessions and channels."""

    def __init__(
        self,
        workspace: Workspace,
        sessions: Sessions,
        changes: Changes,
        setup: WebSetup,
    ) -> None:
        self._workspace = workspace
        self._sessions = sessions
        self._changes = changes
        self._setup = setup

    def routes(self) -> list[web.RouteDef]:
        """Where these are asked for."""
        return [
            web.get("/api/session", self.session),
            web.post("/api/session", self.enter),
            web.delete("/api/session", self.leave),
            web.get("/api/start", self.start),
            web.post("/api/channels", self.open_channel),
        ]

    async def session(self, request: web.Request) -> web.Response:
        """Who sits there, if anybody, and whether a password is asked for."""
        session = request.get(SESSION)
        return web.json_response(
            {
                "user": session.user if session else None,
                "name": session.name if session else None,
                "guarded": self._sessions.guarded,
                "simulated": say(language(request), "web.simulated") if self._setup.simulated else None,
            }
        )

    async def enter(self, request: web.Request) -> web.Response:
        """Say who one is."""
        entering = await body(request, Entering)
        token = await self._sessions.open(entering.name, entering.password, request.remote or "")
        response = web.json_response({})
        response.set_cookie(
            COOKIE, token, max_age=self._workspace.ttl, httponly=True, samesite="Strict", secure=request.secure
        )
        return response

    async def leave(self, request: web.Request) -> web.Response:
        """End the session."""
        await self._sessions.close(request.cookies.get(COOKIE, ""))
        response = web.json_response({})
        response.del_cookie(COOKIE)
        return response

    async def start(self, request: web.Request) -> web.Response:
        """Everything that does not change while the page is open, and where its live changes begin."""
        cursor = await self._changes.newest()
        channels = await self._workspace.channels()
        return web.json_response(
            {
                "cursor": cursor,
                "now": time.time(),
                "channels": [channel.name for channel in channels],
                "most_images": self._setup.most_images,
                "most_pictures": MOST_PICTURES,
                "max_upload_bytes": self._setup.max_upload_bytes,
                "labels": {name: say(language(request), f"button.{name}") for name in LABELS},
                "words": self._words(language(request)),
            }
        )

    async def open_channel(self, request: web.Request) -> web.Response:
        """Make a channel."""
        name = channel_name((await body(request, NewChannel)).name)
        if name is None:
            raise Declined("web.bad_channel_name")
        if not await self._workspace.open_channel(name):
            raise Declined("web.too_many_channels", {"limit": MOST_CHANNELS})
        return web.json_response({"name": name})

    def _words(self, locale: str) -> Json:
        """What the page itself refuses; `{name}` is filled in there."""
        most = self._setup.max_upload_bytes // MEGA
        return {
            "too_many_pictures": say(locale, "web.too_many_pictures", limit=MOST_PICTURES),
            "upload_too_large": say(locale, "web.upload_too_large", name="{name}", limit=most),
        }
