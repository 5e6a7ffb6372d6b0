"""The routes of the storage: no key is wanted there, and none should be sent."""

from dataclasses import dataclass

from aiohttp import web

from core.providers.simulated.counts import Counts
from core.providers.simulated.faults import Operation
from core.providers.simulated.links import Links
from core.providers.simulated.rejection import StorageRefusal
from core.providers.simulated.requests import RESULT
from core.providers.simulated.results import hand_out
from core.providers.simulated.settings import SimulationSettings
from core.providers.simulated.storage import PATH, Storage, media_type
from core.providers.simulated.studio import Studio


@dataclass(frozen=True, slots=True)
class FileApi:
    """The handlers."""

    settings: SimulationSettings
    links: Links
    storage: Storage
    studio: Studio
    counts: Counts

    def routes(self) -> list[web.RouteDef]:
        """Where each is found."""
        return [
            web.put(f"{PATH}/{{name}}", self.upload, name=Operation.UPLOAD),
            web.get(f"{PATH}/{{name}}", self.download, name=Operation.DOWNLOAD),
        ]

    async def upload(self, request: web.Request) -> web.Response:
        """Put a file where its grant says."""
        self._refuse_key(request)
        name = request.match_info["name"]
        self.storage.check(name, request.query, request.headers.get("Content-Type"))
        data = bytearray()
        async for chunk in request.content.iter_any():
            data += chunk
            if len(data) > self.settings.max_upload_bytes:
                raise StorageRefusal(400, "EntityTooLarge", "Your proposed upload is larger than allowed.")
        await self.storage.put(name, bytes(data))
        self.counts.uploads += 1
        return web.Response()

    async def download(self, request: web.Request) -> web.StreamResponse:
        """The file behind a link."""
        self._refuse_key(request)
        name = request.match_info["name"]
        self.counts.downloads += 1
        if name.startswith(RESULT):
            record = self.links.result(name)
            return await hand_out(request, record, await self.studio.picture(record))
        return web.Response(body=await self.storage.read(name), content_type=media_type(name))

    def _refuse_key(self, request: web.Request) -> None:
        if "Authorization" in request.headers:
            self.counts.keys_sent_to_storage += 1
            raise StorageRefusal(400, "InvalidArgument", "Only one authentication mechanism is allowed.")
