"""Whom a turn's steps work with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from core.conversation import Conversations
from core.delivery import Delivery
from core.durations import Durations
from core.metrics import Metrics
from core.ports import ChatPlatform
from core.queue import Queue
from core.references import References
from core.requests import Requests
from core.routing import Routing
from core.services import Services
from core.state import Turns
from core.turns import TurnId


@dataclass(frozen=True, slots=True)
class Collaborators:
    """Wired once, and the same on every worker.

    `daily_cap` is in micro-dollars per workspace and day; `wake` has a turn's line run soon.
    """

    turns: Turns
    queue: Queue
    conversations: Conversations
    durations: Durations
    references: References
    requests: Requests
    delivery: Delivery
    services: Services
    routing: Routing
    platforms: Mapping[str, ChatPlatform]
    daily_cap: int
    wake: Callable[[TurnId], Awaitable[None]]
    metrics: Metrics
