"""Pictures on their way to Slack: three steps, of which the last may be done once only.

A file that is shared nowhere is seen by nobody but us. So it harms nobody to begin an upload anew; what has been
uploaded is written down all the same, and an answer that was lost is looked up (`files.info`) before that.

slack:upload:<key>   JSON list of `Upload`, for a day
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import aiohttp
import structlog
from redis.asyncio import Redis

from adapters.slack.posts import Shown
from adapters.slack.text import one_line
from adapters.slack.web_api import UNSURE_SECONDS, Refused, Unsure, WebApi
from core.errors import PlatformBusy
from core.fetching import is_trusted
from core.packing import key, pack, unpack
from core.ports import Image

ALT_CHARACTERS = 1000
UPLOAD_SECONDS = 86_400
_OK, _SERVER_ERRORS, _RATE_LIMITED = 200, 500, 429

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was begun: its id, how many bytes it has, and whether Slack is known to have all of it."""

    file: str
    name: str
    size: int
    complete: bool = False
    url: str = ""


class Uploads:
    """Brings files to Slack, and remembers which. `hosts` are those that take and serve files."""

    def __init__(self, api: WebApi, redis: Redis, hosts: Collection[str]) -> None:
        self._api = api
        self._redis = redis
        self._hosts = frozenset(hosts)

    async def bring(self, name: str, workspace: str, images: Sequence[Image]) -> tuple[Shown, ...]:
        """Upload a turn's pictures; those that are there already are not uploaded again.

        Raises:
            Refused: the workspace takes no files, or none as large as these.
            PlatformBusy: try again.
        """
        known = await self._known(name)
        if [(one.name, one.size) for one in known] != [(one.file_name, len(one.picture.data)) for one in images]:
            known = []
        if known and not all(one.complete for one in known):
            known = await self._completed(name, workspace, known)
        if not known:
            known = [await self._sent(workspace, image) for image in images]
            await self._note(name, known)
            known = await self._completed(name, workspace, known)
        if not known:
            raise PlatformBusy(UNSURE_SECONDS)
        return tuple(Shown(one.file, one.name, one.url) for one in known)

    async def _sent(self, workspace: str, image: Image) -> Upload:
        """A file at Slack whose bytes have arrived, not yet complete."""
        size = len(image.picture.data)
        try:
            answer = await self._api.call(
                workspace,
                "files.getUploadURLExternal",
                filename=image.file_name,
                length=size,
                alt_txt=one_line(image.alt_text, ALT_CHARACTERS) or None,
            )
        except Unsure as unsure:
            raise PlatformBusy(UNSURE_SECONDS) from unsure
        await self._post(str(answer["upload_url"]), image)
        return Upload(str(answer["file_id"]), image.file_name, size)

    async def _post(self, url: str, image: Image) -> None:
        if not is_trusted(url, self._hosts):
            raise Refused("upload", "unknown_upload_host")
        headers = {"Content-Type": image.picture.media_type}
        try:
            async with self._api.session.post(
                url, data=image.picture.data, headers=headers, allow_redirects=False
            ) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise PlatformBusy(UNSURE_SECONDS) from error
        if status == _RATE_LIMITED or status >= _SERVER_ERRORS:
            raise PlatformBusy(UNSURE_SECONDS)
        if status != _OK:
            raise Refused("upload", f"http_{status}")

    async def _completed(self, name: str, workspace: str, files: list[Upload]) -> list[Upload]:
        """The same files, complete; empty where they have to be uploaded anew."""
        entries = [{"id": one.file, "title": one.name} for one in files]
        try:
            answer = await self._api.call(workspace, "files.completeUploadExternal", files=entries)
        except Unsure as unsure:
            raise PlatformBusy(UNSURE_SECONDS) from unsure
        except Refused as refused:
            if refused.code not in ("file_not_found", "invalid_arguments", "posting_to_general_channel_denied"):
                raise
            described = [await self._looked_up(workspace, one) for one in files]
        else:
            described = list(answer.get("files", ()))
        if len(described) != len(files) or None in described:
            return []
        complete = [
            replace(one, complete=True, url=str((said or {}).get("url_private") or ""))
            for one, said in zip(files, described, strict=True)
        ]
        await self._note(name, complete)
        return complete

    async def _looked_up(self, workspace: str, one: Upload) -> dict[str, object] | None:
        """The file, where Slack has all of it: an earlier attempt completed it."""
        try:
            answer = await self._api.call(workspace, "files.info", file=one.file)
        except Refused:
            return None
        file = answer.get("file") or {}
        return file if file.get("size") == one.size else None

    async def _known(self, name: str) -> list[Upload]:
        found = await self._redis.get(key("slack", "upload", name))
        return unpack(list[Upload], found) if found else []

    async def _note(self, name: str, files: list[Upload]) -> None:
        await self._redis.set(key("slack", "upload", name), pack(list[Upload], files), ex=UPLOAD_SECONDS)
