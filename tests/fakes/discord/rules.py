"""What Discord refuses before it carries a request out, beyond what simcord's model refuses by itself."""

from typing import Any

from simcord.backend import errors, permissions
from simcord.backend.errors import BackendError
from simcord.backend.models import Channel, Interaction
from simcord.enums import ChannelType, MessageType

from tests.fakes.discord.wire import Call, too_large
from tests.fakes.discord.world import World

EPHEMERAL = 1 << 6
FOLLOW_UPS_OF_USER_INSTALLS = 5
THREAD_NAME_LIMIT = 100
_ARCHIVE_MINUTES = (60, 1440, 4320, 10080)
# Answers that each type of interaction takes.
_ANSWERS = {1: {1}, 2: {4, 5, 9}, 3: {4, 5, 6, 7, 9}, 4: {8}, 5: {4, 5, 6, 7}}
_PLAIN_MESSAGES = (MessageType.DEFAULT, MessageType.REPLY, MessageType.CHAT_INPUT_COMMAND, 23)


def locked() -> BackendError:
    """The answer to a message into a locked thread."""
    return BackendError(400, 160005, "Thread is locked")


def may_send(world: World, call: Call, channel: Channel) -> None:
    """Permissions for posting a message: view, send (in threads), attach, embed, and history for a reply."""
    if channel.guild_id is None:
        if not world.bot_sees(channel.id):
            raise errors.missing_access()
        if world.closed_dms.intersection(channel.recipient_ids):
            raise errors.cannot_dm_bot()
        return
    needed = ["send_messages_in_threads" if channel.is_thread else "send_messages"]
    needed += ["attach_files"] if call.files else []
    needed += ["embed_links"] if call.body.get("embeds") else []
    world.require_permissions(channel.guild_id, world.bot_user.id, channel.id, *needed)
    if is_locked(channel) and not _holds(world, channel, "manage_threads"):
        raise locked()
    reference = call.body.get("message_reference")
    if reference and not reference.get("type") and not _holds(world, channel, "read_message_history"):
        raise BackendError(400, 160002, "Cannot reply without permission to read message history")


def is_locked(channel: Channel) -> bool:
    """Whether only moderators may write in this thread."""
    return channel.thread_metadata is not None and channel.thread_metadata.locked


def open_thread(channel: Channel) -> None:
    """Edits and new members need a thread that is not archived."""
    if channel.thread_metadata is not None and channel.thread_metadata.archived:
        raise BackendError(400, 50083, "Thread is archived")


def files_fit(call: Call, limit: int) -> None:
    """No file over the guild's or the interaction's limit."""
    if any(len(file.data) > limit for file in call.files):
        raise too_large()


def attachments_match(call: Call, body: dict[str, Any], known: set[str]) -> None:
    """Each listed attachment is an uploaded file's number or one the message already has."""
    numbers = {str(number) for number in range(len(call.files))}
    for item in body.get("attachments") or []:
        if str(item.get("id")) not in numbers | known:
            raise errors.invalid_form_body(f"attachments: Unknown attachment id {item.get('id')}")


def reply_target(world: World, call: Call, channel: Channel) -> None:
    """A reply to a message that is gone is refused, or sent as a plain message if the bot asked for that."""
    reference = call.body.get("message_reference")
    if not reference or reference.get("type"):
        return
    if int(reference.get("channel_id", channel.id)) != channel.id:
        raise _bad_reference("REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL", "Cannot reply to a message in another channel")
    target = world.messages[channel.id].get(int(reference["message_id"]))
    if target is None or target.is_ephemeral:
        if reference.get("fail_if_not_exists", True):
            raise _bad_reference("REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        call.body = {key: value for key, value in call.body.items() if key != "message_reference"}
    elif target.type not in _PLAIN_MESSAGES:
        raise _bad_reference("REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", "Cannot reply to a system message")


def has_substance(body: dict[str, Any], files: int) -> None:
    """A message is not empty."""
    said = (body.get("content") or "").strip()
    if not (said or files or any(body.get(key) for key in ("embeds", "components", "sticker_ids", "poll"))):
        forward = (body.get("message_reference") or {}).get("type") == 1
        if not forward:
            raise BackendError(400, 50006, "Cannot send an empty message")


def may_start_thread(world: World, channel: Channel, body: dict[str, Any], message_id: int | None) -> None:
    """Where a thread can be started, by whom, and what it may be called."""
    if channel.guild_id is None or channel.type not in (ChannelType.TEXT, ChannelType.NEWS):
        if not world.bot_sees(channel.id):
            raise errors.missing_access()
        raise errors.cannot_execute_on_channel_type()
    if not 1 <= len(body.get("name") or "") <= THREAD_NAME_LIMIT:
        raise errors.invalid_form_body(f"name: Must be between 1 and {THREAD_NAME_LIMIT} in length.")
    if body.get("auto_archive_duration") not in (None, *_ARCHIVE_MINUTES):
        raise errors.invalid_form_body("auto_archive_duration: Not one of 60, 1440, 4320, 10080")
    if message_id is None:
        return
    world.require_permissions(channel.guild_id, world.bot_user.id, channel.id, "create_public_threads")
    if world.get_message(channel.id, message_id).type not in _PLAIN_MESSAGES:
        raise BackendError(400, 50068, "Invalid message type")
    if message_id in world.channels:
        raise BackendError(400, 160004, "A thread has already been created for this message")


def may_answer(world: World, call: Call, record: Interaction) -> None:
    """An interaction's first answer is of a type that it takes, and fits."""
    kind = call.body.get("type")
    if kind not in _ANSWERS[record.type] or (kind in (6, 7) and record.source_message_id is None):
        raise errors.invalid_form_body(f"type: {kind} does not answer an interaction of type {record.type}")
    files_fit(call, world.file_limit(record.guild_id))


def may_follow_up(world: World, record: Interaction) -> None:
    """Follow-ups need a living token; an app installed by the user alone gets five of them."""
    if record.expires_at is not None and world.now_iso() >= record.expires_at:
        raise BackendError(401, 50027, "Invalid Webhook Token")
    if (
        not record.loading
        and is_user_installed(world, record)
        and (len(record.followup_ids) >= FOLLOW_UPS_OF_USER_INSTALLS)
    ):
        raise BackendError(400, 40094, "This interaction has reached the maximum number of follow-up messages")


def is_user_installed(world: World, record: Interaction) -> bool:
    """Whether the app is here only because this person brought it."""
    if record.guild_id is not None:
        return world.bot_user.id not in world.guilds[record.guild_id].members
    return not world.bot_sees(record.channel_id)


def must_be_private(world: World, record: Interaction) -> bool:
    """Whether a server's rules make an answer of a user-installed app visible to its user only."""
    if record.guild_id is None or not is_user_installed(world, record):
        return False
    held = world.compute_permissions(record.guild_id, record.user_id, record.channel_id)
    return not held & permissions.flag("use_external_apps")


def _holds(world: World, channel: Channel, permission: str) -> bool:
    if channel.guild_id is None:
        return True
    held = world.compute_permissions(channel.guild_id, world.bot_user.id, channel.id)
    return bool(held & permissions.flag(permission))


def _bad_reference(code: str, message: str) -> BackendError:
    detail = {"message_reference": {"_errors": [{"code": code, "message": message}]}}
    return errors.invalid_form_body(errors=detail)
