"""Answers outside the Web API: `response_url`, and what an acknowledgement carries."""

from aiohttp import web

from tests.fakes.slack import chat, events
from tests.fakes.slack.call import SlackError
from tests.fakes.slack.core import RESPONSE_URL_USES, Core, ResponseUrl
from tests.fakes.slack.gate import Answer, as_json, guarded
from tests.fakes.slack.messages import message_json
from tests.fakes.slack.model import Channel, Json, Message, User


async def serve(core: Core, request: web.Request) -> web.StreamResponse:
    """Answer a POST to a `response_url`."""
    try:
        body = await request.json()
    except ValueError:
        body = {}

    async def run() -> Answer:
        return _used(core, request.match_info["rest"], body)

    return await guarded(core, request, "response_url", body, run)


def _used(core: Core, name: str, body: Json) -> Answer:
    known = core.response_urls.get(name)
    error = _refusal(core, known)
    if known is None or error:
        return as_json(404, {"ok": False, "error": error})
    known.uses += 1
    try:
        respond(core, known.channel, known.user, body, source_ts=known.source_ts)
    except SlackError as refused:
        return as_json(400, refused.answer)
    return Answer(web.Response(text="ok"), {"ok": True}, known.channel.team.id)


def _refusal(core: Core, known: ResponseUrl | None) -> str:
    if known is None:
        return "invalid_url"
    if known.expires_at <= core.clock.now():
        return "expired_url"
    return "used_url" if known.uses >= RESPONSE_URL_USES else ""


def respond(core: Core, channel: Channel, user: User, body: Json, *, source_ts: str | None = None) -> Message | None:
    """Do what a `response_url` body or a command's acknowledgement asks for, beyond the rules of posting.

    Raises:
        SlackError: the blocks are not ones Slack takes.
    """
    if body.get("delete_original") in (True, "true"):
        _delete_original(core, channel, source_ts)
        return None
    token = core.installation(channel.team)
    if token is None:
        raise SlackError("account_inactive")
    blocks = chat.checked_blocks(core, "response_url", token, body.get("blocks"))
    text = str(body.get("text") or "")
    if not text and not blocks:
        raise SlackError("no_text")
    chat.advice(core, "response_url", text, blocks)
    if body.get("replace_original") in (True, "true") and source_ts:
        return _replace_original(core, channel, source_ts, text, blocks)
    message = Message(core.clock.timestamp(), channel.team.bot_user_id, channel, text, blocks=blocks)
    message.bot_id, message.app_id = channel.team.bot_id, core.app.app_id
    message.thread_ts = chat.thread_root(core, "response_url", channel, body.get("thread_ts"))
    if body.get("response_type") == "in_channel":
        chat.place_message(core, message)
        return message
    message.only_for = user.id
    channel.ephemerals.append(message)
    core.happened()
    return message


def _original(channel: Channel, source_ts: str | None) -> Message | None:
    hidden = next((m for m in channel.ephemerals if m.ts == source_ts), None)
    return hidden or channel.messages.get(source_ts or "")


def _delete_original(core: Core, channel: Channel, source_ts: str | None) -> None:
    original = _original(channel, source_ts)
    if original is None:
        return
    if original.only_for:
        channel.ephemerals.remove(original)
        core.happened()
    else:
        chat.remove_message(core, original)


def _replace_original(core: Core, channel: Channel, source_ts: str, text: str, blocks: list[Json]) -> Message | None:
    original = _original(channel, source_ts)
    if original is not None:
        previous = message_json(core, original)
        original.text, original.blocks = text, blocks
        core.note_pings(original)
        if original.only_for is None:
            events.message_changed(core, original, previous)
        core.happened()
    return original
