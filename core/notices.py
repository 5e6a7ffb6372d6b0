"""What people are shown of a turn: while it is on its way, and when it has ended."""

import time

from core.delivery import link_to
from core.durations import Usual, estimate
from core.endings import stand_in_note
from core.ports import Notice, Stage
from core.records import Drawing, Record
from core.replies import say
from core.requests import ANSWER_SECONDS
from core.statuses import Queued

SHOWN_SECONDS = 60.0
"""How long a notice stands before it is shown once more."""


def preparing(record: Record) -> Notice:
    """That its pictures are being fetched."""
    return Notice(Stage.PREPARING, model=record.route.model, price=record.reserved)


def under_way(record: Record, usual: Usual, position: int, capacity: int, *, down: bool) -> Notice:
    """Where it is: in line (`position` is 0 once it has a place, `capacity` how many have one), or how far beyond.

    `down` says that it waits for a service that does not answer.
    """
    locale, model, price = record.turn.locale, record.route.model, record.reserved
    if down:
        cause = say(locale, "stage.waiting_down", model=model)
        return Notice(Stage.WAITING, model=model, cause=cause, price=price)
    if position:
        seconds, moved = estimate(position, capacity, usual), stand_in_note(record.route, locale)
        return Notice(Stage.WAITING, position, seconds, usual.middle, model=model, notes=moved, price=price)
    begun = [drawing for drawing in record.drawings if drawing.attempt or drawing.request]
    return Notice(
        _stage(record, begun),
        usual=usual.middle,
        since=min((drawing.sent_at for drawing in begun), default=None),
        model=model,
        using=record.prepared.using if record.prepared else "",
        notes=notes(record),
        price=price,
    )


def _stage(record: Record, begun: list[Drawing]) -> Stage:
    if any(drawing.lost_at for drawing in record.drawings):
        return Stage.CHECKING
    if record.turn.references and record.prepared is None:
        return Stage.PREPARING
    return Stage.QUEUED if all(map(_waits, begun)) else Stage.DRAWING


def _waits(drawing: Drawing) -> bool:
    """Whether the service has not begun, as far as one can know: an answer that it holds is being drawn."""
    if drawing.request is None:
        return time.time() < drawing.sent_at + ANSWER_SECONDS
    return isinstance(drawing.status, Queued)


def last(record: Record, stage: Stage, cause: str, spent: int) -> Notice:
    """How it has ended; `spent` is in micro-dollars."""
    locale, model = record.turn.locale, record.route.model
    if stage is Stage.CANCELLED and spent:
        cause = say(locale, "stage.cancelled_charged")
    if stage is not Stage.FAILED:
        moved = stand_in_note(record.route, locale) if stage is Stage.DONE else ()
        return Notice(stage, model=model, cause=cause, notes=moved)
    links = tuple(filter(None, map(link_to, record.drawings)))
    return Notice(stage, model=model, cause=cause, notes=notes(record), links=links, may_retry=True)


def notes(record: Record) -> tuple[str, ...]:
    """What is worth saying beside the pictures: who drew in place of another, what was left out."""
    return (*stand_in_note(record.route, record.turn.locale), *(record.prepared.notes if record.prepared else ()))


def gist(record: Record, notice: Notice) -> str:
    """What makes one notice another to a person; an old one is shown again, as some places forget it."""
    age = int((time.time() - record.turn.asked_at) / SHOWN_SECONDS)
    return f"{notice.stage} {notice.position} {len(notice.remarks)} {bool(notice.cause)} {age}"
