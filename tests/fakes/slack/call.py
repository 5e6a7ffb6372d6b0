"""One Web API call: its arguments however they were sent, its token, and the registry of methods."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.multipart import BodyPartReader

from tests.fakes.slack.core import Core
from tests.fakes.slack.model import Channel, Json, Token, User

_JSON_ARGUMENTS = {"blocks", "view", "metadata", "files", "attachments", "prompts", "loading_messages"}


class SlackError(Exception):
    """Answered as `ok: false` with this code and these further fields."""

    def __init__(self, code: str, **fields: object) -> None:
        super().__init__(code)
        self.answer: Json = {"ok": False, "error": code, **fields}


class RateLimited(Exception):
    """Answered as HTTP 429."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Call:
    """What a method gets."""

    core: Core
    method: str
    args: Json
    token: Token
    basic: tuple[str, str] | None = None

    def needs(self, name: str) -> str:
        """A required argument as text.

        Raises:
            SlackError: `invalid_arguments` when it is not there.
        """
        value = self.args.get(name)
        if value in (None, ""):
            messages = [f"[ERROR] missing required field: {name}"]
            raise SlackError("invalid_arguments", response_metadata={"messages": messages})
        return str(value)

    def flag(self, name: str) -> bool:
        return str(self.args.get(name, "")).lower() in {"1", "true"}

    def number(self, name: str, default: int) -> int:
        return int(self.args.get(name) or default)

    def scope(self, *any_of: str) -> None:
        """Refuse unless the token has one of these scopes, named as Slack names it."""
        if not self.token.scopes & set(any_of):
            provided = ",".join(sorted(self.token.scopes))
            raise SlackError("missing_scope", needed=any_of[0], provided=provided)

    def channel(self, name: str = "channel") -> Channel:
        """The conversation named by an argument, if the bot may know of it."""
        channel = self.core.channel_of(self.token, self.needs(name))
        if channel is None or (channel.kind != "channel" and channel.team.bot_user_id not in channel.members):
            raise SlackError("channel_not_found")
        return channel

    def user(self, name: str = "user", *, missing: str = "user_not_found") -> User:
        user = self.core.user_of(self.token, self.needs(name))
        if user is None:
            raise SlackError(missing)
        return user


Method = Callable[[Call], Awaitable[Json]]


@dataclass(frozen=True, slots=True)
class Entry:
    run: Method
    scopes: tuple[str, ...]
    tier: int


METHODS: dict[str, Entry] = {}


def method(name: str, *scopes: str, tier: int = 3) -> Callable[[Method], Method]:
    """Register a Web API method: it needs one of the scopes; `tier` is its rate limit, 0 for a special one."""

    def register(run: Method) -> Method:
        METHODS[name] = Entry(run, scopes, tier)
        return run

    return register


async def arguments(request: web.Request) -> Json:
    """Query, form, JSON and multipart merged, JSON strings decoded, as Slack does.

    Raises:
        SlackError: the body is not what its content type says.
    """
    args: Json = dict(request.query)
    if request.method == "POST" and request.can_read_body:
        if request.content_type == "application/json":
            args |= await _json_body(request)
        elif request.content_type == "multipart/form-data":
            args |= await _multipart(request)
        elif request.content_type == "application/x-www-form-urlencoded":
            args |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        else:
            raise SlackError("invalid_post_type")
    return {name: _decoded(name, value) for name, value in args.items()}


async def _json_body(request: web.Request) -> Json:
    try:
        body = await request.json()
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return body


async def _multipart(request: web.Request) -> Json:
    found: Json = {}
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name:
            found[part.name] = await part.text()
    return found


def _decoded(name: str, value: object) -> object:
    if name in _JSON_ARGUMENTS and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            code = {"blocks": "invalid_blocks_format", "metadata": "invalid_metadata_format"}
            raise SlackError(code.get(name, "invalid_arguments")) from None
    return value
