"""What goes over the wire: requests taken apart, answers as Discord writes them."""

import io
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web
from simcord.backend import errors

from tests.fakes.discord.paths import template_of

REQUEST_LIMIT = 25 * 1024 * 1024
FILES_LIMIT = 10
ALT_LIMIT = 1024


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A `files[n]` part; `description` is its alt text from `attachments`."""

    filename: str
    data: bytes = field(repr=False)
    description: str | None = None

    @property
    def fp(self) -> io.BytesIO:
        """The bytes as simcord reads them."""
        return io.BytesIO(self.data)


@dataclass
class Call:
    """One REST request, kept for the tests. `status` is 0 while it runs and -1 when its connection was cut."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: Any = None
    files: list[UploadedFile] = field(default_factory=list)
    status: int = 0
    code: int = 0
    at: float = field(default_factory=time.monotonic)
    template: str = field(init=False)
    ids: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.template, self.ids = template_of(self.path)

    def id(self, name: str) -> int:
        """An id from the path, by its name in the template."""
        return int(self.ids[name])


def json_answer(status: int, body: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer whose Content-Type is exactly `application/json`: with a charset, discord.py takes it for text."""
    everything = {"Content-Type": "application/json", "Via": "1.1 fake"} | dict(headers or {})
    if everything["Via"] == "":
        del everything["Via"]
    return web.Response(status=status, body=json.dumps(body).encode(), headers=everything)


async def read_body(request: web.Request) -> tuple[Any, list[UploadedFile]]:
    """The JSON body and the files. Raises BackendError as Discord answers what it cannot read."""
    if (request.content_length or 0) > REQUEST_LIMIT:
        raise too_large()
    if request.content_type == "multipart/form-data":
        return await _read_multipart(request)
    raw = await request.read()
    if len(raw) > REQUEST_LIMIT:
        raise too_large()
    return (_parse(raw) if raw else None), []


async def _read_multipart(request: web.Request) -> tuple[Any, list[UploadedFile]]:
    payload: Any = {}
    parts: dict[int, tuple[str, bytes]] = {}
    total = 0
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise errors.invalid_form_body("nested multipart")
        data = bytes(await part.read())
        total += len(data)
        if part.name == "payload_json":
            payload = _parse(data)
        elif numbered := re.fullmatch(r"files\[(\d+)\]", part.name or ""):
            parts[int(numbered[1])] = (part.filename or "unknown", data)
        else:
            raise errors.invalid_form_body(f"unknown part {part.name}")
    if total > REQUEST_LIMIT:
        raise too_large()
    if not isinstance(payload, dict):
        raise errors.invalid_form_body("payload_json must be an object")
    return payload, _described(payload, parts)


def _described(payload: dict[str, Any], parts: dict[int, tuple[str, bytes]]) -> list[UploadedFile]:
    inner = payload.get("data")
    holder = inner if isinstance(inner, dict) and "attachments" in inner else payload
    told = {str(item.get("id")): item for item in holder.get("attachments") or [] if isinstance(item, dict)}
    if len(parts) > FILES_LIMIT or len(told) > FILES_LIMIT:
        raise errors.invalid_form_body(f"attachments: Must be {FILES_LIMIT} or fewer in length.")
    files = []
    for number, (filename, data) in sorted(parts.items()):
        about = told.get(str(number), {})
        description = about.get("description")
        if description is not None and len(description) > ALT_LIMIT:
            raise errors.invalid_form_body(f"attachments.{number}.description: Must be {ALT_LIMIT} or fewer in length.")
        files.append(UploadedFile(about.get("filename") or filename, data, description))
    return files


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        raise errors.BackendError(400, 50109, "The request body contains invalid JSON.") from None


def too_large() -> errors.BackendError:
    """The answer to a file or a request over its limit."""
    return errors.BackendError(413, 40005, "Request entity too large")
