"""From the body of a submit to a request in the book, and to the answer that its model gives."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from core.providers.simulated.answers import BACKEND_ERROR, OVERLOADED, REJECTED
from core.providers.simulated.contents import Conversation
from core.providers.simulated.faults import Answer, Fate, Fault, Faults
from core.providers.simulated.journal import Journal
from core.providers.simulated.links import Links
from core.providers.simulated.payloads import Body, read_payload
from core.providers.simulated.rejection import Rejection
from core.providers.simulated.requests import Record, Requests
from core.providers.simulated.settings import Delivery, SimulatedModel, SimulationSettings

_SHORT = ("request_id", "model", "status", "created_at", "updated_at", "queued_at")
_LATE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Submits:
    """Takes requests on."""

    settings: SimulationSettings
    requests: Requests
    links: Links
    journal: Journal
    faults: Faults
    secret: bytes
    clock: Callable[[], float]

    def model(self, model_id: str) -> SimulatedModel:
        """The model with this id. Raises `Rejection` with 404."""
        for model in self.settings.models:
            if model.id == model_id:
                return model
        raise Rejection(f"model {model_id} does not exist", 404)

    async def catch_up(self) -> None:
        """Enter the requests that other processes have taken on, where they share a directory with this one."""
        for record in await self.journal.read():
            self.requests.restore(record)

    async def take(self, body: Body, organization: str, *, elsewhere: bool = False) -> Record | Answer:
        """The request that a body makes, or the answer that makes none. Raises `Rejection`."""
        model = self.model(body.model)
        conversation = read_payload(model, body.payload, self.secret)
        if answer := self.requests.too_fast(model):
            return answer
        fault = self.faults.fate(model.id, conversation.prompt)
        names = {link: await self.links.resolve(link) for link in conversation.links}
        fate = self._fate(conversation, fault, readable=all(names.values()))
        at_once = model.delivery is Delivery.QUEUED and fate in (Fate.BACKEND_ERROR, Fate.OVERLOADED)
        plan = self.requests.plan(model, fate, at_once=at_once, late=_lateness(fate, fault))
        record = Record(
            plan=plan,
            model=model.id,
            organization=organization,
            payload=body.payload,
            prompt=conversation.prompt,
            price=model.price + model.price_per_reference * len(conversation.references),
            base=names.get(conversation.base) or "",
            references=tuple(name for link in conversation.references if (name := names[link])),
            elsewhere=elsewhere,
        )
        self.requests.add(record)
        await self.journal.write(record)
        return record

    async def ended(self, record: Record) -> None:
        """Wait until a request has ended, as planned or before."""
        record.ended = record.ended or asyncio.Event()
        while (left := record.ends_at - self.clock()) > 0:
            try:
                async with asyncio.timeout(left if math.isfinite(left) else None):
                    await record.ended.wait()
            except TimeoutError:
                continue

    async def answer(self, record: Record, tell: Callable[[Record], Awaitable[dict[str, Any]]]) -> Answer:
        """What the submit answers, now or when the request has ended, as the model does it."""
        model = self.model(record.model)
        held = model.delivery is Delivery.HELD
        if held:
            await self.ended(record)
        match record.fate:
            case Fate.BACKEND_ERROR:
                return Answer(500, {"error": BACKEND_ERROR})
            case Fate.OVERLOADED:
                return Answer(503, {"error": OVERLOADED, "request_id": record.id})
            case Fate.REFUSED | Fate.UNREADABLE if held:
                return Answer(400, {"error": REJECTED, "request_id": record.id})
        told = await tell(record)
        full = held and model.tells_outcome
        return Answer(self.settings.submit_status, told if full else {key: told[key] for key in _SHORT})

    def _fate(self, conversation: Conversation, fault: Fault | None, *, readable: bool) -> Fate:
        fate = fault.what if fault and isinstance(fault.what, Fate) else Fate.SUCCESS
        if fate.fails:
            return fate
        if any(word in conversation.prompt.lower() for word in self.settings.forbidden_words):
            return Fate.REFUSED
        return fate if readable else Fate.UNREADABLE


def _lateness(fate: Fate, fault: Fault | None) -> float:
    if fate is not Fate.LATE_LINK or fault is None:
        return 0.0
    return _LATE_SECONDS if fault.seconds is None else fault.seconds
