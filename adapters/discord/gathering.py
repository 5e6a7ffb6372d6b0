"""The pictures that somebody means without attaching them: the one replied to, and the newest of the channel."""

import time
from dataclasses import replace

import structlog

from adapters.discord.desk import THREADS, Desk, references_of
from adapters.discord.events import Attachment, Channel, Interaction, Message, Roles, moment_of
from adapters.discord.permissions import permissions_in, reads_back
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
    if message.attachments or not points(prompt):
        return ()
    await _check_writer(desk, message)
    return await _newest(desk, message.channel_id, before=message.id)


async def replied_to(desk: Desk, message: Message) -> tuple[Reference, ...]:
    """The pictures of the message that a message replies to. Discord lets only those reply who may read it."""
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


async def pointed_at(desk: Desk, interaction: Interaction, prompt: str) -> tuple[Reference, ...]:
    """The newest picture of the channel of a command, where the prompt points at it, and none where it does not.

    Raises `Declined` where there is none to be seen, or the person may not look for one.
    """
    if not points(prompt):
        return ()
    check_reads_back(interaction)
    return await _newest(desk, interaction.place)


def check_reads_back(interaction: Interaction) -> None:
    """Raise `Declined` where the person may not read what was written before: we may, and are not to do it for them."""
    if interaction.member and not reads_back(interaction.permissions):
        raise Declined("discord.may_not_look")


async def _check_writer(desk: Desk, message: Message) -> None:
    """The same for who wrote a message, whose permissions Discord does not tell."""
    if message.guild_id is None:
        return
    try:
        answer = await desk.rest.call("GET", "/guilds/{guild_id}", guild_id=message.guild_id)
        channel = await _channel(desk, message.channel_id)
        if channel.type in THREADS and channel.parent_id:
            channel = await _channel(desk, channel.parent_id)
    except (Refused, PlatformBusy) as error:
        log.info("what a member may do cannot be found out", why=str(error))
        raise Declined("discord.cannot_look") from None
    server, member = Roles.model_validate(answer), message.member
    if member is None or not reads_back(permissions_in(channel, server, message.author.id, member.roles)):
        raise Declined("discord.may_not_look")


async def _channel(desk: Desk, channel: str) -> Channel:
    return Channel.model_validate(await desk.rest.call("GET", "/channels/{channel_id}", channel_id=channel))


async def _newest(desk: Desk, channel: str, *, before: str = "") -> tuple[Reference, ...]:
    """The newest picture of a channel, before a message. Raises `Declined` where there is none to be seen."""
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
