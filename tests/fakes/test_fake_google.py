"""The double refuses what Google refuses, in Google's words."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.fakes.google import GoogleDouble
from tests.fakes.google.server import LOCATION, PROJECT
from tests.fakes.provider import png

FLASH = "gemini-3.1-flash-image"
PICTURE = base64.b64encode(png()).decode()
INLINE = {"inlineData": {"mimeType": "image/png", "data": PICTURE}}


@dataclass(slots=True)
class Caller:
    """Says to the double what a test wants it to hear."""

    double: GoogleDouble
    http: httpx.AsyncClient
    ahead: float = 0.0

    async def post(self, body: Any, model: str = FLASH, **more: Any) -> httpx.Response:
        headers = {"x-goog-api-key": self.double.accounts.key}
        url = f"{self.double.url}/v1beta/models/{model}:generateContent"
        return await self.http.post(url, **{"json": body, "headers": headers, **more})

    async def upload(self, data: bytes = png()) -> str:
        body = b"--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\nContent-Type: image/png\r\n\r\n" + data
        answer = await self.http.post(
            f"{self.double.url}/upload/v1beta/files",
            content=body + b"\r\n--b--\r\n",
            headers={
                "x-goog-api-key": self.double.accounts.key,
                "X-Goog-Upload-Protocol": "multipart",
                "Content-Type": "multipart/related; boundary=b",
            },
        )
        link: str = answer.json()["file"]["uri"]
        return link


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with httpx.AsyncClient() as http:
        caller = Caller(GoogleDouble(), http)
        caller.double.clock = caller.double.files.clock = lambda: caller.ahead
        async with caller.double:
            yield caller


def asking(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": list(parts) or [{"text": "a fox"}]}], **more}


def drawing(**config: Any) -> dict[str, Any]:
    return asking(generationConfig=config)


REFUSED = {
    "an unknown field": (asking(prompt="a fox"), "Unknown name"),
    "an unknown setting": (drawing(aspectRatio="1:1"), "Unknown name"),
    "an unknown ratio": (drawing(imageConfig={"aspectRatio": "17:9"}), "invalid argument"),
    "a size with a small k": (drawing(imageConfig={"imageSize": "1k"}), "invalid argument"),
    "another topK": (drawing(topK=40), "invalid argument"),
    "too hot": (drawing(temperature=2.5), "range"),
    "too many pictures": (asking({"text": "a fox"}, *[INLINE] * 15), "at most 14"),
    "another kind of picture": (
        asking({"inlineData": {"mimeType": "image/gif", "data": PICTURE}}),
        "Unsupported MIME type",
    ),
    "no picture": (asking({"inlineData": {"mimeType": "image/png", "data": "aGk="}}), "Unable to process"),
    "no base64": (asking({"inlineData": {"mimeType": "image/png", "data": "!"}}), "Base64"),
    "words and a picture in one": (asking({"text": "a fox", **INLINE}), "One of"),
    "nothing": ({"contents": []}, "user role"),
    "the model's turn last": ({"contents": [{"role": "model", "parts": [{"text": "x"}]}]}, "user role"),
    "too many words": (asking({"text": "x" * 140_000}), "token count"),
    "a file of elsewhere": (
        asking({"fileData": {"mimeType": "image/png", "fileUri": "https://example.com/x.png"}}),
        "Cannot fetch",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_google_does_not_take_is_refused(caller: Caller, what: str) -> None:
    body, words = REFUSED[what]
    answer = await caller.post(body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]
    assert caller.double.made == []


@pytest.mark.parametrize("spelling", ["camel", "snake"])
async def test_both_spellings_and_both_alphabets_are_taken(caller: Caller, spelling: str) -> None:
    data = base64.urlsafe_b64encode(png()).decode().rstrip("=") if spelling == "snake" else PICTURE
    part = {"inline_data": {"mime_type": "image/png", "data": data}} if spelling == "snake" else INLINE
    config = (
        {"image_config": {"aspect_ratio": "16:9"}} if spelling == "snake" else {"imageConfig": {"aspectRatio": "16:9"}}
    )
    name = "generation_config" if spelling == "snake" else "generationConfig"
    assert (await caller.post(asking({"text": "a fox"}, part, **{name: config}))).status_code == 200
    assert (caller.double.made[0].ratio, caller.double.made[0].pictures) == ("16:9", (png(),))


@pytest.mark.parametrize("change", [{"thoughtSignature": "forged"}, {"thoughtSignature": None}])
async def test_a_signature_that_is_missing_or_altered_is_refused(caller: Caller, change: dict[str, Any]) -> None:
    content = (await caller.post(asking())).json()["candidates"][0]["content"]
    again = {"role": "user", "parts": [{"text": "at night"}]}
    assert (await caller.post({"contents": [*asking()["contents"], content, again]})).status_code == 200
    part = {name: value for name, value in {**content["parts"][-1], **change}.items() if value is not None}
    answer = await caller.post({"contents": [*asking()["contents"], {**content, "parts": [part]}, again]})
    assert answer.status_code == 400
    assert "signature" in answer.json()["error"]["message"]


async def test_a_key_is_taken_from_its_header_alone(caller: Caller) -> None:
    wrong: list[dict[str, Any]] = [{"headers": {}}, {"headers": {}, "params": {"key": caller.double.accounts.key}}]
    for more in wrong:
        answer = await caller.post(asking(), **more)
        assert answer.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"


async def test_a_file_dies_and_is_deleted_for_everybody_alike(caller: Caller) -> None:
    old, young = await caller.upload(), await caller.upload(png("red"))
    headers = {"x-goog-api-key": caller.double.accounts.key}
    part = {"fileData": {"mimeType": "image/png", "fileUri": young}}
    assert (await caller.post(asking({"text": "a fox"}, part))).status_code == 200
    assert (await caller.http.delete(old, headers=headers)).status_code == 200
    caller.ahead += 3 * 86_400
    assert {(await caller.http.get(link, headers=headers)).status_code for link in (old, young)} == {403}
    assert (await caller.post(asking({"text": "a fox"}, part))).status_code == 403


async def test_vertex_ai_wants_a_token_that_was_given(caller: Caller) -> None:
    path = f"/v1beta1/projects/{PROJECT}/locations/{LOCATION}/publishers/google/models/{FLASH}:generateContent"
    for token, status in (("made-up", 401), ("given", 200)):
        caller.double.accounts.tokens.update({"given"})
        answer = await caller.http.post(
            caller.double.url + path, json=asking(), headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == status
