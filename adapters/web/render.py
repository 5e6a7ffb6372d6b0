"""What the page is told: JSON of messages, channels and models. Text stays text; the page never reads any as HTML."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from adapters.web.changes import Change, Gap
from adapters.web.messages import Posted, Preview, Shown, State
from core.ports import Capabilities
from core.replies import cost_estimate, particulars
from core.turns import Turn

Json: TypeAlias = dict[str, Any]

LABELS = (
    *("edit", "again", "variations", "undo", "cancel", "download"),
    *("more", "path", "compare", "compare_with", "restore", "fork", "fork_to"),
)
"""The sentences `button.<name>` that the page needs."""


def message_json(posted: Posted) -> Json:
    """A message and what hangs on it."""
    message = posted.message
    return {
        "id": message.id,
        "channel": message.channel,
        "thread": message.thread,
        "author": {"user": message.author.user, "name": message.author.name},
        "at": message.at,
        "text": message.text,
        "pictures": _pictures(message.pictures),
        "turn": _turn(message.turn) if message.turn else None,
        "state": _state(posted.state) if posted.state else None,
        "answers": message.answers,
        "model": message.model,
        "notes": message.notes,
        "private": bool(message.only_for),
        "replies": posted.replies,
        "preview": _preview(posted.preview) if posted.preview else None,
    }


def change_json(change: Change | Gap) -> Json:
    """A change, as an event of the page."""
    match change:
        case Gap():
            return {"kind": "gap"}
        case Change(posted=Posted() as posted):
            return {"kind": "message", "message": message_json(posted)}
        case _:
            return {"kind": "channel", "name": change.channel}


def model_json(able: Capabilities) -> Json:
    """What the completion of the composer offers of a model."""
    return {
        "id": able.model,
        "ratios": able.aspect_ratios,
        "sizes": able.sizes,
        "max_references": able.max_references,
        "seconds": able.seconds,
        "estimate": cost_estimate(able.price),
        "estimates": {size: cost_estimate(able.price_of(size)) for size in able.sizes},
        "ends": able.ends,
    }


def _turn(turn: Turn) -> Json:
    options = turn.options
    return {
        "operation": turn.operation,
        "ratio": options.aspect_ratio,
        "count": options.count,
        "model": options.model,
        "size": options.size,
        "style": particulars(turn),
        "edits": _edits(turn.address),
        "uprooted": turn.uprooted,
    }


def _edits(address: Mapping[str, str]) -> Json | None:
    """The picture that a turn goes on from, as it was when it was asked."""
    return {name: address[name] for name in ("digest", "message", "shape")} if "digest" in address else None


def _state(state: State) -> Json:
    return {
        "stage": state.stage,
        "final": state.stage.final,
        "text": state.text,
        "position": state.position,
        "seconds": state.seconds,
        "usual": state.usual,
        "since": state.since,
        "may_retry": state.may_retry,
    }


def _preview(preview: Preview) -> Json:
    return {
        "message": preview.message,
        "pictures": _pictures(preview.pictures),
        "model": preview.model,
        "notes": preview.notes,
    }


def _pictures(pictures: Sequence[Shown]) -> list[Json]:
    return [
        {"digest": shown.digest, "name": shown.name, "alt": shown.alt, "width": shown.width, "height": shown.height}
        for shown in pictures
    ]
