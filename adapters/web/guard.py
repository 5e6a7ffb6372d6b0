"""Who may ask: the checks that every request passes before it is looked at, and the headers of every answer.

The page needs no password on this machine's own address, so other pages in the same browser must not get at it: not by
a name that is made to point here (DNS rebinding), not by sending forms across sites.
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable
from typing import TypeAlias
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware
from redis.exceptions import RedisError

from adapters.web.sessions import Session, Sessions
from core.errors import Declined, ProviderError
from core.replies import say

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

COOKIE = "imagine_session"
SESSION = web.RequestKey("session", Session)
"""Who asks; there on every address that needs a session."""

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PICTURE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN = frozenset({"/api/session"})
_NEED_SESSION = ("/api/", "/pictures/", "/thumbnails/")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")

log = structlog.get_logger()


def guards(sessions: Sessions) -> tuple[Middleware, ...]:
    """The checks, outermost first."""
    return (web.middleware(_answer_errors), _own_host(sessions), web.middleware(_own_pages), _known_people(sessions))


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Headers of every answer, where it has none of its own."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


def language(request: web.Request) -> str:
    """The language that the person's browser likes best."""
    found = _LANGUAGE.match(request.headers.get("Accept-Language", ""))
    return found[0] if found else "en"


def notice(request: web.Request, status: int, reply: str, **details: str | int) -> web.Response:
    """A refusal, as one sentence for the person."""
    return web.json_response({"notice": say(language(request), reply, **details)}, status=status)


async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What goes wrong becomes one sentence; an error's own text stays in the log."""
    try:
        return await handler(request)
    except Declined as refusal:
        return notice(request, 422, refusal.reply, **refusal.details)
    except web.HTTPRequestEntityTooLarge:
        return notice(request, 413, "web.request_too_large")
    except web.HTTPException as error:
        if error.status < web.HTTPBadRequest.status_code:
            raise
        return notice(request, error.status, "web.not_understood")
    except (RedisError, ProviderError, OSError) as error:
        log.warning("the web workspace cannot serve now", problem=type(error).__name__)
        return notice(request, 503, "web.busy")
    except Exception:
        log.exception("a request to the web workspace broke off")
        return notice(request, 500, "failed.internal")


def _own_host(sessions: Sessions) -> Middleware:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Without a password, only names that can mean nothing but this machine."""
        if not sessions.guarded and not _is_loopback(request.host):
            return notice(request, 421, "web.wrong_host")
        return await handler(request)

    return check


async def _own_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What changes something has to come from our own page."""
    if request.method not in _HARMLESS and not _same_origin(request):
        return notice(request, 403, "web.wrong_origin")
    return await handler(request)


def _known_people(sessions: Sessions) -> Middleware:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Everything but the page itself is for people who have said who they are."""
        session = await sessions.find(request.cookies.get(COOKIE, ""))
        if session:
            request[SESSION] = session
        elif request.path.startswith(_NEED_SESSION) and request.path not in _OPEN:
            return notice(request, 401, "web.signed_out")
        return await handler(request)

    return check


def _same_origin(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site") == "same-origin"
    return urlsplit(origin).netloc.lower() == request.host.lower()


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
