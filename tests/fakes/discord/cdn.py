"""Attachments behind signed links that expire: `?ex=<expiry>&is=<issued>&hm=<signature>`, all hexadecimal."""

import hashlib
import hmac
import io
import mimetypes
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from PIL import Image, UnidentifiedImageError
from simcord.backend.cdn import CdnStore

from tests.fakes.discord.clock import MovableClock


class SignedCdn(CdnStore):
    """Keeps the bytes; `sign` is applied to every payload on its way out, so a link is as fresh as its payload."""

    def __init__(self, clock: MovableClock, link_lifetime: float) -> None:
        super().__init__()
        self.base = ""
        self.link_lifetime = link_lifetime
        self._clock = clock
        self._key = secrets.token_bytes(16)

    def store_attachment(
        self, attachment_id: int, channel_id: int, filename: str, data: bytes, description: str | None
    ) -> dict[str, Any]:
        """Keep one upload; returns Discord's attachment object with an unsigned link."""
        return self._store("attachments", attachment_id, channel_id, filename, data, description)

    def store_option(self, attachment_id: int, channel_id: int, filename: str, data: bytes) -> dict[str, Any]:
        """Keep what a person uploaded into a command or a modal."""
        stored = self._store("ephemeral-attachments", attachment_id, channel_id, filename, data, None)
        return stored | {"ephemeral": True}

    def store_avatar(self, user_id: int, data: bytes) -> str:
        """Keep an avatar; returns its hash."""
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        self._blobs[f"/avatars/{user_id}/{digest}"] = data
        return digest

    def _store(
        self, folder: str, attachment_id: int, channel_id: int, filename: str, data: bytes, description: str | None
    ) -> dict[str, Any]:
        name = safe_name(filename)
        path = f"/{folder}/{channel_id}/{attachment_id}/{name}"
        self._blobs[path] = data
        stored: dict[str, Any] = {
            "id": str(attachment_id),
            "filename": name,
            "size": len(data),
            "url": self.base + path,
            "proxy_url": self.base + path,
            "content_type": mimetypes.guess_type(name)[0] or "application/octet-stream",
        }
        if description is not None:
            stored["description"] = description
        if name != filename:
            stored["title"] = filename.rpartition(".")[0]
        if size := _pixel_size(data):
            stored["width"], stored["height"] = size
        return stored

    def forget(self, attachments: Iterable[Mapping[str, Any]]) -> None:
        """Files go with their message."""
        for attachment in attachments:
            self._blobs.pop(str(attachment["url"]).removeprefix(self.base).partition("?")[0], None)

    def data_of(self, attachment: Mapping[str, Any]) -> bytes:
        """The bytes behind an attachment object, whatever its link's age."""
        return self._blobs[str(attachment["url"]).removeprefix(self.base).partition("?")[0]]

    def sign(self, url: str) -> str:
        """The link as handed out now; anything that is not an attachment of ours is returned as it is."""
        path = url.removeprefix(self.base)
        if not self.base or path == url or "?" in url or not path.startswith(("/attachments/", "/ephemeral-")):
            return url
        issued = int(self._clock.timestamp())
        expiry = int(self._clock.timestamp() + self.link_lifetime)
        return f"{url}?ex={expiry:x}&is={issued:x}&hm={self._signature(path, expiry, issued)}&"

    def open(self, path: str, query: Mapping[str, str]) -> bytes | None:
        """The bytes for a request, or None where Discord answers 404: unknown, unsigned, forged or expired."""
        if path.startswith("/avatars/"):
            return self._blobs.get(path.rpartition(".")[0])
        try:
            expiry, issued = int(query["ex"], 16), int(query["is"], 16)
            genuine = hmac.compare_digest(query["hm"], self._signature(path, expiry, issued))
        except (KeyError, ValueError):
            return None
        return self._blobs.get(path) if genuine and self._clock.timestamp() < expiry else None

    def content_type(self, path: str) -> str:
        """The media type that Discord serves a file with: its extension's."""
        return mimetypes.guess_type(path)[0] or "application/octet-stream"

    def _signature(self, path: str, expiry: int, issued: int) -> str:
        return hmac.new(self._key, f"{path}|{expiry:x}|{issued:x}".encode(), hashlib.sha256).hexdigest()


def safe_name(filename: str) -> str:
    """Discord keeps letters, digits, `_`, `-` and `.` of a file's name; spaces become underscores."""
    kept = re.sub(r"[^A-Za-z0-9_.-]", "", filename.replace(" ", "_"))
    return kept.lstrip(".") or "file"


def _pixel_size(data: bytes) -> tuple[int, int] | None:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return None
