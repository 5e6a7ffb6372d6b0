"""The routes of the request-queue API."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from aiohttp import web

from core.providers.simulated import contents
from core.providers.simulated.answers import model_json, outcome_json, record_json
from core.providers.simulated.counts import Counts
from core.providers.simulated.faults import Answer, Fate, Operation
from core.providers.simulated.links import Links
from core.providers.simulated.payloads import conversation_of, read_body
from core.providers.simulated.rejection import Rejection
from core.providers.simulated.requests import Record, Requests
from core.providers.simulated.settings import SimulationSettings
from core.providers.simulated.storage import Storage
from core.providers.simulated.studio import Studio
from core.providers.simulated.submits import Submits

ORGANIZATION = "00000000-0000-4000-8000-000000000001"


@dataclass(frozen=True, slots=True)
class QueueApi:
    """The handlers."""

    settings: SimulationSettings
    requests: Requests
    submits: Submits
    links: Links
    storage: Storage
    studio: Studio
    counts: Counts
    clock: Callable[[], float]

    def routes(self) -> list[web.RouteDef]:
        """Where each is found."""
        prefix = self.settings.prefix
        return [
            web.post(f"{prefix}/requests", self.submit, name=Operation.SUBMIT),
            web.get(f"{prefix}/requests", self.listing, name=Operation.LIST),
            web.get(f"{prefix}/requests/{{id}}", self.look, name=Operation.LOOK),
            web.get(f"{prefix}/models", self.models, name=Operation.MODELS),
            web.get(f"{prefix}/models/{{id}}", self.model, name=Operation.MODEL),
            web.post(f"{prefix}/upload-url", self.grant, name=Operation.GRANT),
        ]

    async def submit(self, request: web.Request) -> web.Response:
        """Make a request."""
        self.counts.posts += 1
        organization = request.headers.get("X-Organization-ID") or ORGANIZATION
        taken = await self.submits.take(read_body(await request.text()), organization)
        if isinstance(taken, Answer):
            return _json(taken)
        self.counts.submits += 1
        if self.settings.draws_ahead and not taken.fate.fails:
            self.studio.begin(taken)
        return _json(await self.submits.answer(taken, self._told))

    async def look(self, request: web.Request) -> web.Response:
        """How far one request is."""
        self.counts.looks += 1
        request_id = request.match_info["id"]
        if self.requests.find(request_id) is None:
            await self.submits.catch_up()
        record = self.requests.find(request_id)
        if record is None or record.elsewhere:
            raise Rejection("request not found", 404)
        return web.json_response(await self._told(record))

    async def listing(self, request: web.Request) -> web.Response:
        """The requests of a model, newest first."""
        self.counts.lists += 1
        model_id = request.query.get("model_id", "")
        if self.settings.list_needs_model and not model_id:
            raise Rejection("model_id is required")
        limit = min(_number(request, "limit", 20), self.settings.list_limit)
        offset = _number(request, "offset", 0)
        await self.submits.catch_up()
        found = list(islice(self.requests.newest(model_id), offset, offset + limit + 1))
        told: dict[str, Any] = {"requests": [await self._told(record) for record in found[:limit]]}
        if self.settings.list_tells_total:
            told["total"] = sum(1 for _ in self.requests.newest(model_id))
        else:
            told["has_more"] = len(found) > limit
        return web.json_response(told)

    async def models(self, _: web.Request) -> web.Response:
        """The ids of all models."""
        self.counts.models += 1
        ids = [model.id for model in self.settings.models]
        return web.json_response({"model_ids": ids + ids[:1] if self.settings.repeats_models else ids})

    async def model(self, request: web.Request) -> web.Response:
        """What one model takes and costs."""
        self.counts.models += 1
        return web.json_response(model_json(self.submits.model(request.match_info["id"])))

    async def grant(self, request: web.Request) -> web.Response:
        """The right to upload a file."""
        self.counts.grants += 1
        try:
            body = json.loads(await request.text())
        except ValueError:
            raise Rejection("invalid JSON") from None
        if not isinstance(body, dict) or body.keys() - {"file_type", "type"}:
            raise Rejection("only file_type and type are taken")
        grant = self.storage.grant(body.get("file_type"))
        link = self.links.to(grant.name)
        return web.json_response({"upload_url": f"{link}?{grant.query}", "public_url": link})

    async def _told(self, record: Record) -> dict[str, Any]:
        """A record as JSON, with what it came to when it has ended."""
        now = self.clock()
        outcome = None
        if now >= record.ends_at:
            inline = record.fate is Fate.INLINE
            picture = base64.b64encode(await self.studio.picture(record)).decode() if inline else ""
            outcome = outcome_json(record, self.links.to(record.file_name), self._history(record), picture)
        echo = self.settings.echoes_payload
        return record_json(record, now, skew=self.settings.clock_skew, echo=echo, outcome=outcome)

    def _history(self, record: Record) -> list[contents.Turn] | None:
        if record.fate.fails:
            return None
        file = {"fileUri": self.links.to(record.file_name), "mimeType": f"image/{record.format}"}
        return contents.following(
            conversation_of(record.payload, self.submits.secret),
            {"role": "model", "parts": [{"fileData": file}]},
            self.submits.secret,
            seed=record.plan.seed,
            rewrite=self.settings.rewrites_history,
            placeholder=self.settings.placeholder_turn,
        )


def _json(answer: Answer) -> web.Response:
    return web.json_response(answer.body, status=answer.status, headers=dict(answer.headers))


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isdecimal():
        raise Rejection(f"{name} must be a number")
    return int(text)
