"""The life of a request: planned whole when it is made, so that nothing has to run while it waits."""

import heapq
import math
from asyncio import Event
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from uuid import UUID, uuid4

from core.providers.simulated.faults import Answer, Fate, rate_limited
from core.providers.simulated.settings import SimulatedModel, SimulationSettings

RESULT = "google_ai_studio_"
"""How the names of results begin."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is decided about a request when it is made. Times are in seconds since the epoch, infinity for never.

    `late` is for how many seconds after the end the result's link is not there yet.
    """

    id: str
    seed: int
    fate: Fate
    created_at: float
    starts_at: float
    ends_at: float
    late: float = 0.0

    @property
    def dispatched_at(self) -> float:
        """Shortly before it is begun."""
        return self.created_at + (self.starts_at - self.created_at) * 0.8


@dataclass(slots=True)
class Record:
    """A request. `price` is in micro-dollars.

    `base` (the picture that is edited) and `references` are names of files in the storage. `elsewhere` says that it was
    made in the web console: listed, but not found by its id.
    """

    plan: Plan
    model: str
    organization: str
    payload: dict[str, Any]
    prompt: str
    price: int
    base: str = ""
    references: tuple[str, ...] = ()
    elsewhere: bool = False
    ended: Event | None = field(default=None, repr=False, compare=False)

    @property
    def id(self) -> str:
        """The request id."""
        return self.plan.id

    @property
    def fate(self) -> Fate:
        """What becomes of it."""
        return self.plan.fate

    @property
    def ends_at(self) -> float:
        """When it ends, or ended."""
        return self.plan.ends_at

    def status(self, now: float) -> str:
        """Queued → dispatched → processing → success, failed or cancelled."""
        if now >= self.ends_at:
            return "cancelled" if self.fate is Fate.CANCELLED else "failed" if self.fate.fails else "success"
        if now >= self.plan.starts_at:
            return "processing"
        return "dispatched" if now >= self.plan.dispatched_at else "queued"

    def updated_at(self, now: float) -> float:
        """When the status was last another."""
        moments = (self.ends_at, self.plan.starts_at, self.plan.dispatched_at)
        return next((moment for moment in moments if moment <= now), self.plan.created_at)

    @property
    def format(self) -> str:
        """The file type that was asked for."""
        return "jpeg" if self.payload.get("image_output_format") == "jpeg" else "png"

    @property
    def file_name(self) -> str:
        """The name of its result in the storage."""
        return f"{RESULT}{UUID(int=self.plan.seed)}_{self.id}.{self.format}"


class Requests:
    """The book of all requests: bounded, the oldest forgotten first."""

    def __init__(self, settings: SimulationSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._made = 0
        self._records: OrderedDict[str, Record] = OrderedDict()
        self._submits: dict[str, deque[float]] = {}
        self._busy_until: list[float] = []
        self.charged = 0

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        """Oldest first."""
        return iter(self._records.values())

    def find(self, request_id: str) -> Record | None:
        """The request with this id."""
        return self._records.get(request_id)

    def too_fast(self, model: SimulatedModel) -> Answer | None:
        """Count a submit against the model's rate limit: the documented 429 when it is over it."""
        limit = model.rate_limit
        if limit is None:
            return None
        now = self._clock()
        times = self._submits.setdefault(model.id, deque())
        while times and times[0] <= now - limit.seconds:
            times.popleft()
        if len(times) < limit.requests:
            times.append(now)
            return None
        wait = times[0] + limit.seconds - now
        answer = rate_limited(
            model.id, retry_after_ms=max(1, math.ceil(wait * 1000)), requests=limit.requests, seconds=limit.seconds
        )
        return replace(answer, headers={"Retry-After": str(math.ceil(wait))}) if limit.tells_header else answer

    def plan(self, model: SimulatedModel, fate: Fate, *, at_once: bool = False, late: float = 0.0) -> Plan:
        """Identity, lot and times of a request that is made now; `at_once` for one that fails before it is queued."""
        self._made += 1
        random = Random(f"{self._settings.seed}/{self._made}")  # noqa: S311 - simulated, not secret
        now = self._clock()
        waiting = 0.0 if at_once else model.waiting.sample(random)
        drawing = 0.0 if at_once else model.drawing.sample(random) * (0.2 if fate.fails else 1)
        starts, ends = (math.inf, math.inf) if fate is Fate.STUCK else self._seat(now + waiting, drawing)
        return Plan(str(uuid4()), random.getrandbits(32), fate, now, starts, ends, late)

    def restore(self, record: Record) -> None:
        """Enter a request that another process took, if it is not known yet."""
        if record.id in self._records:
            return
        self._made += 1
        self.add(record)
        if math.isfinite(record.ends_at) and record.ends_at > self._clock():
            heapq.heappush(self._busy_until, record.ends_at)

    def add(self, record: Record) -> None:
        """Enter a request, and charge for it unless it will fail."""
        self._records[record.id] = record
        self.charged += 0 if record.fate.fails else record.price
        while len(self._records) > self._settings.max_records:
            self._records.popitem(last=False)

    def newest(self, model_id: str = "") -> Iterator[Record]:
        """The requests of a model, or all, newest first."""
        return (record for record in reversed(self._records.values()) if model_id in ("", record.model))

    def finish(self, record: Record) -> None:
        """End a request now, whatever was planned; one that was stuck succeeds."""
        now = self._clock()
        fate = Fate.SUCCESS if record.fate is Fate.STUCK else record.fate
        record.plan = replace(record.plan, starts_at=min(record.plan.starts_at, now), ends_at=now, fate=fate)
        if record.ended:
            record.ended.set()

    def _seat(self, ready_at: float, seconds: float) -> tuple[float, float]:
        """When the next free place takes it, and when it leaves it."""
        capacity = self._settings.capacity
        if capacity is None or not seconds:
            return ready_at, ready_at + seconds
        full = len(self._busy_until) >= capacity
        starts = max(ready_at, heapq.heappop(self._busy_until)) if full else ready_at
        heapq.heappush(self._busy_until, starts + seconds)
        return starts, starts + seconds
