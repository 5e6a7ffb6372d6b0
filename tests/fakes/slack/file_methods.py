"""`files.*`: the three-step upload, looking files up, deleting them."""

from tests.fakes.slack import chat, events
from tests.fakes.slack.call import Call, SlackError, method
from tests.fakes.slack.core import Core
from tests.fakes.slack.messages import message_json
from tests.fakes.slack.model import Channel, File, Json, Message

LONGEST_ALT = 1_000


@method("files.getUploadURLExternal", "files:write", tier=4)
async def get_upload_url(call: Call) -> Json:
    core, team = call.core, call.token.team
    name, length = call.needs("filename"), call.number("length", 0)
    if length <= 0:
        raise SlackError("missing_argument")
    alt = str(call.args.get("alt_txt") or "")
    if len(alt) > LONGEST_ALT:
        core.violation(call.method, "alt_txt_too_large", alt)
        raise SlackError("alt_txt_too_large")
    if team.uploads_disabled:
        raise SlackError("file_uploads_disabled")
    if team.storage_full:
        raise SlackError("storage_limit_reached")
    if team.max_file_bytes is not None and length > team.max_file_bytes:
        raise SlackError("file_upload_size_restricted")
    file = core.files.new(core.new_id("F"), name, team.bot_user_id, team)
    file.promised, file.alt = length, alt
    return {"upload_url": f"{core.base_url}/upload/v1/{file.secret}", "file_id": file.id}


def _completed_file(call: Call, entry: object) -> File:
    if not isinstance(entry, dict) or "id" not in entry:
        raise SlackError("invalid_arguments")
    file = call.core.files.by_id.get(str(entry["id"]))
    if file is None or file.team not in call.token.teams or file.completed or not file.received:
        raise SlackError("file_not_found")
    return file


def _place(call: Call) -> Channel | None:
    given = call.args.get("channel_id") or str(call.args.get("channels") or "").split(",")[0]
    if not given:
        return None
    channel = call.core.channel_of(call.token, str(given))
    if channel is None or (channel.kind != "channel" and channel.team.bot_user_id not in channel.members):
        raise SlackError("channel_not_found")
    if channel.archived:
        raise SlackError("posting_to_channel_denied")
    if channel.team.bot_user_id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


@method("files.completeUploadExternal", "files:write", tier=4)
async def complete_upload(call: Call) -> Json:
    core = call.core
    entries = call.args.get("files")
    if not isinstance(entries, list) or not entries:
        raise SlackError("invalid_arguments")
    files = [_completed_file(call, entry) for entry in entries]
    channel = _place(call)
    comment = call.args.get("initial_comment")
    blocks = [] if comment else chat.checked_blocks(core, call.method, call.token, call.args.get("blocks"))
    chat.advice(core, call.method, str(comment or "-"), blocks)
    root = chat.thread_root(core, call.method, channel, call.args.get("thread_ts")) if channel else None
    for file, entry in zip(files, entries, strict=True):
        file.completed, file.title = True, str(entry.get("title") or file.name)
        file.alt = str(entry.get("alt_txt") or file.alt)
    message = Message("", "", channel, str(comment or ""), root, blocks) if channel else None
    core.tasks.start(_finish(core, files, message))
    return {"files": [core.files.describe(file, core.base_url) for file in files]}


async def _finish(core: Core, files: list[File], message: Message | None) -> None:
    """Processing ends, and only then the message with the files appears."""
    for file in files:
        await core.files.process(file)
    if message is not None:
        channel = message.channel
        message.ts, message.user = core.clock.timestamp(), channel.team.bot_user_id
        message.files, message.app_id = [file.id for file in files], core.app.app_id
        for file in files:
            file.shares.append((channel, message.ts, message.thread_ts))
        chat.place_message(core, message)
    core.happened()


def _known(call: Call) -> File:
    file = call.core.files.of(call.token, call.needs("file"))
    if file is None:
        raise SlackError("file_not_found")
    if file.tombstone:
        raise SlackError("file_deleted")
    return file


@method("files.info", "files:read", tier=4)
async def info(call: Call) -> Json:
    file = _known(call)
    described = call.core.files.describe(file, call.core.base_url)
    return {"file": described, "comments": [], "response_metadata": {"next_cursor": ""}}


@method("files.list", "files:read")
async def list_files(call: Call) -> Json:
    """Newest first, `count` a page (100), by `channel`, `user`, `ts_from`, `ts_to` and `types` (images, all)."""
    core, args = call.core, call.args
    found = [f for f in core.files.by_id.values() if f.completed and core.files.of(call.token, f.id)]
    if args.get("channel"):
        found = [f for f in found if any(channel.id == args["channel"] for channel, _, _ in f.shares)]
    if args.get("user"):
        found = [f for f in found if f.owner == args["user"]]
    if "images" in str(args.get("types") or "all"):
        found = [f for f in found if f.mimetype.startswith("image/")]
    start, end = float(args.get("ts_from") or 0), float(args.get("ts_to") or "inf")
    found = [f for f in found if start <= f.created <= end and not f.tombstone]
    found.sort(key=lambda f: f.created, reverse=True)
    count, page = call.number("count", 100), call.number("page", 1)
    shown = found[(page - 1) * count : page * count]
    pages = {"count": count, "total": len(found), "page": page, "pages": -(-len(found) // count)}
    return {"files": [core.files.describe(file, core.base_url) for file in shown], "paging": pages}


@method("files.delete", "files:write")
async def delete(call: Call) -> Json:
    file = _known(call)
    if file.owner not in {team.bot_user_id for team in call.token.teams}:
        raise SlackError("cant_delete_file")
    remove_file(call.core, file)
    return {}


def remove_file(core: Core, file: File) -> None:
    """A file is gone: a tombstone wherever it was shared, and a file-only message goes with it."""
    places = [channel.messages[ts] for channel, ts, _ in file.shares if ts in channel.messages]
    before = [message_json(core, message) for message in places]
    file.tombstone, file.data = True, b""
    for message, previous in zip(places, before, strict=True):
        if not message.text and message.files == [file.id]:
            chat.remove_message(core, message)
        else:
            events.message_changed(core, message, previous)
    core.happened()


def downloadable(core: Core, file: File | None, bearer: str) -> bool:
    """Whether this bearer token opens `url_private` of this file."""
    token = core.token_for(bearer)
    if file is None or token is None or token.dead or "files:read" not in token.scopes or file.team not in token.teams:
        return False
    return core.files.seen_by(file, file.team.bot_user_id)
