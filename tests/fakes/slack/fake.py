"""The double as a running server."""

from types import TracebackType
from typing import Self

from aiohttp import web

from tests.fakes.slack import file_server, replies, web_api
from tests.fakes.slack.admin import Arranging
from tests.fakes.slack.http_delivery import SigningByHand


class FakeSlack(Arranging, SigningByHand):
    """A Slack on loopback. `async with FakeSlack() as fake:`; then `fake.api_url` is the SDK's `base_url`."""

    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_get("/link/", self.sockets.serve)
        app.router.add_post("/upload/v1/{secret}", self._upload)
        for prefix in ("/files-pri/{ids}/", "/files-pri/{ids}/download/", "/files-tmb/{ids}/"):
            app.router.add_get(prefix + "{name}", self._download)
        app.router.add_get("/avatars/{user}_{side}.png", self._avatar)
        for kind in ("commands", "actions", "app"):
            app.router.add_post(f"/{kind}/{{rest:.+}}", self._response_url)
        self._runner = web.AppRunner(app, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=4096)
        await site.start()
        port = self._runner.addresses[0][1]
        self.base_url = f"http://127.0.0.1:{port}"

    @property
    def api_url(self) -> str:
        """What `AsyncWebClient(base_url=…)` takes."""
        return f"{self.base_url}/api/"

    async def stop(self) -> None:
        """Stop listening, close sockets, forget what was still to be delivered."""
        try:
            await self.outbox.close()
            await self.tasks.close()
            await self.sockets.close()
        finally:
            if self._runner is not None:
                await self._runner.cleanup()
                self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _api(self, request: web.Request) -> web.StreamResponse:
        return await web_api.serve(self, request)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        return await file_server.upload(self, request)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        return await file_server.download(self, request)

    async def _avatar(self, request: web.Request) -> web.StreamResponse:
        """A person's own picture, for anybody; a token that is shown here was shown to the world."""
        if "Authorization" in request.headers:
            self.violation("avatars", "a token went to the host of avatars", request.path)
        people = {user.id: user for team in self.teams.values() for user in team.users.values()}
        found = people.get(request.match_info["user"])
        return web.Response(body=found.avatar, content_type="image/png") if found else web.Response(status=404)

    async def _response_url(self, request: web.Request) -> web.StreamResponse:
        return await replies.serve(self, request)
