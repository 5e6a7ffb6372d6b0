"""How far a request is: the service's record as one of our statuses."""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from core.providers.gmi.complaints import ending_of, words_of_record
from core.providers.gmi.contents import is_blank
from core.providers.gmi.shapes import Candidate, Outcome, Part, Record
from core.statuses import (
    Failed,
    FailureReason,
    History,
    Output,
    Queued,
    RefusalReason,
    Refused,
    Running,
    Status,
    Succeeded,
)

MOST_WORDS = 500
DEEPEST_HISTORY = 100
_BASE64_OF_LINKS = str.maketrans("-_", "+/")
_STOPPED_FOR_CONTENT = ("SAFETY", "PROHIBITED", "BLOCKLIST", "RECITATION", "SPII", "MODEL_ARMOR", "JAILBREAK")


def status_of(record: Record) -> Status:
    """The status of a record. A word that nobody knows is not an end: the deadline is."""
    match record.status.strip().lower():
        case "created" | "queued" | "dispatched":
            return Queued(moved=_has_moved(record))
        case "processing" | "running":
            return Running()
        case "success":
            return _success(record)
        case "failed":
            return ending_of(words_of_record(record))
        case "cancelled" | "canceled":
            return Failed(FailureReason.CANCELLED)
        case _:
            return Queued(moved=True)


def has_ended(status: Status) -> bool:
    """Whether nothing more will come of it."""
    return isinstance(status, Succeeded | Refused | Failed)


def is_complete(record: Record, status: Status) -> bool:
    """Whether a record tells all there is to tell: some are told without their outcome, or without its history."""
    if isinstance(status, Succeeded):
        return status.history is not None
    return record.outcome is not None or not has_ended(status)


def _has_moved(record: Record) -> bool:
    return record.created_at is not None and record.updated_at is not None and record.updated_at > record.created_at


def _success(record: Record) -> Status:
    outcome = Outcome.of(record.outcome)
    outputs = tuple(_outputs(outcome))
    if outputs:
        return Succeeded(outputs, _history(outcome.next_turn_contents) or _history(record.next_turn_contents))
    if any(_is_blocked(candidate) for candidate in outcome.candidates):
        return Refused(RefusalReason.MODERATION)
    words = " ".join(part.text for part in _spoken(outcome) if part.text.strip())
    return Refused(RefusalReason.WORDS_ONLY, words[:MOST_WORDS]) if words else Failed(FailureReason.NO_IMAGE)


def _outputs(outcome: Outcome) -> Iterator[Output]:
    """The pictures, from the first place that has any; the thumbnail only when there is nothing else."""
    for links in (outcome.media_urls, (outcome.image_url,), (outcome.url,)):
        if any(links):
            yield from (Output(url=link) for link in links)
            return
    inline = [data for part in _spoken(outcome) if (data := _bytes(part))]
    if inline:
        yield from (Output(data=data) for data in inline)
    elif outcome.thumbnail_image_url:
        yield Output(url=outcome.thumbnail_image_url)


def _spoken(outcome: Outcome) -> Iterator[Part]:
    """What the model answered, without what it thought."""
    for candidate in outcome.candidates:
        yield from (part for part in candidate.content.parts if not part.thought)


def _is_blocked(candidate: Candidate) -> bool:
    return any(word in candidate.finish_reason.upper() for word in _STOPPED_FOR_CONTENT)


def _bytes(part: Part) -> bytes:
    if part.inline_data is None:
        return b""
    text = part.inline_data.data.translate(_BASE64_OF_LINKS).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _history(contents: Any) -> History | None:
    """What goes back with the next turn; None where it is nothing that could.

    A last turn that is an empty form is left out: it says nothing, and the next turn builds it anew. So what a turn
    adds to a history stands at its end, and what came before stays as it was.
    """
    if not isinstance(contents, list) or not all(isinstance(turn, dict) for turn in contents):
        return None
    turns = contents[:-1] if contents and is_blank(contents[-1]) else contents
    return list(turns) if turns and not _is_deeper(turns, DEEPEST_HISTORY) else None


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether JSON is nested so deep that copying it would not end well."""
    layer = [value]
    for _ in range(levels):
        layer = [inner for item in layer for inner in _inside(item)]
        if not layer:
            return False
    return True


def _inside(item: Any) -> list[Any]:
    inner = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
    return [value for value in inner if isinstance(value, dict | list)]
