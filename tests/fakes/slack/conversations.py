"""`conversations.*`: reading channels and threads, opening DMs."""

import base64

from tests.fakes.slack.call import Call, SlackError, method
from tests.fakes.slack.messages import channel_json, message_json
from tests.fakes.slack.model import FAMILY, Channel, Json, Message

COMMERCIAL_PAGE = 15


def _readable(call: Call, verb: str) -> Channel:
    channel = call.channel()
    call.scope(f"{FAMILY[channel.kind]}:{verb}")
    if verb == "history" and channel.team.bot_user_id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _page(call: Call, messages: list[Message], *, default: int) -> Json:
    """One page with a cursor; a commercial app outside the Marketplace gets 15 at most."""
    oldest, latest = float(call.args.get("oldest") or 0), float(call.args.get("latest") or "inf")
    inclusive = call.flag("inclusive")
    within = [m for m in messages if oldest < float(m.ts) < latest or (inclusive and float(m.ts) in {oldest, latest})]
    limit = min(call.number("limit", default), 999)
    if call.core.app.commercial:
        limit = min(limit, COMMERCIAL_PAGE)
    start = _from_cursor(str(call.args.get("cursor") or ""))
    page, more = within[start : start + limit], len(within) > start + limit
    whole = call.flag("include_all_metadata")
    described = [message_json(call.core, message, metadata=whole) for message in page]
    answer: Json = {"messages": described, "has_more": more}
    if more:
        answer["response_metadata"] = {"next_cursor": base64.b64encode(f"at:{start + limit}".encode()).decode()}
    return answer


def _from_cursor(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor).decode().removeprefix("at:"))
    except ValueError:
        raise SlackError("invalid_cursor") from None


@method("conversations.history")
async def history(call: Call) -> Json:
    channel = _readable(call, "history")
    top = [m for m in channel.messages.values() if not m.is_reply or m.broadcast]
    return _page(call, sorted(top, key=lambda m: m.ts, reverse=True), default=100) | {"pin_count": 0}


@method("conversations.replies")
async def replies(call: Call) -> Json:
    channel = _readable(call, "history")
    target = channel.messages.get(call.needs("ts"))
    if target is None:
        raise SlackError("thread_not_found")
    return _page(call, channel.thread(target.thread_ts or target.ts), default=999)


@method("conversations.info")
async def info(call: Call) -> Json:
    channel = _readable(call, "read")
    return {"channel": channel_json(channel, channel.team.bot_user_id)}


@method("conversations.members", tier=4)
async def members(call: Call) -> Json:
    channel = _readable(call, "read")
    return {"members": sorted(channel.members), "response_metadata": {"next_cursor": ""}}


@method("conversations.open", "im:write", "mpim:write")
async def open_conversation(call: Call) -> Json:
    wanted = [part for part in str(call.args.get("users") or "").split(",") if part]
    if call.args.get("channel"):
        return {"channel": {"id": call.channel().id}}
    if len(wanted) != 1:
        raise SlackError("users_list_not_supplied" if not wanted else "too_many_users")
    person = call.core.user_of(call.token, wanted[0])
    if person is None:
        raise SlackError("user_not_found")
    if person.deleted:
        raise SlackError("user_disabled")
    known = person.team.dm(person.id) is not None
    channel = call.core.open_dm(person)
    whole = channel_json(channel, channel.team.bot_user_id) if call.flag("return_im") else {"id": channel.id}
    return {"channel": whole, "no_op": known, "already_open": known}
