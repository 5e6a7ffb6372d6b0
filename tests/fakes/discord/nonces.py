"""`nonce` with `enforce_nonce`: the same author's message with the same nonce, sent shortly before, is returned."""

from typing import Any

from simcord.backend.models import Message

from tests.fakes.discord.clock import MovableClock
from tests.fakes.discord.world import World


class Nonces:
    """Remembers nonces for `window` seconds ("the past few minutes"; Discord does not say how many)."""

    def __init__(self, world: World, clock: MovableClock, window: float) -> None:
        self.window = window
        self._world = world
        self._clock = clock
        self._seen: dict[tuple[int, str], tuple[float, Message]] = {}

    def earlier(self, body: dict[str, Any], author_id: int) -> Message | None:
        """The message that this one repeats."""
        if body.get("nonce") is None or not body.get("enforce_nonce"):
            return None
        at, message = self._seen.get((author_id, str(body["nonce"])), (0.0, None))
        if message is None or self._clock.timestamp() - at > self.window:
            return None
        kept = self._world.messages.get(message.channel_id, {})
        return message if message.id in kept else None

    def remember(self, nonce: str | int, message: Message) -> None:
        """From now on `message` is what its nonce stands for."""
        self._seen[message.author_id, str(nonce)] = (self._clock.timestamp(), message)
