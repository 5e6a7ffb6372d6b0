"""The pictures that somebody means without attaching them: their thread's own, and the newest around."""

import time
from dataclasses import replace
from typing import Any

import structlog

from adapters.slack.desk import Actor, Desk
from adapters.slack.files import references_of
from adapters.slack.web_api import Refused
from core.errors import Declined, PlatformBusy
from core.pointing import POINTED_MESSAGES, POINTED_SECONDS, points
from core.turns import Reference, Source

log = structlog.get_logger()


async def above(desk: Desk, actor: Actor, channel: str, thread: str) -> tuple[Reference, ...]:
    """The pictures of the message that a thread hangs on; none where that cannot be read."""
    try:
        answer = await desk.api.call(actor.workspace, "conversations.replies", channel=channel, ts=thread, limit=1)
    except (Refused, PlatformBusy) as error:
        log.info("the message that a thread hangs on cannot be read", why=str(error))
        return ()
    root: dict[str, Any] = next(iter(answer.get("messages") or ()), {})
    return tuple(replace(one, source=Source.REPLIED) for one in _pictures(root, channel))


async def pointed_at(
    desk: Desk, actor: Actor, prompt: str, channel: str, *, thread: str = "", message: str = ""
) -> tuple[Reference, ...]:
    """The newest picture of a channel, or a thread, where the prompt points at it, and none where it does not.

    `message` is the one that points: one event of it may lack the files that it has. Raises `Declined` where there is
    no picture to be seen.
    """
    if not points(prompt):
        return ()
    for found in await _newest_first(desk, actor, channel, thread, message):
        if found.get("ts") == message:
            if own := references_of(found.get("files"), channel, message):
                return own
        elif pictures := _pictures(found, channel):
            owner = await desk.people.of(actor.workspace, str(found.get("user") or ""))
            return tuple(replace(one, source=Source.NEWEST, owner=owner.name) for one in pictures)
    raise Declined("declined.nothing_pointed_at")


async def _newest_first(desk: Desk, actor: Actor, channel: str, thread: str, message: str) -> list[dict[str, Any]]:
    place = {"ts": thread} if thread else {}
    method = "conversations.replies" if thread else "conversations.history"
    until = {"latest": message, "inclusive": True} if message else {}
    since = f"{time.time() - POINTED_SECONDS:.6f}"
    try:
        answer = await desk.api.call(
            actor.workspace, method, channel=channel, oldest=since, limit=POINTED_MESSAGES, **place, **until
        )
    except (Refused, PlatformBusy) as error:
        log.info("messages cannot be read", method=method, why=str(error))
        raise Declined("slack.cannot_look") from None
    messages = [found for found in answer.get("messages") or () if str(found.get("ts") or "") >= since]
    return sorted(messages, key=lambda found: str(found["ts"]), reverse=True)


def _pictures(message: dict[str, Any], channel: str) -> tuple[Reference, ...]:
    files = [file for file in message.get("files") or () if _may_be_picture(file)]
    return references_of(files, channel, str(message.get("ts") or ""))


def _may_be_picture(file: dict[str, Any]) -> bool:
    """Files shared from other workspaces do not say what they are before they are asked for."""
    hidden = file.get("mode") == "file_access"
    return hidden or str(file.get("mimetype") or "").startswith("image/")
