"""What a turn came to: which images there are, what it cost, and the sentence that says why the others are missing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.ports import Stage
from core.records import Drawing
from core.replies import say
from core.statuses import Failed, FailureReason, Refused, Succeeded
from core.turns import Route

CHARGED = frozenset({FailureReason.STUCK, FailureReason.LOST, FailureReason.NO_IMAGE, FailureReason.DAMAGED})
"""Failures that the service may charge for: they count as spent, so that a budget never lies to its owner."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a turn ends: in a word for the record, and as people are shown it (None where there is nobody to show)."""

    how: str
    stage: Stage | None
    cause: str = ""


def cost(drawings: Sequence[Drawing], price: int) -> int:
    """What a turn cost, in micro-dollars, by the estimate of one image."""
    return price * sum(_charged(drawing) for drawing in drawings)


def _charged(drawing: Drawing) -> bool:
    match drawing.status:
        case Succeeded():
            return True
        case Failed(reason=reason):
            return reason in CHARGED
        case Refused():
            return False
        case _:
            # Given up while it was under way: the service goes on with it, and may charge.
            return bool(drawing.attempt or drawing.request)


def cause(drawings: Sequence[Drawing], *, locale: str, model: str, deadline: float) -> str:
    """Why images are missing, in one or more sentences, each said once."""
    said = (_why(drawing, locale, model, deadline) for drawing in drawings)
    return " ".join(dict.fromkeys(sentence for sentence in said if sentence))


def _why(drawing: Drawing, locale: str, model: str, deadline: float) -> str:
    match drawing.status:
        case Refused(reason=reason, words=words):
            return say(locale, f"refused.{reason}", words=words)
        case Failed(reason=FailureReason.MODEL_GONE, instead=instead) if instead:
            return say(locale, "failed.model_replaced", model=model, instead=instead)
        case Failed(reason=reason):
            return failure(reason, locale=locale, model=model, deadline=deadline)
        case _:
            return ""


def stand_in_note(route: Route, locale: str) -> tuple[str, ...]:
    """That somebody else draws a turn than was asked to, where that is so."""
    if not route.instead_of or route.instead_of == route.lane:
        return ()
    asked = Route.of_lane(route.instead_of).model
    kind = "service" if asked == route.model else "model"
    name = f"note.gone_{kind}" if route.gone else f"note.other_{kind}"
    return (say(locale, name, asked=asked, model=route.model),)


def failure(reason: FailureReason, *, locale: str, model: str, deadline: float) -> str:
    """The sentence for a failure; `deadline` is how many seconds a request may take."""
    return say(locale, f"failed.{reason}", model=model, minutes=math.ceil(deadline / 60))
