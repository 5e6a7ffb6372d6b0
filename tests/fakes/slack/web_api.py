"""The HTTP face of the Web API: authentication, scopes, limits, faults and the log around every method."""

import base64

from aiohttp import web

from tests.fakes.slack import chat, conversations, file_methods, oauth, people_methods, views
from tests.fakes.slack.call import METHODS, Call, Entry, RateLimited, SlackError, arguments
from tests.fakes.slack.core import Core
from tests.fakes.slack.gate import Answer, as_json, guarded
from tests.fakes.slack.model import Json, Token

REGISTERED = (chat, conversations, file_methods, oauth, people_methods, views)
"""The modules whose import fills the registry of methods."""

_WITHOUT_TOKEN = {"oauth.v2.access", "api.test"}


async def serve(core: Core, request: web.Request) -> web.StreamResponse:
    """Answer `/api/<method>`."""
    name = request.match_info["method"]
    try:
        args = await arguments(request)
    except SlackError as wrong:
        core.violation(name, str(wrong), await request.read())
        return web.json_response(wrong.answer)
    in_arguments = str(args.pop("token", ""))
    given = request.headers.get("Authorization", "").removeprefix("Bearer ") or in_arguments

    async def run() -> Answer:
        return await _answer(core, request, args, given)

    return await guarded(core, request, name, args, run)


async def _answer(core: Core, request: web.Request, args: Json, given: str) -> Answer:
    headers: dict[str, str] = {}
    known = core.token_for(given)
    team = known.team.id if known else None
    try:
        call, entry = _authorized(core, request, args, given)
        headers["x-oauth-scopes"] = ",".join(sorted(call.token.scopes))
        if entry.scopes:
            headers["x-accepted-oauth-scopes"] = ",".join(entry.scopes)
            call.scope(*entry.scopes)
        _within_limits(call, entry)
        return as_json(200, {"ok": True, **await entry.run(call)}, headers, team)
    except SlackError as refused:
        return as_json(200, refused.answer, headers, team)
    except RateLimited as limited:
        wait = {"Retry-After": str(limited.seconds)}
        return as_json(429, {"ok": False, "error": "ratelimited"}, wait, team)


def _authorized(core: Core, request: web.Request, args: Json, given: str) -> tuple[Call, Entry]:
    name = request.match_info["method"]
    entry = METHODS.get(name)
    if entry is None:
        raise SlackError("unknown_method", req_method=name)
    if name in _WITHOUT_TOKEN:
        return Call(core, name, args, _nobody(core), _basic(request.headers.get("Authorization", ""))), entry
    if name == "apps.connections.open":
        if given != core.app.app_token:
            raise SlackError("not_authed" if not given else "not_allowed_token_type" if _bot(given) else "invalid_auth")
        return Call(core, name, args, _nobody(core)), entry
    return Call(core, name, args, _token(core, given)), entry


def _bot(value: str) -> bool:
    return value.startswith(("xoxb", "xoxe.xoxb"))


def _token(core: Core, given: str) -> Token:
    if not given:
        raise SlackError("not_authed")
    token = core.token_for(given)
    if token is None:
        raise SlackError("not_allowed_token_type" if given == core.app.app_token else "invalid_auth")
    if token.dead:
        raise SlackError(token.dead)
    if token.expires_at is not None and token.expires_at <= core.clock.now():
        raise SlackError("token_expired")
    return token


def _nobody(core: Core) -> Token:
    return Token("", tuple(core.teams.values()), frozenset())


def _basic(header: str) -> tuple[str, str] | None:
    if not header.startswith("Basic "):
        return None
    name, _, secret = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    return name, secret


def _within_limits(call: Call, entry: Entry) -> None:
    if not entry.tier or not call.token.teams:
        return
    commercial = call.core.app.commercial and call.method in {"conversations.history", "conversations.replies"}
    tier = 1 if commercial else entry.tier
    seconds = call.core.limits.check(call.method, call.token.team.id, tier)
    if seconds is not None:
        raise RateLimited(seconds)
