"""Option values as Discord puts them into a command's or a modal's data."""

from collections.abc import Mapping
from typing import Any

from simcord import interactions as wire
from simcord.backend import serializers
from simcord.backend.errors import OptionError
from simcord.backend.models import Channel, User

from tests.fakes.discord.cdn import SignedCdn
from tests.fakes.discord.interactions import NotAllowed, Upload
from tests.fakes.discord.world import World

_USER, _CHANNEL, _ATTACHMENT = 6, 7, 11

Resolved = dict[str, dict[str, Any]]


def fill_in(
    world: World, cdn: SignedCdn, command: dict[str, Any], path: list[str], channel: Channel, given: Mapping[str, Any]
) -> dict[str, Any]:
    """`options` and `resolved` of a slash command that the client would send."""
    leaf, nesting = wire.walk_to_subcommand(command, path)
    declared = {option["name"]: option for option in leaf.get("options") or []}
    if strange := set(given) - set(declared):
        raise NotAllowed(f"no option {sorted(strange)} among {sorted(declared)}")
    if missing := [name for name, option in declared.items() if option.get("required") and name not in given]:
        raise NotAllowed(f"option {missing} is required")
    resolved: Resolved = {}
    options = [
        {
            "name": name,
            "type": declared[name]["type"],
            "value": _value(world, cdn, declared[name], value, channel, resolved),
        }
        for name, value in given.items()
    ]
    data: dict[str, Any] = {"options": wire.nest_options(command, nesting, options)}
    return data | ({"resolved": resolved} if resolved else {})


def typing(
    command: dict[str, Any], path: list[str], option: str, typed: str, others: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """`options` while somebody types: nothing is checked yet, one option has the focus."""
    leaf, nesting = wire.walk_to_subcommand(command, path)
    declared = {one["name"]: one for one in leaf.get("options") or []}
    if not declared.get(option, {}).get("autocomplete"):
        raise NotAllowed(f"option {option!r} has no autocomplete")
    filled = [{"name": name, "type": declared[name]["type"], "value": value} for name, value in others.items()]
    focused = {"name": option, "type": declared[option]["type"], "value": typed, "focused": True}
    return wire.nest_options(command, nesting, [*filled, focused])


def resolve_user(world: World, user: User, channel: Channel, resolved: Resolved) -> str:
    """Put a user, and the member where they are one, into `resolved`; returns the id."""
    resolved.setdefault("users", {})[str(user.id)] = dict(serializers.user_payload(user))
    guild = world.guilds.get(channel.guild_id or 0)
    if guild is not None and user.id in guild.members:
        member = dict(serializers.member_payload(world, guild, guild.members[user.id], with_user=False))
        member["permissions"] = str(world.compute_permissions(guild.id, user.id, channel.id))
        resolved.setdefault("members", {})[str(user.id)] = member
    return str(user.id)


def resolve_upload(world: World, cdn: SignedCdn, upload: Upload, channel: Channel, resolved: Resolved) -> str:
    """Keep an upload and put it into `resolved`; returns the id."""
    stored = cdn.store_option(world.snowflake(), channel.id, upload.name, upload.data)
    resolved.setdefault("attachments", {})[stored["id"]] = stored
    return str(stored["id"])


def _value(
    world: World, cdn: SignedCdn, option: dict[str, Any], value: Any, channel: Channel, resolved: Resolved
) -> Any:
    kind = option["type"]
    if kind == _ATTACHMENT:
        if not isinstance(value, Upload):
            raise NotAllowed(f"option {option['name']!r} takes an Upload")
        return resolve_upload(world, cdn, value, channel, resolved)
    if kind == _USER:
        return resolve_user(world, world.get_user(value.id), channel, resolved)
    if kind == _CHANNEL:
        payload = dict(serializers.channel_payload(world, world.get_channel(value.id)))
        resolved.setdefault("channels", {})[str(value.id)] = payload | {"permissions": "0"}
        return str(value.id)
    try:
        return wire.validate_option_value("command", option, value)
    except OptionError as refused:
        raise NotAllowed(str(refused)) from None
