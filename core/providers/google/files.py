"""The Files API of the Gemini Developer API: pictures that Google keeps for two days, for our key alone.

A file is sent as one body with its description before it (the `multipart` protocol that Google's own clients use).
"""

import json
from uuid import uuid4

import structlog

from core.errors import Unavailable
from core.ports import Upload
from core.providers.google.answers import is_missing, require
from core.providers.google.client import GoogleClient
from core.statuses import Failed, FailureReason

RETRY_SECONDS = 2.0
_FILES = "v1beta/files"

log = structlog.get_logger()


class Files:
    """Files at Google."""

    def __init__(self, client: GoogleClient) -> None:
        self._client = client
        self._root = f"{client.place.base_url}/{_FILES}/"

    async def upload(self, data: bytes, media_type: str) -> Upload:
        """Put a picture where the models can read it. Raises `Unavailable`."""
        boundary = f"imagine-{uuid4().hex}"
        about = json.dumps({"file": {"mimeType": media_type}})
        head = (
            f"--{boundary}\r\nContent-Type: application/json; charset=utf-8\r\n\r\n{about}\r\n"
            f"--{boundary}\r\nContent-Type: {media_type}\r\n\r\n"
        )
        answer = await self._client.ask(
            "POST",
            f"upload/{_FILES}",
            content=b"".join((head.encode(), data, f"\r\n--{boundary}--\r\n".encode())),
            headers={
                "X-Goog-Upload-Protocol": "multipart",
                "Content-Type": f"multipart/related; boundary={boundary}",
            },
        )
        body = require(answer)
        file = body.get("file") if isinstance(body, dict) else None
        uri = file.get("uri") if isinstance(file, dict) else None
        if not isinstance(uri, str) or not self.owns(uri):
            log.warning("an upload was answered with no file of ours")
            raise Unavailable(Failed(FailureReason.INTERNAL, retry_after=RETRY_SECONDS))
        return Upload(uri, media_type)

    async def readable(self, uri: str) -> bool:
        """Whether a file is there and the models may read it. Raises `Unavailable` where that cannot be told now."""
        if not self.owns(uri):
            return False
        answer = await self._client.ask("GET", f"{_FILES}/{uri.removeprefix(self._root)}")
        if is_missing(answer):
            return False
        body = require(answer)
        return isinstance(body, dict) and body.get("state", "ACTIVE") == "ACTIVE"

    def owns(self, uri: str) -> bool:
        """Whether an address is that of a file at our own Google."""
        name = uri.removeprefix(self._root)
        return name != uri and name.isascii() and name.replace("-", "").isalnum()
