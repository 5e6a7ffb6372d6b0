"""Looks for a request whose answer was lost, in the service's own list.

The list is the only witness: there is no idempotency key. A request is ours when it carries our payload, was made
while we sent, and belongs to no other image of ours. Services do not always list a payload; then a request counts only
when it is the only one it could be, at the end of the search, and while nothing else of ours is on its way: nobody gets
another person's picture. What is not found is never sent again: it may have been charged, and the person decides.
"""

import time
from collections.abc import Sequence
from typing import Any

from core.ports import ImageProvider, Listed
from core.records import Drawing
from core.sends import Sends
from core.statuses import Failed, Refused
from core.turns import Route

SEARCH_SECONDS = 90.0
CLOCK_MARGIN = 60.0
PAUSE_SECONDS = 5.0
"""Also how long one is waited for that no list can tell of: its sender may only have been cut off from the store."""


async def find(
    provider: ImageProvider, sends: Sends, lane: str, owner: str, drawing: Drawing, payload: dict[str, Any]
) -> Listed | None:
    """The request that the lost answer was about; None where it cannot be told. Raises ProviderError."""
    model = Route.of_lane(lane).model
    listed = await provider.recent(model, since=drawing.sent_at - CLOCK_MARGIN)
    last_chance = time.time() >= drawing.lost_at + SEARCH_SECONDS - PAUSE_SECONDS
    alone = last_chance and await sends.alone(lane, drawing.attempt)
    made = [item for item in listed if item.request.submitted_at <= drawing.lost_at + CLOCK_MARGIN]
    for candidate in _candidates(made, payload, last_chance=last_chance, alone=alone):
        if await sends.claim(lane, candidate.request.id, owner):
            return candidate
    return None


def _candidates(listed: Sequence[Listed], payload: dict[str, Any], *, last_chance: bool, alone: bool) -> list[Listed]:
    equal = [item for item in listed if item.payload == payload]
    # One that came to nothing may be an older one of somebody else's: ours has until the end to show up alive.
    alive = [item for item in equal if not isinstance(item.status, Failed | Refused)]
    if alive or not last_chance:
        return alive
    silent = [item for item in listed if not item.payload]
    return equal or (silent if len(silent) == 1 and alone else [])


def over(drawing: Drawing, *, listed: bool) -> bool:
    """Whether the search has taken as long as it may; `listed` says that there is a list to search."""
    return time.time() > drawing.lost_at + (SEARCH_SECONDS if listed else PAUSE_SECONDS)
