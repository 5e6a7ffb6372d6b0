"""/imagine-settings: what a server decides for itself."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import structlog

from adapters.discord.answers import Said
from adapters.discord.components import role_select, row
from adapters.discord.desk import Desk
from adapters.discord.events import Interaction, Roles
from adapters.discord.permissions import manages
from adapters.discord.rest import Refused
from adapters.discord.settings import AgeRestricted, Editors, ServerSettings
from adapters.discord.words import CONTENT_CHARACTERS, plain
from core.choices import MOST_ALLOWED, Choices, WhenDown
from core.commands import check
from core.errors import Declined, PlatformError
from core.librarian import MOST_MARKS, Savers
from core.replies import first_of, say
from core.turns import Options

SAVER_ROLES = "saver_roles"
"""What the menu of roles is called by."""
MOST_CHANNELS = 100
MOST_SHOWN = 25
"""Of a list of rules; fewer where they are too much for one message."""
USUAL = "-"
"""What is typed to go back to the usual model or shape."""

log = structlog.get_logger()


async def change_settings(desk: Desk, interaction: Interaction, options: Mapping[str, Any]) -> Said:
    """Change what is given, and show all rules."""
    guild = _managed(interaction)
    settings, before = await desk.settings.of(guild), await desk.intake.choices.of_workspace("discord", guild)
    settings, choices = changed(settings, options), await desk.intake.renewed(chosen(before, options))
    if options:
        await choices.check(desk.provider, before)
        await _check_defaults(desk, settings, choices)
        await desk.settings.change(guild, settings)
        await desk.intake.choices.change("discord", guild, choices)
    return await _rules(desk, guild, settings, choices, interaction.locale)


async def choose_savers(desk: Desk, interaction: Interaction) -> Said:
    """Have the members of the roles that were chosen from the menu save pictures, and show all rules."""
    guild = _managed(interaction)
    roles = tuple(dict.fromkeys(str(role) for role in interaction.data.get("values") or ()))[:MOST_MARKS]
    settings, choices = await desk.settings.of(guild), await desk.intake.choices.of_workspace("discord", guild)
    if guild in roles:
        # The role of everybody, which members do not carry.
        settings = replace(settings, savers=Savers.ANYONE, saver_marks=())
    elif roles:
        settings = replace(settings, savers=Savers.CHOSEN, saver_marks=roles)
    await desk.settings.change(guild, settings)
    choices = await desk.intake.renewed(choices)
    return await _rules(desk, guild, settings, choices, interaction.locale)


def _managed(interaction: Interaction) -> str:
    """The server whose rules somebody is about to see or change. Raises `Declined` where they do not manage it."""
    if interaction.guild_id is None:
        raise Declined("discord.servers_only")
    if not manages(interaction.permissions):
        raise Declined("discord.managers_only")
    return interaction.guild_id


async def _rules(desk: Desk, guild: str, settings: ServerSettings, choices: Choices, locale: str) -> Said:
    roles = await _standing(desk, guild, settings)
    menu = role_select(SAVER_ROLES, say(locale, "discord.settings_saver_roles"), MOST_MARKS, roles)
    return Said(described(settings, choices, locale), (row(menu),))


async def _standing(desk: Desk, guild: str, settings: ServerSettings) -> list[str]:
    """The chosen roles that the server still has: a menu may begin with no others."""
    if settings.savers is not Savers.CHOSEN:
        return []
    try:
        answer = await desk.rest.call("GET", "/guilds/{guild_id}", guild_id=guild)
    except (Refused, PlatformError) as error:
        log.info("a menu begins with no roles, as those of the server cannot be found out", why=str(error))
        return []
    known = {role.id for role in Roles.model_validate(answer).roles}
    return [role for role in settings.saver_marks if role in known]


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
    if "aspect_ratio" in options:
        settings = replace(settings, aspect_ratio=_usual(options["aspect_ratio"]))
    if "channel" in options and ("channel_use" in options or "channel_model" not in options):
        settings = _with_channel(settings, str(options["channel"]), str(options.get("channel_use", "off")))
    return settings


def chosen(choices: Choices, options: Mapping[str, Any]) -> Choices:
    """The models with what was given put in their place. Raises `Declined`."""
    if "allowed_models" in options:
        typed = re.split(r"[,\s]+", _usual(options["allowed_models"]))
        allowed = tuple(dict.fromkeys(filter(None, typed)))
        if len(allowed) > MOST_ALLOWED:
            raise Declined("choices.too_many_models", {"limit": MOST_ALLOWED})
        choices = replace(choices, allowed=allowed)
    if "model" in options:
        choices = replace(choices, model=_usual(options["model"]))
    if "channel_model" in options:
        if "channel" not in options:
            raise Declined("discord.channel_needed")
        choices = choices.with_channel(str(options["channel"]), _usual(options["channel_model"]))
    if "when_down" in options:
        choices = replace(choices, when_down=WhenDown(options["when_down"]))
    return choices


def described(settings: ServerSettings, choices: Choices, locale: str) -> str:
    """The rules, to be read: of long lists as much as a message has room for, and how much more there is."""
    most = MOST_SHOWN
    while len(text := _described(settings, choices, locale, most)) > CONTENT_CHARACTERS and most > 1:
        most -= 1
    return text


def _described(settings: ServerSettings, choices: Choices, locale: str, most: int) -> str:
    def several(items: Iterable[str]) -> str:
        return first_of(tuple(items), most, locale) or "–"

    of_channels = [f"<#{channel}> {plain(model)}" for channel, model in choices.channels.items()]
    savers = plain(say(locale, f"discord.editors_{settings.savers}_short"))
    if settings.savers is Savers.CHOSEN:
        savers = f"{savers} {several(f'<@&{role}>' for role in settings.saver_marks)}"
    yes_no = {on: say(locale, "discord.yes" if on else "discord.no") for on in (True, False)}
    lines = [
        ("settings_editors", plain(say(locale, f"discord.editors_{settings.editors}_short"))),
        ("settings_savers", savers),
        ("settings_every_message", yes_no[settings.every_message]),
        ("settings_avatars", yes_no[settings.avatars]),
        ("settings_age", plain(say(locale, f"discord.age_{settings.age_restricted}"))),
        ("settings_off", several(f"<#{channel}>" for channel in settings.off)),
        ("settings_only", several(f"<#{channel}>" for channel in settings.only)),
        ("settings_model", plain(choices.model or "–")),
        ("settings_channel_models", several(of_channels)),
        ("settings_allowed_models", several(map(plain, choices.allowed))),
        ("settings_when_down", plain(say(locale, f"choices.when_down_{choices.when_down}"))),
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


async def _check_defaults(desk: Desk, settings: ServerSettings, choices: Choices) -> None:
    if settings.aspect_ratio:
        able = await desk.provider.capabilities(await desk.intake.usual_by(choices))
        options = Options(aspect_ratio=settings.aspect_ratio or None)
        check("-", options, able, most_images=desk.intake.limits.most_images)
