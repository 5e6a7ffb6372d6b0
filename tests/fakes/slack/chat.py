"""`chat.*` and `reactions.add`: what the app writes."""

from tests.fakes.slack import events
from tests.fakes.slack.blocks import message_problems
from tests.fakes.slack.call import Call, RateLimited, SlackError, method
from tests.fakes.slack.core import Core
from tests.fakes.slack.messages import message_json
from tests.fakes.slack.model import Channel, Json, Message, Token
from tests.fakes.slack.text import is_escaped, markup

LONGEST_TEXT = 40_000
LONGEST_EDIT = 4_000
LONGEST_MARKDOWN = 12_000
METADATA_FIELDS = {"event_type", "event_payload"}


def checked_blocks(core: Core, name: str, token: Token, blocks: object) -> list[Json]:
    """The blocks, when Slack would take them.

    Raises:
        SlackError: `invalid_blocks`; every problem is kept in `violations`.
    """
    if blocks in (None, [], ""):
        return []
    problems = message_problems(blocks, lambda reference: core.files.image_problem(token, reference))
    for problem in problems:
        core.violation(name, problem, blocks)
    if problems:
        messages = [f"[ERROR] {problem}" for problem in problems]
        raise SlackError("invalid_blocks", errors=problems, response_metadata={"messages": messages})
    assert isinstance(blocks, list)
    return [{"block_id": f"b{number}", **block} for number, block in enumerate(blocks)]


def checked_metadata(metadata: object) -> Json | None:
    if metadata is None:
        return None
    if metadata == {}:
        return {}
    if not isinstance(metadata, dict) or not set(metadata) >= METADATA_FIELDS:
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata["event_payload"], dict):
        raise SlackError("invalid_metadata_schema")
    return metadata


def _content(call: Call, longest: int) -> tuple[str, list[Json]]:
    written, markdown = call.args.get("text"), call.args.get("markdown_text")
    if markdown is not None and (written is not None or call.args.get("blocks")):
        raise SlackError("markdown_text_conflict")
    if len(str(markdown or "")) > LONGEST_MARKDOWN or len(str(written or "")) > longest:
        call.core.violation(call.method, "msg_too_long", written or markdown)
        raise SlackError("msg_too_long")
    blocks = checked_blocks(call.core, call.method, call.token, call.args.get("blocks"))
    advice(call.core, call.method, str(written or ""), blocks)
    if not written and not markdown and not blocks and not call.args.get("attachments"):
        raise SlackError("no_text")
    return str(written or markdown or ""), blocks


def advice(core: Core, name: str, text: str, blocks: list[Json]) -> None:
    """Note what Slack takes but advises against."""
    if blocks and not text:
        core.violation(name, "blocks without a top-level text", blocks)
    if len(text) > LONGEST_EDIT:
        core.violation(name, f"text of {len(text)} characters, best below {LONGEST_EDIT}", text)
    for piece in [text, *markup(blocks)]:
        if not is_escaped(piece):
            core.violation(name, "text is not escaped", piece)


def thread_root(core: Core, name: str, channel: Channel, thread_ts: object) -> str | None:
    """The root that a `thread_ts` leads to; naming a reply instead of its parent is a violation."""
    if not thread_ts:
        return None
    target = channel.messages.get(str(thread_ts))
    if target is not None and target.is_reply:
        core.violation(name, "thread_ts names a reply, not its parent", thread_ts)
        return target.thread_ts
    return str(thread_ts)


def _posting_place(call: Call) -> Channel:
    """Where to post: a conversation the bot may write to, or the DM with a person named by id."""
    named = call.needs("channel")
    person = call.core.user_of(call.token, named)
    if person is not None:
        if person.deleted:
            raise SlackError("channel_not_found")
        return call.core.open_dm(person)
    channel = call.channel()
    if channel.archived:
        raise SlackError("is_archived")
    public = channel.kind == "channel" and "chat:write.public" in call.token.scopes
    if channel.team.bot_user_id not in channel.members and not public:
        raise SlackError("not_in_channel")
    return channel


def _linked_names(call: Call) -> bool:
    return call.flag("link_names") or call.args.get("parse") == "full"


@method("chat.postMessage", "chat:write", tier=0)
async def post_message(call: Call) -> Json:
    core = call.core
    channel = _posting_place(call)
    written, blocks = _content(call, LONGEST_TEXT)
    metadata = checked_metadata(call.args.get("metadata"))
    seconds = core.limits.check_post(channel.team.id, channel.id)
    if seconds is not None:
        raise RateLimited(seconds)
    message = Message(
        core.clock.timestamp(),
        channel.team.bot_user_id,
        channel,
        written,
        thread_root(core, call.method, channel, call.args.get("thread_ts")),
        blocks,
        attachments=call.args.get("attachments") or [],
        metadata=metadata or None,
        bot_id=channel.team.bot_id,
        app_id=core.app.app_id,
        broadcast=call.flag("reply_broadcast"),
        unfurl=(call.args.get("unfurl_links") is not False, call.args.get("unfurl_media") is not False),
    )
    place_message(core, message, linked_names=_linked_names(call))
    return {"channel": channel.id, "ts": message.ts, "message": message_json(core, message, metadata=True)}


