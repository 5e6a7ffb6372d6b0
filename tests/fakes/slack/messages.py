"""Messages as Slack describes them: in history, in events and inside interactions."""

from tests.fakes.slack.core import Core
from tests.fakes.slack.model import Channel, File, Json, Message


def message_json(core: Core, message: Message, *, metadata: bool = False) -> Json:
    """One message as `conversations.history` gives it, without what belongs to its place in a thread."""
    team = message.channel.team
    described: Json = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text, "team": team.id}
    for name in ("client_msg_id", "blocks", "attachments", "edited"):
        if value := getattr(message, name):
            described[name] = value
    if message.bot_id:
        described |= {"bot_id": message.bot_id, "app_id": message.app_id, "bot_profile": bot_profile(core, message)}
    if message.files:
        described |= {"files": files_json(core, message), "upload": True, "display_as_bot": False}
    if message.user_team:
        described |= {"user_team": message.user_team, "source_team": message.user_team}
    if message.subtype == "tombstone":
        described |= {"subtype": "tombstone", "hidden": True}
    if message.reactions:
        described["reactions"] = [
            {"name": name, "users": users, "count": len(users)} for name, users in message.reactions.items()
        ]
    if metadata and message.metadata:
        described["metadata"] = message.metadata
    if message.is_reply:
        root = message.channel.messages.get(message.thread_ts or "")
        described |= {"thread_ts": message.thread_ts, "parent_user_id": root.user if root else ""}
    return described | _thread_facts(message)


def _thread_facts(message: Message) -> Json:
    replies = message.channel.thread(message.ts)[1:] if not message.is_reply else []
    if not replies:
        return {}
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users_count": len({reply.user for reply in replies}),
        "reply_users": sorted({reply.user for reply in replies}),
        "latest_reply": replies[-1].ts,
        "subscribed": False,
    }


def bot_profile(core: Core, message: Message) -> Json:
    team = message.channel.team
    return {
        "id": team.bot_id,
        "app_id": core.app.app_id,
        "name": core.app.name,
        "icons": {},
        "deleted": False,
        "updated": 0,
        "team_id": team.id,
    }


def files_json(core: Core, message: Message) -> list[Json]:
    """The message's files; in a Slack Connect channel only a note that they have to be asked for."""
    files = [core.files.by_id[file_id] for file_id in message.files]
    if message.channel.shared:
        return [hidden_file(file) for file in files]
    return [core.files.describe(file, core.base_url) for file in files]


def hidden_file(file: File) -> Json:
    """A file in a Slack Connect channel: everything else is behind `files.info`."""
    return {
        "id": file.id,
        "mode": "file_access",
        "file_access": "check_file_info",
        "created": 0,
        "timestamp": 0,
        "user": "",
    }


def channel_json(channel: Channel, bot_user_id: str) -> Json:
    """A conversation object."""
    described: Json = {
        "id": channel.id,
        "created": 1,
        "is_archived": channel.archived,
        "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "group",
        "is_im": channel.kind == "im",
        "is_mpim": channel.kind == "mpim",
        "is_private": channel.kind != "channel",
        "is_member": bot_user_id in channel.members,
        "is_ext_shared": channel.shared,
        "is_shared": channel.shared,
        "is_org_shared": False,
        "context_team_id": channel.team.id,
        "num_members": len(channel.members),
    }
    if channel.kind == "im":
        person = next(iter(channel.members - {channel.team.bot_user_id}), "")
        return described | {"user": person, "is_open": True}
    return described | {"name": channel.name, "name_normalized": channel.name}
