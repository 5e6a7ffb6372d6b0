"""What every call passes: the key, the faults that were asked for, and the words for what is refused."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate

from aiohttp import web

from core.providers.simulated.counts import Counts
from core.providers.simulated.faults import Faults, Operation
from core.providers.simulated.payloads import conversation_of, read_body
from core.providers.simulated.rejection import Rejection, StorageRefusal
from core.providers.simulated.requests import Record, Requests
from core.providers.simulated.settings import SimulationSettings
from core.providers.simulated.storage import xml
from core.providers.simulated.studio import result_of
from core.providers.simulated.wire import Handler, disturbed

_STORAGE = frozenset({Operation.UPLOAD, Operation.DOWNLOAD})


async def wrong_host(_: web.Request) -> web.Response:
    """What a host that is not the request queue's answers."""
    return web.json_response({"error": "method not allowed"}, status=405)


@web.middleware
async def say_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what is refused in the words of the API, or of the storage."""
    try:
        return await handler(request)
    except Rejection as rejection:
        return web.json_response({"error": rejection.message}, status=rejection.status)
    except StorageRefusal as refusal:
        return web.Response(status=refusal.status, text=xml(refusal), content_type="application/xml")
    except web.HTTPRequestEntityTooLarge:
        return web.json_response({"error": "request entity too large"}, status=413)


@dataclass(frozen=True, slots=True)
class Gate:
    """The middlewares that know the service."""

    settings: SimulationSettings
    requests: Requests
    faults: Faults
    counts: Counts
    secret: bytes
    clock: Callable[[], float]

    @web.middleware
    async def authorize(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in who has the key, of the right organisation."""
        operation = _operation(request)
        if operation is None or operation in _STORAGE:
            return await handler(request)
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.settings.key}".encode()):
            self.counts.unauthorized += 1
            return web.json_response({"error": "invalid api key"}, status=401)
        wanted = self.settings.organization
        if wanted and request.headers.get("X-Organization-ID", wanted) != wanted:
            return web.json_response({"error": "api key is not of this organization"}, status=403)
        return await handler(request)

    @web.middleware
    async def disturb(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let go wrong what was asked to."""
        operation = _operation(request)
        if operation is None or not self.faults:
            return await handler(request)
        model, prompt = await self._subject(operation, request)
        fault = self.faults.disturbance(operation, model, prompt)
        return await (disturbed(fault, request, handler) if fault else handler(request))

    async def tell_time(self, _: web.Request, response: web.StreamResponse) -> None:
        """The service's clock in the Date header."""
        response.headers["Date"] = formatdate(self.clock() + self.settings.clock_skew, usegmt=True)

    async def _subject(self, operation: Operation, request: web.Request) -> tuple[str, str]:
        """The model and the prompt that a call is about, empty where it is about none."""
        match operation:
            case Operation.SUBMIT:
                return await self._asked(request)
            case Operation.LIST:
                return request.query.get("model_id", ""), ""
            case Operation.MODEL:
                return request.match_info["id"], ""
            case Operation.LOOK:
                return _about(self.requests.find(request.match_info["id"]))
            case Operation.DOWNLOAD:
                return _about(self.requests.find(result_of(request.match_info["name"])))
            case _:
                return "", ""

    async def _asked(self, request: web.Request) -> tuple[str, str]:
        try:
            body = read_body(await request.text())
            return body.model, conversation_of(body.payload, self.secret).prompt
        except (Rejection, AttributeError, TypeError):
            return "", ""


def _about(record: Record | None) -> tuple[str, str]:
    return (record.model, record.prompt) if record else ("", "")


def _operation(request: web.Request) -> Operation | None:
    """The operation that a call is, None for an address that is none."""
    name = request.match_info.route.name
    return Operation(name) if name else None
