"""What leaves the fake: payloads completed and signed, and for a gateway session shaped by its intents."""

import json
from collections.abc import Mapping
from typing import Any

import discord
from simcord import intents as simcord_intents
from simcord.backend import serializers

from tests.fakes.discord.cdn import SignedCdn
from tests.fakes.discord.world import GROUP_DM, World

_SEEN_IN_CHANNELS = ("MESSAGE_", "THREAD_", "TYPING_", "CHANNEL_PINS")


def outgoing(world: World, cdn: SignedCdn, value: Any) -> Any:
    """A deep copy as Discord hands it out: fresh links, the thread of a message, the boost tier of a guild."""
    if isinstance(value, Mapping):
        copied = {key: outgoing(world, cdn, item) for key, item in value.items()}
        _complete(world, cdn, copied)
        return copied
    if isinstance(value, list | tuple):
        return [outgoing(world, cdn, item) for item in value]
    return cdn.sign(value) if isinstance(value, str) else value


def _complete(world: World, cdn: SignedCdn, payload: dict[str, Any]) -> None:
    own_id = int(payload["id"]) if str(payload.get("id", "")).isdigit() else 0
    if "premium_tier" in payload:
        payload["premium_tier"] = world.boost_tiers.get(own_id, 0)
    if "permission_overwrites" in payload:
        payload["nsfw"] = own_id in world.age_restricted
    if payload.get("type") == GROUP_DM and own_id in world.channels:
        people = [world.users[user_id] for user_id in world.channels[own_id].recipient_ids]
        payload["recipients"] = [dict(serializers.user_payload(user)) for user in people]
    if "content" in payload and "channel_id" in payload:
        if payload.get("nonce", "") is None:
            del payload["nonce"]
        thread = world.channels.get(own_id)
        if thread is not None and thread.is_thread:
            payload["thread"] = outgoing(world, cdn, serializers.thread_payload(world, thread))


def for_session(
    world: World, cdn: SignedCdn, event: str, payload: Mapping[str, Any], declared: discord.Intents
) -> dict[str, Any] | None:
    """The event as a session with these intents gets it, or None if it does not."""
    needed = simcord_intents.required_intent(event, payload)
    if needed is not None and not getattr(declared, needed):
        return None
    if not _reaches_bot(world, event, payload):
        return None
    shaped: dict[str, Any] = json.loads(json.dumps(outgoing(world, cdn, payload)))
    if event == "GUILD_CREATE":
        simcord_intents.prune_guild_create(shaped, declared, world.bot_user.id)
    if not declared.message_content:
        _blank(world, event, shaped)
    return shaped


def shard_of(event: str, payload: Mapping[str, Any], shards: int) -> int:
    """Direct messages and everything without a guild go to shard 0."""
    guild_id = payload.get("guild_id")
    if guild_id is None and event in ("GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE"):
        guild_id = payload["id"]
    return 0 if guild_id is None else (int(guild_id) >> 22) % shards


def _reaches_bot(world: World, event: str, payload: Mapping[str, Any]) -> bool:
    if event in ("INTERACTION_CREATE", "GUILD_DELETE"):
        return True
    guild_id = payload["id"] if event in ("GUILD_CREATE", "GUILD_UPDATE") else payload.get("guild_id")
    if guild_id is not None and world.bot_user.id not in world.guilds[int(guild_id)].members:
        return False
    if not event.startswith(_SEEN_IN_CHANNELS):
        return True
    channel_id = payload.get("parent_id") if event.startswith("THREAD_") else payload.get("channel_id")
    return channel_id is None or int(channel_id) not in world.channels or world.bot_sees(int(channel_id))


def _blank(world: World, event: str, payload: dict[str, Any]) -> None:
    """Without the message-content intent only certain messages keep their content."""
    bot = world.bot_user.id
    if event in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
        simcord_intents.censor_message(payload, bot, backend=world)
    elif event == "INTERACTION_CREATE":
        data = payload.get("data") or {}
        if isinstance(payload.get("message"), dict):
            simcord_intents.censor_message(payload["message"], bot, backend=world, exempt_root=True)
        for message_id, message in ((data.get("resolved") or {}).get("messages") or {}).items():
            target = str(data.get("target_id")) == message_id
            simcord_intents.censor_message(message, bot, backend=world, exempt_root=target)
