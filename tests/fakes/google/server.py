"""The double: both of Google's APIs on one port of loopback."""

import asyncio
import base64
import itertools
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from tests.fakes.google.accounts import Accounts
from tests.fakes.google.faults import Block, Finish, Happening, Refusal, Reply, Wire
from tests.fakes.google.files import FileStore
from tests.fakes.google.pictures import drawn
from tests.fakes.google.rules import MODELS, Reader, Wanted

PROJECT, LOCATION = "fox-1", "global"
MOST_BYTES = 100_000_000
PAGE = 3


@dataclass(slots=True)
class GoogleDouble:
    """Google, as far as pictures go: `made` is what was drawn, and charged.

    What is put into `faults` befalls the next requests for pictures, and `free_faults` the next calls of other kinds.
    `hold` keeps answers until it is set. `signature` is how many characters a thought signature has; `snake` spells
    answers in the other way, with the other alphabet. `thinks` adds a picture that the model only thought of.
    """

    clock: Callable[[], float] = time.time
    faults: deque[Happening] = field(default_factory=deque)
    free_faults: deque[Reply] = field(default_factory=deque)
    hold: asyncio.Event | None = None
    signature: int = 40
    snake: bool = False
    thinks: bool = False
    accounts: Accounts = field(default_factory=Accounts)
    made: list[Wanted] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    posts: int = 0
    sizes: list[int] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    signatures: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    url: str = ""
    files: FileStore = field(init=False)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _runner: web.AppRunner = field(init=False)

    def __post_init__(self) -> None:
        self.files = FileStore(self.clock)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2 * MOST_BYTES, middlewares=[self._in_googles_words])
        vertex = f"/v1beta1/projects/{PROJECT}/locations/{LOCATION}/publishers/google/models"
        app.add_routes(
            [
                web.post("/v1beta/models/{model}:generateContent", self._generate),
                web.post(vertex + "/{model}:generateContent", self._generate),
                web.get("/v1beta/models", self._models),
                web.get("/v1beta1/publishers/google/models", self._models),
                web.post("/upload/v1beta/files", self._upload),
                web.get("/v1beta/files/{name}", self._file),
                web.delete("/v1beta/files/{name}", self._delete),
                web.post("/token", self._token),
                web.post("/sts", self._exchange),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.files.root = f"{self.url}/v1beta/files"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def token_uri(self) -> str:
        """Where the service account gets its tokens."""
        return f"{self.url}/token"

    def _let_in(self, request: web.Request) -> bool:
        """Check who calls; whether it is the Developer API."""
        developer = request.path.startswith(("/v1beta/", "/upload/"))
        if developer:
            self.accounts.check_key(request.headers, request.query)
        else:
            self.accounts.check_token(request.headers)
        if developer and "Authorization" in request.headers:
            self.strangers.append(request.path)
        return developer

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        self.posts += 1
        body = await request.read()
        fault = self.faults.popleft() if self.faults else None
        if fault is Wire.CUT_BEFORE:
            return _cut(request)
        if isinstance(fault, Reply) and not fault.drawn:
            return _reply(fault)
        developer = self._let_in(request)
        wanted = self._taken(request.match_info["model"], body, developer=developer)
        if self.hold is not None:
            await self.hold.wait()
        if isinstance(fault, Finish | Block):
            return web.json_response(_without_picture(fault))
        self.made.append(wanted)
        answer = json.dumps(self._answer(wanted)).encode()
        match fault:
            case Wire.CUT_AFTER:
                return _cut(request)
            case Wire.CUT_WITHIN:
                return await _cut_within(request, answer)
            case Reply():
                return _reply(fault)
            case _:
                return web.Response(body=answer, content_type="application/json")

    def _taken(self, model: str, body: bytes, *, developer: bool) -> Wanted:
        if model not in MODELS or model in self.gone:
            words = f"models/{model} is not found for API version v1beta, or is not supported for generateContent."
            raise Refusal(404, words)
        files = self.files.read if developer else _no_files
        try:
            told = json.loads(body)
        except ValueError:
            raise Refusal(400, "Invalid JSON payload received.") from None
        self.sizes.append(len(body))
        try:
            return Reader(files, self.signatures.__contains__, MOST_BYTES).read(model, told, len(body))
        except Refusal as refusal:
            self.refused.append(str(refusal))
            raise

    def _answer(self, wanted: Wanted) -> dict[str, Any]:
        picture = drawn(json.dumps(wanted.sent).encode(), wanted.ratio, wanted.size)
        number = next(self._numbers)
        parts: list[dict[str, Any]] = []
        if self.thinks:
            parts.append({"thought": True, **self._inline(drawn(b"a thought", "1:1", "512"))})
        parts.append({"text": f"Here is picture {number}."})
        part = {**self._inline(picture), "partMetadata": {"number": number}}
        if MODELS[wanted.model].signs:
            signature = base64.b64encode(f"{number}".encode().rjust(self.signature * 3 // 4, b"s")).decode()
            self.signatures.add(signature)
            part["thought_signature" if self.snake else "thoughtSignature"] = signature
        parts.append(part)
        candidate = {"content": {"role": "model", "parts": parts}, "index": 0}
        candidate["finish_reason" if self.snake else "finishReason"] = "STOP"
        return {"candidates": [candidate], "usageMetadata": {"totalTokenCount": 1295}, "responseId": f"r{number}"}

    def _inline(self, picture: bytes) -> dict[str, Any]:
        if self.snake:
            return {"inline_data": {"mime_type": "image/png", "data": base64.urlsafe_b64encode(picture).decode()}}
        return {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(picture).decode()}}

    async def _models(self, request: web.Request) -> web.Response:
        developer = self._let_in(request)
        names = [name for name in ("gemini-3.8-flash", *MODELS, "gemini-4-flash-image") if name not in self.gone]
        start = int(request.query.get("pageToken", 0))
        prefix, listed = ("models", "models") if developer else ("publishers/google/models", "publisherModels")
        page = [{"name": f"{prefix}/{name}"} for name in names[start : start + PAGE]]
        more = {"nextPageToken": str(start + PAGE)} if start + PAGE < len(names) else {}
        return web.json_response({listed: page, **more})

    async def _upload(self, request: web.Request) -> web.Response:
        self._let_in(request)
        return web.json_response(self.files.put(request.headers, await request.read()))

    async def _file(self, request: web.Request) -> web.Response:
        self._let_in(request)
        return web.json_response(self.files.told(request.match_info["name"]))

    async def _delete(self, request: web.Request) -> web.Response:
        self._let_in(request)
        self.files.alive(request.match_info["name"])
        del self.files.files[request.match_info["name"]]
        return web.json_response({})

    @web.middleware
    async def _in_googles_words(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.free_faults and not request.path.endswith(":generateContent"):
            return _reply(self.free_faults.popleft())
        try:
            found: web.StreamResponse = await handler(request)
        except Refusal as refusal:
            return web.json_response(refusal.body, status=refusal.status)
        return found

    async def _token(self, request: web.Request) -> web.Response:
        status, body = self.accounts.grant(await request.read())
        return web.json_response(body, status=status)

    async def _exchange(self, request: web.Request) -> web.Response:
        status, body = self.accounts.exchange(await request.read())
        return web.json_response(body, status=status)


def _no_files(_: str) -> bytes:
    raise Refusal(400, "Cannot fetch content from the provided URL.")


def _without_picture(fault: Finish | Block) -> dict[str, Any]:
    if isinstance(fault, Block):
        return {"promptFeedback": {"blockReason": fault.reason}, "usageMetadata": {}}
    candidate: dict[str, Any] = {"finishReason": fault.reason, "index": 0}
    if fault.words:
        candidate["content"] = {"role": "model", "parts": [{"text": fault.words}]}
    return {"candidates": [candidate], "usageMetadata": {}}


def _reply(fault: Reply) -> web.Response:
    if isinstance(fault.body, dict):
        return web.json_response(fault.body, status=fault.status, headers=fault.headers)
    return web.Response(text=str(fault.body), status=fault.status, content_type="text/html", headers=fault.headers)


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _cut_within(request: web.Request, answer: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(answer))})
    await response.prepare(request)
    await response.write(answer[: len(answer) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
