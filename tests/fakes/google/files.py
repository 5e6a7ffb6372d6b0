"""The Files API: pictures that are kept for two days."""

import email
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.google.faults import Refusal

LIFETIME = 172_800.0


@dataclass(slots=True)
class File:
    """One file. `state` is ACTIVE once the models may read it."""

    data: bytes
    media_type: str
    until: float
    state: str = "ACTIVE"


@dataclass(slots=True)
class FileStore:
    """The files of a key, at `root`. `lifetime` is in seconds of `clock`."""

    clock: Callable[[], float]
    lifetime: float = LIFETIME
    root: str = ""
    files: dict[str, File] = field(default_factory=dict)
    uploads: int = 0
    reads: int = 0

    def put(self, headers: Any, body: bytes) -> dict[str, Any]:
        """Take an upload: a description and the bytes, in one body. Raises `Refusal`."""
        if headers.get("X-Goog-Upload-Protocol") != "multipart":
            raise Refusal(400, "Upload protocol is not supported here.")
        content_type = headers.get("Content-Type", "")
        message = email.message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
        parts: list[Any] = message.get_payload() if message.is_multipart() else []  # type: ignore[assignment]
        if message.get_content_type() != "multipart/related" or len(parts) != 2:
            raise Refusal(400, "Metadata part is too large or missing.")
        about = json.loads(parts[0].get_payload(decode=True)).get("file", {})
        data, media_type = _exactly(body, content_type), parts[1].get_content_type()
        if about.get("mimeType", media_type) != media_type or not data:
            raise Refusal(400, "The upload does not fit its description.")
        self.uploads += 1
        name = secrets.token_hex(6)
        self.files[name] = File(data, media_type, self.clock() + self.lifetime)
        return {"file": self.told(name)}

    def told(self, name: str) -> dict[str, Any]:
        """What there is to say of a file. Raises `Refusal`, the same for one that is not there and one of others."""
        self.reads += 1
        file = self.alive(name)
        return {
            "name": f"files/{name}",
            "uri": f"{self.root}/{name}",
            "mimeType": file.media_type,
            "sizeBytes": str(len(file.data)),
            "state": file.state,
        }

    def alive(self, name: str) -> File:
        """A file. Raises `Refusal`."""
        file = self.files.get(name)
        if file is None or file.until < self.clock():
            raise Refusal(403, f"You do not have permission to access the File {name} or it may not exist.")
        return file

    def read(self, uri: str) -> bytes:
        """The bytes behind an address, as the models read them. Raises `Refusal`."""
        if not uri.startswith(f"{self.root}/"):
            raise Refusal(400, "Cannot fetch content from the provided URL.")
        name = uri.removeprefix(f"{self.root}/")
        file = self.alive(name)
        if file.state != "ACTIVE":
            raise Refusal(400, f"The File {name} is not in an ACTIVE state and usage is not allowed.")
        return file.data


def _exactly(body: bytes, content_type: str) -> bytes:
    """The bytes of the second part: mail's reader would mend line ends in them."""
    boundary = content_type.split("boundary=", 1)[1].strip('"').encode()
    second = body.split(b"--" + boundary)[2]
    return second.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n")
