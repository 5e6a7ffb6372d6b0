"""What the service says is wrong: found wherever it may stand, and sorted into what it means for a turn.

Refusals have no code of their own, so they are told by their words. The words are for sorting alone; no person reads
them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from core.providers.gmi.shapes import Record
from core.providers.json_text import from_json
from core.statuses import Failed, FailureReason, RefusalReason, Refused

SHORTEST_PAUSE = 20.0
LONGEST_PAUSE = 60.0
_PLACES = ("error_message", "error", "message", "details", "detail", "reason", "status", "code", "fail_reason")
_DEEPEST = 8
_MOST_ITEMS = 8
_LONGEST = 2_000

_RATE = re.compile(r"rate.?limit|\brp[mhd]\b|too many requests|quota|resource.exhausted", re.IGNORECASE)
_CAPACITY = re.compile(r"capacity|overload|temporarily|unavailable|try again later|retry later", re.IGNORECASE)
_MODEL = re.compile(r"\bmodel\b.{0,200}\b(does not exist|not found|retired|deprecated|no longer)", re.IGNORECASE)
_PICTURE = r"\b(image|file|media|url|uri|reference|link)s?\b"
_FETCHED = r"\b(fetch|download|retriev|load|read|access|open|decod)\w*"
_UNREADABLE = re.compile(
    rf"\b(fail|unable|cannot|can't|could not|error)\w*\b.{{0,20}}{_FETCHED}\b.{{0,40}}{_PICTURE}"
    rf"|{_FETCHED}.{{0,40}}{_PICTURE}.{{0,40}}\b(fail|error|timeout|timed out)"
    rf"|{_PICTURE}.{{0,40}}\b(unreachable|inaccessible|not accessible|not found|expired|(not|to) be {_FETCHED})"
    rf"|\bunreachable\b.{{0,40}}{_PICTURE}",
    re.IGNORECASE,
)
_MODERATION = re.compile(
    r"safety|policy|policies|sensitive|moderat|prohibit|blocked|blocklist|nsfw|inappropriate|harmful|violat|explicit"
    r"|sexual|recitation|spii",
    re.IGNORECASE,
)
_REJECTED = re.compile(r"reject|refus|denied|forbidden|not allowed", re.IGNORECASE)
_INVALID = re.compile(
    r"invalid|unsupported|not supported|required|must |too (long|large|many|small)|exceed", re.IGNORECASE
)
_NUMBER = re.compile(r"(?:retry|again|wait)\D{0,20}(\d{1,12}(?:\.\d{1,6})?)\s*(ms\b|milli)?", re.IGNORECASE)


def words_of(body: Any) -> str:
    """Everything in an error's body that says what is wrong, in one line."""
    return " ".join(_said(body))[:_LONGEST]


def words_of_record(record: Record) -> str:
    """The same for a request that failed."""
    return words_of([record.error_message, record.error, record.reason, record.outcome])


def ending_of(words: str) -> Refused | Failed:
    """What an end without a picture means, by its words; `INTERNAL` where they say nothing."""
    if _RATE.search(words):
        return Failed(FailureReason.RATE_LIMITED, retry_after=spaced(seconds_in(words)))
    if _MODEL.search(words):
        return Failed(FailureReason.MODEL_GONE)
    return _refusal(words) or Failed(FailureReason.OVERLOADED if is_capacity(words) else FailureReason.INTERNAL)


def is_capacity(words: str) -> bool:
    """Whether the service says that it cannot keep up."""
    return bool(_CAPACITY.search(words))


def seconds_in(words: str) -> float | None:
    """How long a text asks to wait, None where it does not say."""
    found = _NUMBER.search(words)
    return float(found[1]) * (0.001 if found[2] else 1.0) if found else None


def spaced(seconds: float | None) -> float:
    """A pause long enough for a service that is at its limit, and not endless."""
    return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, seconds or SHORTEST_PAUSE))


def _refusal(words: str) -> Refused | None:
    for pattern, reason in (
        (_UNREADABLE, RefusalReason.REFERENCE_UNREADABLE),
        (_MODERATION, RefusalReason.MODERATION),
        (_REJECTED, RefusalReason.REJECTED),
        (_INVALID, RefusalReason.INVALID),
    ):
        if pattern.search(words):
            return Refused(reason)
    return None


def _said(value: Any, depth: int = 0) -> Iterator[str]:
    match value:
        case str() if value.lstrip().startswith(("{", "[")) and depth < _DEEPEST:
            yield from _said(_unpacked(value), depth + 1)
        case str() | int():
            yield str(value)[:_LONGEST]
        case list() if depth < _DEEPEST:
            for item in value[:_MOST_ITEMS]:
                yield from _said(item, depth + 1)
        case Mapping() if depth < _DEEPEST:
            for place in _PLACES:
                yield from _said(value.get(place), depth + 1)
        case _:
            return


def _unpacked(text: str) -> Any:
    """Details come as JSON in a string at times."""
    try:
        return from_json(text)
    except ValueError:
        return text[:_LONGEST].strip("{[ ")
