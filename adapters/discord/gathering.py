"""The pictures that somebody means without attaching them: the one replied to, and the newest of the channel."""

import time
from dataclasses import replace

import structlog

from adapters.discord.desk import Desk, references_of
from adapters.discord.events import Attachment, Message, moment_of
from adapters.discord.posting import MESSAGE, MESSAGES
from adapters.discord.rest import Refused
from core.errors import Declined, PlatformBusy
from core.pointing import POINTED_MESSAGES, POINTED_SECONDS, points
from core.turns import Reference, Source

_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".heic", ".heif", ".avif", ".bmp", ".tiff")

log = structlog.get_logger()


def pictures_of(message: Message, source: Source = Source.GIVEN) -> tuple[Reference, ...]:
    """The pictures that a message shows, as references."""
    found = references_of([item for item in message.attachments if _is_picture(item)], message.channel_id, message.id)
    return tuple(_from(reference, source, message.author.name) for reference in found)


async def gathered(desk: Desk, message: Message, prompt: str) -> tuple[Reference, ...]:
    """What a message that edits nothing means besides its own pictures. Raises `Declined` where that is not seen."""
    if message.message_reference and message.message_reference.message_id:
        replied = await replied_to(desk, message)
        if not replied and not message.attachments and points(prompt):
            raise _nothing_there(desk)
        return replied
    return () if message.attachments else await pointed_at(desk, prompt, message.channel_id, before=message.id)


async def replied_to(desk: Desk, message: Message) -> tuple[Reference, ...]:
    """The pictures of the message that a message replies to."""
    reference = message.message_reference
    if reference is None or not reference.message_id:
        return ()
    replied = message.referenced_message
    if replied is None:
        channel = reference.channel_id or message.channel_id
        try:
            answer = await desk.rest.call("GET", MESSAGE, channel_id=channel, message_id=reference.message_id)
        except (Refused, PlatformBusy) as error:
            log.info("a message that was replied to cannot be read", why=str(error))
            return ()
        replied = Message.model_validate(answer)
    return pictures_of(replied, Source.REPLIED)


async def pointed_at(desk: Desk, prompt: str, channel: str, *, before: str = "") -> tuple[Reference, ...]:
    """The newest picture of a channel, where the prompt points at it, and none where it does not.

    `before` is the message that points. Raises `Declined` where there is none to be seen.
    """
    if not points(prompt):
        return ()
    query = {"limit": str(POINTED_MESSAGES)} | ({"before": before} if before else {})
    try:
        answer = await desk.rest.call("GET", MESSAGES, channel_id=channel, query=query)
    except (Refused, PlatformBusy) as error:
        log.info("a channel's messages cannot be read", why=str(error))
        raise Declined("discord.cannot_look") from None
    for message in map(Message.model_validate, answer):
        if message.private or moment_of(message.id) < time.time() - POINTED_SECONDS:
            continue
        if pictures := pictures_of(message, Source.NEWEST):
            return pictures
    raise _nothing_there(desk)


def _nothing_there(desk: Desk) -> Declined:
    """What to say where no picture is seen. Without the message content intent there may well be one."""
    return Declined("declined.nothing_pointed_at" if desk.chat.plain_messages else "discord.cannot_look")


def _is_picture(item: Attachment) -> bool:
    return (item.content_type or "").startswith("image/") or item.filename.lower().endswith(_ENDINGS)


def _from(reference: Reference, source: Source, owner: str) -> Reference:
    return reference if source is Source.GIVEN else replace(reference, source=source, owner=owner)
