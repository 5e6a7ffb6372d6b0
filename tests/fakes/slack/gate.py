"""What every request of the app passes through: the failures asked for, and the log."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from tests.fakes.slack.core import Core
from tests.fakes.slack.faults import Fault, Request
from tests.fakes.slack.model import Json


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets, and what the log says of it."""

    response: web.StreamResponse
    logged: Json
    team: str | None = None


async def guarded(
    core: Core, request: web.Request, name: str, args: Json, run: Callable[[], Awaitable[Answer]]
) -> web.StreamResponse:
    """Run a request with the fault waiting for it, if there is one, and log what came of it."""
    fault = core.faults.take(name, args)
    if fault is not None and fault.delay:
        await core.clock.sleep(fault.delay)
    if fault is not None and fault.drop == "before":
        return _dropped(core, request, Request(name, request.method, args, None, 0, 0, {}, fault.name))
    refusal = _refusal(fault)
    answer = refusal or await run()
    said = fault.name if fault else ""
    status = answer.response.status
    entry = Request(name, request.method, args, answer.team, core.clock.now(), status, answer.logged, said)
    if fault is not None and fault.drop == "after":
        return _dropped(core, request, entry)
    core.requests.append(entry)
    core.happened()
    return answer.response


def _refusal(fault: Fault | None) -> Answer | None:
    if fault is None:
        return None
    if fault.retry_after is not None:
        return as_json(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(fault.retry_after)})
    if fault.status is not None:
        return as_json(fault.status, {"ok": False, "error": fault.error or "internal_error"})
    return as_json(200, {"ok": False, "error": fault.error}) if fault.error is not None else None


def _dropped(core: Core, request: web.Request, entry: Request) -> web.Response:
    """Break the connection: nobody reads what is returned here."""
    core.requests.append(entry)
    core.happened()
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=500)


def as_json(status: int, body: Json, headers: dict[str, str] | None = None, team: str | None = None) -> Answer:
    return Answer(web.json_response(body, status=status, headers=headers), body, team)
