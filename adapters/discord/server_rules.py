"""/imagine-settings: what a server decides for itself."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from adapters.discord.answers import Said
from adapters.discord.desk import Desk
from adapters.discord.events import Interaction
from adapters.discord.permissions import manages
from adapters.discord.settings import AgeRestricted, Editors, ServerSettings
from adapters.discord.words import plain
from core.commands import check
from core.errors import Declined
from core.librarian import Savers
from core.replies import say
from core.turns import Options

MOST_CHANNELS = 100
USUAL = "-"
"""What is typed to go back to the usual model or shape."""


async def change_settings(desk: Desk, interaction: Interaction, options: Mapping[str, Any]) -> Said:
    """Change what is given, and show all rules."""
    guild = interaction.guild_id
    if guild is None:
        raise Declined("discord.servers_only")
    if not manages(interaction.permissions):
        raise Declined("discord.managers_only")
    settings = await desk.settings.of(guild)
    if options:
        settings = changed(settings, options)
        await _check_defaults(desk, settings)
        await desk.settings.change(guild, settings)
    return Said(described(settings, interaction.locale))


def changed(settings: ServerSettings, options: Mapping[str, Any]) -> ServerSettings:
    """The rules with what was given put in their place. Raises `Declined`."""
    if "who_may_edit" in options:
        settings = replace(settings, editors=Editors(options["who_may_edit"]))
    if "who_may_save" in options:
        settings = replace(settings, savers=Savers(options["who_may_save"]))
    if "every_message" in options:
        settings = replace(settings, every_message=bool(options["every_message"]))
    if "age_restricted" in options:
        settings = replace(settings, age_restricted=AgeRestricted(options["age_restricted"]))
    if "avatars" in options:
        settings = replace(settings, avatars=bool(options["avatars"]))
    if "model" in options:
        settings = replace(settings, model=_usual(options["model"]))
    if "aspect_ratio" in options:
        settings = replace(settings, aspect_ratio=_usual(options["aspect_ratio"]))
    if "channel" in options:
        settings = _with_channel(settings, str(options["channel"]), str(options.get("channel_use", "off")))
    return settings


def described(settings: ServerSettings, locale: str) -> str:
    """The rules, to be read."""

    def channels(ids: tuple[str, ...]) -> str:
        return ", ".join(f"<#{channel}>" for channel in ids[:20]) or "–"

    yes_no = {on: say(locale, "discord.yes" if on else "discord.no") for on in (True, False)}
    lines = [
        ("settings_editors", plain(say(locale, f"discord.editors_{settings.editors}_short"))),
        ("settings_savers", plain(say(locale, f"discord.editors_{settings.savers}_short"))),
        ("settings_every_message", yes_no[settings.every_message]),
        ("settings_avatars", yes_no[settings.avatars]),
        ("settings_age", plain(say(locale, f"discord.age_{settings.age_restricted}"))),
        ("settings_off", channels(settings.off)),
        ("settings_only", channels(settings.only)),
        ("settings_model", plain(settings.model or "–")),
        ("settings_ratio", settings.aspect_ratio or "–"),
    ]
    return "\n".join(f"**{plain(say(locale, f'discord.{name}'))}** {value}" for name, value in lines)


def _usual(value: object) -> str:
    text = str(value).strip()
    return "" if text == USUAL else text


def _with_channel(settings: ServerSettings, channel: str, use: str) -> ServerSettings:
    off = tuple(known for known in settings.off if known != channel)
    only = tuple(known for known in settings.only if known != channel)
    if max(len(off), len(only)) >= MOST_CHANNELS:
        raise Declined("discord.too_many_channels", {"limit": MOST_CHANNELS})
    match use:
        case "off":
            off += (channel,)
        case "only":
            only += (channel,)
    return replace(settings, off=off, only=only)


async def _check_defaults(desk: Desk, settings: ServerSettings) -> None:
    if settings.model or settings.aspect_ratio:
        able = await desk.provider.capabilities(settings.model or desk.intake.limits.default_model)
        options = Options(aspect_ratio=settings.aspect_ratio or None)
        check("-", options, able, most_images=desk.intake.limits.most_images)
