"""The picture that "this" means in a channel of the workspace, or in a thread."""

import time
from dataclasses import replace

from adapters.web.chat import reference_to
from adapters.web.messages import Posted
from adapters.web.workspace import Workspace
from core.errors import Declined
from core.pointing import POINTED_MESSAGES, POINTED_SECONDS, points
from core.turns import Reference, Source


async def pointed_at(workspace: Workspace, prompt: str, channel: str, thread: str = "") -> tuple[Reference, ...]:
    """The newest picture that everybody sees in a channel, where the prompt points at it, and none where it does not.

    In a thread that is the newest of the thread, which is private as a whole or not at all. Raises `Declined` where
    there is none.
    """
    if not points(prompt):
        return ()
    posted, _ = await workspace.timeline(channel, thread, limit=POINTED_MESSAGES)
    since = time.time() - POINTED_SECONDS
    recent = (one for one in reversed(posted) if one.message.at > since)
    seen = (_shown(one) for one in recent if thread or not one.message.only_for)
    for pictures in filter(None, seen):
        return pictures
    raise Declined("declined.nothing_pointed_at")


def _shown(posted: Posted) -> tuple[Reference, ...]:
    """What hangs on a message: the newest pictures of its thread, else its own."""
    message, preview = posted.message, posted.preview
    pictures, owner = (preview.pictures, "imagine") if preview else (message.pictures, message.author.name)
    return tuple(replace(reference_to(message, shown), source=Source.NEWEST, owner=owner) for shown in pictures)
