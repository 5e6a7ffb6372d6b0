"""A plain client of the image service, that does what the documents say and nothing more."""

import copy
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from PIL import Image

from core.providers.simulated.server import SimulatedService
from core.providers.simulated.settings import (
    Delivery,
    SimulationSettings,
)
from tests.conftest import wait_until

FLASH = "gemini-2.5-flash-image"
PRO = "gemini-3-pro-image"
QUICK = SimulationSettings.quick()
HELD = SimulationSettings.quick(Delivery.HELD)
ENDED = {"success", "failed", "cancelled"}


def png(colour: tuple[int, int, int] = (200, 30, 30), size: tuple[int, int] = (40, 30)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Caller:
    """A client that does what the documents say, and nothing more."""

    service: SimulatedService
    http: httpx.AsyncClient

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.service.key}"}

    async def get(self, path: str, **params: str | int) -> httpx.Response:
        return await self.http.get(f"{self.service.url}{path}", params=params, headers=self._headers())

    async def post(self, path: str, body: Any) -> httpx.Response:
        return await self.http.post(f"{self.service.url}{path}", json=body, headers=self._headers())

    async def submit(self, prompt: str = "a fox", model: str = FLASH, **payload: Any) -> httpx.Response:
        said = {} if "contents" in payload else {"prompt": prompt}
        return await self.post("/requests", {"model": model, "payload": said | payload})

    async def look(self, request_id: str) -> dict[str, Any]:
        answer = await self.get(f"/requests/{request_id}")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def ended(self, request_id: str) -> dict[str, Any]:
        async def record_when_ended() -> dict[str, Any] | None:
            record = await self.look(request_id)
            return record if record["status"].lower() in ENDED else None

        record: dict[str, Any] = await wait_until(record_when_ended, timeout=10)
        return record

    async def made(self, prompt: str = "a fox", model: str = FLASH, **payload: Any) -> dict[str, Any]:
        """The record of a request from submit to end."""
        answer = await self.submit(prompt, model, **payload)
        assert answer.status_code == 200, answer.text
        return await self.ended(answer.json()["request_id"])

    async def picture(self, record: dict[str, Any]) -> Image.Image:
        answer = await self.http.get(record["outcome"]["media_urls"][0]["url"])
        assert answer.status_code == 200, answer.text
        return Image.open(io.BytesIO(answer.content)).convert("RGB")

    async def upload(self, data: bytes, file_type: str = "png", content_type: str = "image/png") -> str:
        grant = (await self.post("/upload-url", {"file_type": file_type})).json()
        put = await self.http.put(grant["upload_url"], content=data, headers={"Content-Type": content_type})
        assert put.status_code == 200, put.text
        link: str = grant["public_url"]
        return link


@asynccontextmanager
async def serving(settings: SimulationSettings = QUICK, **more: Any) -> AsyncIterator[Caller]:
    async with (
        SimulatedService(settings, **more) as service,
        httpx.AsyncClient(limits=httpx.Limits(max_connections=None), timeout=30) as http,
    ):
        yield Caller(service, http)


def filled_in(record: dict[str, Any], text: str, *links: str) -> list[dict[str, Any]]:
    """The history of a record with the next turn said."""
    history: list[dict[str, Any]] = copy.deepcopy(record["outcome"]["next_turn_contents"])
    files = [{"fileData": {"fileUri": link, "mimeType": "image/png"}} for link in links]
    return [*history[:-1], {"role": "user", "parts": [{"text": text}, *files]}]


def pixels_of(image: Image.Image) -> list[tuple[int, int, int]]:
    data = image.tobytes()
    return [(data[index], data[index + 1], data[index + 2]) for index in range(0, len(data), 3)]


def distance(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of two pictures of one size, of 255."""
    left, right = one.tobytes(), other.tobytes()
    return sum(abs(a - b) for a, b in zip(left, right, strict=True)) / len(left)
