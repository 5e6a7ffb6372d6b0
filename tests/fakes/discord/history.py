"""Pages of a channel's history, cut as Discord cuts them."""

from collections.abc import Mapping
from typing import Any

from simcord import intents
from simcord.backend import errors, serializers
from simcord.backend.access import channel_accessible
from simcord.backend.models import Message

from tests.fakes.discord.world import World

_DEFAULT = 50
_MOST = 100


def page(world: World, channel_id: int, query: Mapping[str, str], *, content: bool) -> list[dict[str, Any]]:
    """GET /channels/{channel_id}/messages; empty without permission to read history, blanked without `content`."""
    bot = world.bot_user.id
    world.require_permissions(world.get_channel(channel_id).guild_id, bot, channel_id)
    if not channel_accessible(world, channel_id, bot, history=True):
        return []
    shown = [dict(serializers.message_payload(world, message)) for message in _pick(world.messages[channel_id], query)]
    if not content:
        for payload in shown:
            intents.censor_message(payload, bot, backend=world)
    return shown


def _pick(messages: Mapping[int, Message], query: Mapping[str, str]) -> list[Message]:
    """What `before`, `after` or `around` and `limit` select, newest first."""
    limit = int(query.get("limit", _DEFAULT))
    if not 1 <= limit <= _MOST:
        raise errors.invalid_form_body(f"limit: int value should be between 1 and {_MOST}.")
    oldest_first = [messages[key] for key in sorted(messages) if not messages[key].is_ephemeral]
    if "around" in query:
        return _around(oldest_first, int(query["around"]), limit)
    if "after" in query:
        later = [message for message in oldest_first if message.id > int(query["after"])]
        return later[:limit][::-1]
    if "before" in query:
        oldest_first = [message for message in oldest_first if message.id < int(query["before"])]
    return oldest_first[-limit:][::-1]


def _around(oldest_first: list[Message], middle: int, limit: int) -> list[Message]:
    earlier = [message for message in oldest_first if message.id < middle]
    later = [message for message in oldest_first if message.id >= middle]
    half = limit // 2
    return (earlier[-half:] + later[: limit - half])[::-1] if half else later[:1]
