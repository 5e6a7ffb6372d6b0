"""The storage beside the queue: where reference pictures are put and finished ones are read.

Everybody with a link can read there, so no key is needed, and none is ever shown to it.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from ipaddress import ip_address

import httpx
import structlog

from core.errors import Unavailable
from core.fetching import Fetcher, FetchFailed, FetchProblem
from core.pictures import Picture
from core.ports import Upload
from core.providers.gmi.answers import require
from core.providers.gmi.client import QueueClient
from core.providers.gmi.shapes import Grant
from core.providers.http import CONNECT_SECONDS, SECONDS
from core.statuses import Failed, FailureReason

MAX_RESULT_BYTES = 32_000_000
DOWNLOAD_SECONDS = UPLOAD_SECONDS = 60.0
RETRY_SECONDS = 2.0
UPLOAD_TRIES = 2
FILE_TYPES = {"image/png": "png", "image/jpeg": "jpeg"}
"""What the service grants uploads for. It knows `jpg` too, and binds it to a content type that does not exist."""

_TIMEOUT = httpx.Timeout(SECONDS, connect=CONNECT_SECONDS)
_HEAD_REFUSED = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})
_DEFAULT_PORTS = {"http": 80, "https": 443}

log = structlog.get_logger()


class Storage:
    """Uploads, downloads, and whether a link still answers.

    `hosts` are exact: `host`, or `host:port` where the port is not 443. Nothing is put or read anywhere else.
    """

    def __init__(
        self,
        queue: QueueClient,
        client: httpx.AsyncClient,
        fetcher: Fetcher,
        *,
        hosts: Collection[str],
        pauses: Sequence[float],
    ) -> None:
        self._queue = queue
        self._client = client
        self._fetcher = fetcher
        self._hosts = frozenset(host.lower() for host in hosts)
        self._pauses = pauses

    async def upload(self, picture: Picture) -> Upload:
        """Put a PNG or JPEG where the service reads it; once more with a new grant when the first is not taken.

        Raises:
            Unavailable: it is not there.
            ValueError: the picture is of another kind.
        """
        file_type = FILE_TYPES.get(picture.media_type)
        if file_type is None:
            raise ValueError(f"only PNG and JPEG can be uploaded, not {picture.media_type}")
        for _ in range(UPLOAD_TRIES):
            grant = Grant.of(require(await self._queue.post("upload-url", body={"file_type": file_type})))
            self._check(grant)
            if await self._put(grant.upload_url, picture):
                return Upload(grant.public_url, picture.media_type)
        raise Unavailable(Failed(FailureReason.INTERNAL, retry_after=RETRY_SECONDS))

    async def readable(self, url: str) -> bool:
        """Whether a link of the storage still answers. Raises `Unavailable` where that cannot be told now."""
        if not self.owns(url):
            return False
        status = await self._status("HEAD", url)
        if status in _HEAD_REFUSED:
            status = await self._status("GET", url, {"Range": "bytes=0-0"})
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Unavailable(Failed(FailureReason.OVERLOADED, retry_after=RETRY_SECONDS))
        return httpx.codes.is_success(status)

    async def download(self, url: str) -> bytes:
        """A finished picture, unverified. A fresh link is given a moment to come to life. Raises `Unavailable`."""
        try:
            return await self._fetcher.fetch_trusted(
                url,
                self._hosts,
                max_bytes=MAX_RESULT_BYTES,
                seconds=DOWNLOAD_SECONDS,
                short_retries=self._pauses,
            )
        except FetchFailed as failure:
            log.warning("a picture could not be downloaded", problem=failure.problem, status=failure.status)
            may_come = failure.retryable or failure.problem is FetchProblem.GONE
            retry_after = RETRY_SECONDS if may_come else None
            raise Unavailable(Failed(FailureReason.DAMAGED, retry_after=retry_after)) from failure

    def owns(self, url: str) -> bool:
        """Whether a link is of one of our hosts, by TLS or on this machine."""
        try:
            link = httpx.URL(url)
            port = link.port or _DEFAULT_PORTS.get(link.scheme)
        except (httpx.InvalidURL, ValueError):
            return False
        host = f"[{link.host}]" if ":" in link.host else link.host
        secure = link.scheme == "https" or (link.scheme == "http" and _is_loopback(link.host))
        named = f"{host}:{port}" in self._hosts or (port == _DEFAULT_PORTS["https"] and host in self._hosts)
        return secure and named and not link.userinfo

    def _check(self, grant: Grant) -> None:
        if not grant.upload_url or not grant.public_url:
            raise Unavailable(Failed(FailureReason.INTERNAL, retry_after=RETRY_SECONDS))
        if not (self.owns(grant.upload_url) and self.owns(grant.public_url)):
            log.error("the image service wants pictures put on a host that is not in RESULT_HOSTS")
            raise Unavailable(Failed(FailureReason.WRONG_HOST))

    async def _put(self, url: str, picture: Picture) -> bool:
        """Whether the storage took it. The grant binds the exact content type."""
        headers = {"Content-Type": picture.media_type}
        try:
            status = await self._status("PUT", url, headers, picture.data, seconds=UPLOAD_SECONDS)
        except Unavailable:
            return False
        if not httpx.codes.is_success(status):
            log.warning("an upload was not taken", status=status)
        return httpx.codes.is_success(status)

    async def _status(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        *,
        seconds: float = SECONDS,
    ) -> int:
        """The status that the storage answers with; of the body nothing is read."""
        request = self._client.build_request(method, url, headers=headers, content=content, timeout=_TIMEOUT)
        try:
            async with asyncio.timeout(seconds):
                response = await self._client.send(request, follow_redirects=False, stream=True)
                await response.aclose()
        except (httpx.HTTPError, OSError) as error:
            log.warning("the storage does not answer", method=method, cause=type(error).__name__)
            raise Unavailable(Failed(FailureReason.OVERLOADED, retry_after=RETRY_SECONDS)) from error
        return response.status_code


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