def place_message(core: Core, message: Message, *, linked_names: bool = False) -> None:
    """A message of the app appears: seen by people, delivered back as an event, its thread's status cleared."""
    core.add_message(message, linked_names=linked_names)
    thread = core.assistant_threads.get((message.channel.id, message.thread_ts or ""))
    if thread is not None:
        thread.status = ""
    events.message_posted(core, message)


@method("chat.update", "chat:write")
async def update(call: Call) -> Json:
    core, channel = call.core, call.channel()
    message = channel.messages.get(call.needs("ts"))
    if message is None:
        raise SlackError("message_not_found")
    if message.user != channel.team.bot_user_id:
        raise SlackError("cant_update_message")
    if channel.archived:
        raise SlackError("is_inactive")
    if channel.team.bot_user_id not in channel.members and channel.kind != "channel":
        raise SlackError("channel_not_found")
    metadata = checked_metadata(call.args.get("metadata"))
    previous = message_json(core, message)
    if not {"text", "blocks", "attachments", "markdown_text", "file_ids"} & set(call.args):
        raise SlackError("no_text")
    if {"text", "blocks", "markdown_text"} & set(call.args):
        _rewrite(call, message)
    if "attachments" in call.args:
        message.attachments = call.args["attachments"] or []
    _attach(call, message)
    if metadata is not None:
        message.metadata = metadata or None
    core.note_pings(message, linked_names=_linked_names(call))
    events.message_changed(core, message, previous)
    shown = message_json(core, message, metadata=True)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": shown}


def _rewrite(call: Call, message: Message) -> None:
    """New words replace old blocks; blocks alone keep the words; an empty array removes the blocks."""
    emptied = call.args.get("blocks") == []
    if emptied and "text" not in call.args:
        message.blocks = []
        return
    written, blocks = _content(call, LONGEST_EDIT)
    message.blocks = blocks
    if "text" in call.args or "markdown_text" in call.args:
        message.text = written
        if not blocks:
            message.edited = {"user": message.user, "ts": call.core.clock.timestamp()}


def _attach(call: Call, message: Message) -> None:
    given = call.args.get("file_ids")
    if given is None:
        return
    wanted = given if isinstance(given, list) else [part for part in str(given).split(",") if part]
    for file_id in wanted:
        file = call.core.files.of(call.token, file_id)
        if file is None:
            raise SlackError("file_not_found")
        if file_id not in message.files:
            file.shares.append((message.channel, message.ts, message.thread_ts))
    message.files = wanted


@method("chat.delete", "chat:write")
async def delete(call: Call) -> Json:
    core, channel = call.core, call.channel()
    message = channel.messages.get(call.needs("ts"))
    if message is None:
        raise SlackError("message_not_found")
    if message.user != channel.team.bot_user_id:
        raise SlackError("cant_delete_message")
    remove_message(core, message)
    return {"channel": channel.id, "ts": message.ts}


def remove_message(core: Core, message: Message) -> None:
    """A message goes; a root with replies stays as a tombstone, as Slack shows it."""
    channel, previous = message.channel, message_json(core, message)
    if not message.is_reply and len(channel.thread(message.ts)) > 1:
        message.text, message.blocks, message.files = "This message was deleted.", [], []
        message.subtype, message.user, message.bot_id, message.metadata = "tombstone", "USLACKBOT", None, None
        events.message_changed(core, message, previous)
        return
    channel.drop(message)
    events.message_deleted(core, channel, previous)


@method("chat.postEphemeral", "chat:write", tier=4)
async def post_ephemeral(call: Call) -> Json:
    core, channel = call.core, call.channel()
    if channel.archived:
        raise SlackError("is_archived")
    if channel.team.bot_user_id not in channel.members:
        raise SlackError("not_in_channel" if channel.kind == "channel" else "channel_not_found")
    person = channel.team.users.get(call.needs("user"))
    if person is None or person.deleted or person.id not in channel.members:
        raise SlackError("user_not_in_channel")
    written, blocks = _content(call, LONGEST_TEXT)
    message = Message(core.clock.timestamp(), channel.team.bot_user_id, channel, written, blocks=blocks)
    message.thread_ts = thread_root(core, call.method, channel, call.args.get("thread_ts"))
    message.bot_id, message.app_id, message.only_for = channel.team.bot_id, core.app.app_id, person.id
    channel.ephemerals.append(message)
    return {"message_ts": message.ts}


@method("chat.getPermalink", tier=0)
async def get_permalink(call: Call) -> Json:
    channel, ts = call.channel(), call.needs("message_ts")
    if ts not in channel.messages:
        raise SlackError("message_not_found")
    link = f"https://{channel.team.domain}.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


@method("reactions.add", "reactions:write")
async def add_reaction(call: Call) -> Json:
    channel, name = call.channel(), call.needs("name")
    message = channel.messages.get(call.needs("timestamp"))
    if message is None:
        raise SlackError("message_not_found")
    who = message.reactions.setdefault(name, [])
    if channel.team.bot_user_id in who:
        raise SlackError("already_reacted")
    who.append(channel.team.bot_user_id)
    return {}
