"""REST over HTTP: read, log, fault, authorize, limit, validate, carry out, answer."""

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from simcord.backend.errors import BackendError, invalid_form_body

from tests.fakes.discord import schema
from tests.fakes.discord.buckets import RateLimits
from tests.fakes.discord.cdn import SignedCdn
from tests.fakes.discord.faults import Dropped, Faults
from tests.fakes.discord.projection import outgoing
from tests.fakes.discord.routes import Routes
from tests.fakes.discord.wire import Call, json_answer, read_body
from tests.fakes.discord.world import World

_WITHOUT_BOT_TOKEN = ("/interactions/", "/webhooks/{webhook_id}/{webhook_token}", "/gateway")
_BODY_METHODS = ("POST", "PUT", "PATCH")


@dataclass
class Rest:
    """The API's front: everything about a request except what it does."""

    token: str
    world: World
    cdn: SignedCdn
    routes: Routes
    faults: Faults
    rate_limits: RateLimits
    calls: list[Call] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One request to /api/v10."""
        path = "/" + request.match_info["path"]
        call = Call(request.method, path, dict(request.query), dict(request.headers))
        self.calls.append(call)
        try:
            answer = await self._answer(request, call)
        except Dropped:
            call.status = -1
            if request.transport is not None:
                request.transport.abort()
            raise web.HTTPServiceUnavailable from None
        call.status = answer.status
        return answer

    async def _answer(self, request: web.Request, call: Call) -> web.Response:
        fault = self.faults.claim(call.method, call.template, call.path)
        if fault is not None and not fault.after_effect:
            replaced = await fault.strike()
            if replaced is not None:
                return replaced
        answer = await self._process(request, call)
        if fault is not None and fault.after_effect:
            return await fault.strike() or answer
        return answer

    async def _process(self, request: web.Request, call: Call) -> web.Response:
        verdict = self.rate_limits.check(call.method, call.template, call.ids)
        if verdict.retry_after is not None:
            body = {
                "message": "You are being rate limited.",
                "retry_after": verdict.retry_after,
                "global": verdict.scope == "global",
            }
            extra = {"Retry-After": str(verdict.retry_after), "X-RateLimit-Scope": verdict.scope}
            return json_answer(429, body, verdict.headers | extra)
        try:
            call.body, call.files = await read_body(request)
            self._authorize(call)
            self._validate(call)
            result = self._carry_out(call)
        except BackendError as refused:
            call.code = refused.code
            return json_answer(refused.status, refused.to_json(), verdict.headers)
        if result is None:
            return web.Response(status=204, headers={"Via": "1.1 fake"} | verdict.headers)
        return json_answer(200, outgoing(self.world, self.cdn, result), verdict.headers)

    def _carry_out(self, call: Call) -> Any:
        # The log keeps the body as it came; rules may rewrite what they pass on.
        as_sent = call.body
        if call.method in _BODY_METHODS and call.body is None:
            call.body = {}
        try:
            return self.routes.carry_out(call)
        except (AttributeError, KeyError, TypeError, ValueError) as malformed:
            self.violations.append(f"{call.method} {call.template}: malformed: {malformed!r}")
            raise invalid_form_body(f"malformed: {malformed!r}") from malformed
        finally:
            call.body = as_sent

    def _authorize(self, call: Call) -> None:
        if call.template.startswith(_WITHOUT_BOT_TOKEN) and call.template != "/gateway/bot":
            return
        if call.headers.get("Authorization") != f"Bot {self.token}":
            raise BackendError(401, 0, "401: Unauthorized")

    def _validate(self, call: Call) -> None:
        if call.method not in _BODY_METHODS or call.body is None:
            return
        found = schema.violations(call.method, call.template, call.body)
        if found:
            self.violations += [f"{call.method} {call.template}: {violation}" for violation in found]
            raise invalid_form_body("; ".join(found))
