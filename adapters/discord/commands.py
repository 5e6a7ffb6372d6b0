"""The commands as Discord registers them: localised, and sent only when they have changed.

discord:commands:<application>   string   the digest of what was registered last, for thirty days
"""

import json
from hashlib import sha256
from typing import Any, TypeAlias

import structlog
from redis.asyncio import Redis

from adapters.discord.menus import EDIT_IMAGE, HISTORY, SAVE_AS_REFERENCE, USE_AS_REFERENCE, USE_AVATAR
from adapters.discord.permissions import MANAGE_SERVER
from adapters.discord.rest import Rest
from adapters.discord.settings import AgeRestricted, Editors
from core.choices import WhenDown
from core.librarian import Savers
from core.names import NAME_CHARACTERS
from core.packing import key, text
from core.replies import languages, say, sentences
from core.styles import WORDS_CHARACTERS

Definition: TypeAlias = dict[str, Any]

DISCORD_LOCALES = {
    "de": ("de",),
    "fr": ("fr",),
    "es": ("es-ES", "es-419"),
    "ja": ("ja",),
    "pt-BR": ("pt-BR",),
}
"""Our languages by Discord's names for them; English is what everybody else reads."""
KEPT_SECONDS = 30 * 86_400
_SLASH, _USER_MENU, _MESSAGE_MENU = 1, 2, 3
_SUBCOMMAND, _STRING, _INTEGER, _BOOLEAN, _CHANNEL, _ATTACHMENT = 1, 3, 4, 5, 7, 11
_SERVER, _DIRECT, _GROUPS = 0, 1, 2
_EVERYWHERE: Definition = {"contexts": [_SERVER, _DIRECT, _GROUPS], "integration_types": [0, 1]}
_ON_SERVERS: Definition = {"contexts": [_SERVER], "integration_types": [0]}
_PROMPT_CHARACTERS = 4000

log = structlog.get_logger()


async def sync_commands(rest: Rest, redis: Redis, *, most_images: int) -> bool:
    """Register the commands if they are not what was registered last; whether that was needed."""
    wanted = definitions(most_images=most_images)
    digest = sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
    name = key("discord", "commands", rest.application)
    known = await redis.getex(name, ex=KEPT_SECONDS)
    if known is not None and text(known) == digest:
        return False
    await rest.call("PUT", "/applications/{application_id}/commands", wanted, application_id=rest.application)
    await redis.set(name, digest, ex=KEPT_SECONDS)
    log.info("the commands were registered", count=len(wanted))
    return True


def definitions(*, most_images: int) -> list[Definition]:
    """All commands, as Discord takes them."""
    return [
        _slash("imagine", _imagine_options(most_images)) | _EVERYWHERE,
        _slash("imagine-status") | _EVERYWHERE,
        _slash("imagine-help") | _EVERYWHERE,
        _slash("imagine-listen", [_option("listen", "on", _BOOLEAN, required=True)]) | _ON_SERVERS,
        _slash("imagine-settings", _settings_options()) | _ON_SERVERS | {"default_member_permissions": MANAGE_SERVER},
        _slash("imagine-avatar", [_option("avatar", "allow", _BOOLEAN, required=True)]) | _ON_SERVERS,
        _slash("imagine-history") | _EVERYWHERE,
        _slash("imagine-library", _library_options()) | _EVERYWHERE,
        _slash("imagine-styles", _styles_options()) | _EVERYWHERE,
        _menu("menu_edit", EDIT_IMAGE, _MESSAGE_MENU),
        _menu("menu_reference", USE_AS_REFERENCE, _MESSAGE_MENU),
        _menu("menu_save", SAVE_AS_REFERENCE, _MESSAGE_MENU),
        _menu("menu_history", HISTORY, _MESSAGE_MENU),
        _menu("menu_avatar", USE_AVATAR, _USER_MENU),
    ]


def _imagine_options(most_images: int) -> list[Definition]:
    references = [_option("imagine", f"reference{number}", _ATTACHMENT) for number in (1, 2, 3)]
    return [
        _option("imagine", "prompt", _STRING, required=True) | {"max_length": _PROMPT_CHARACTERS},
        _option("imagine", "aspect_ratio", _STRING) | {"autocomplete": True},
        _option("imagine", "count", _INTEGER) | {"min_value": 1, "max_value": most_images},
        _option("imagine", "model", _STRING) | {"autocomplete": True},
        *references,
        _option("imagine", "size", _STRING) | {"autocomplete": True},
        _option("imagine", "style", _STRING) | {"autocomplete": True},
        _option("imagine", "private", _BOOLEAN),
    ]


def _settings_options() -> list[Definition]:
    return [
        _option("settings", "who_may_edit", _STRING)
        | {"choices": [_choice(f"discord.editors_{who}_short", who.value) for who in Editors]},
        _option("settings", "who_may_save", _STRING)
        | {"choices": [_choice(f"discord.editors_{who}_short", who.value) for who in Savers]},
        _option("settings", "every_message", _BOOLEAN),
        _option("settings", "age_restricted", _STRING)
        | {"choices": [_choice(f"discord.age_{rule}", rule.value) for rule in AgeRestricted]},
        _option("settings", "avatars", _BOOLEAN),
        _option("settings", "channel", _CHANNEL),
        _option("settings", "channel_use", _STRING)
        | {"choices": [_choice(f"discord.use_{use}", use) for use in ("on", "off", "only")]},
        _option("settings", "model", _STRING) | {"autocomplete": True},
        _option("settings", "channel_model", _STRING) | {"autocomplete": True},
        _option("settings", "allowed_models", _STRING) | {"autocomplete": True},
        _option("settings", "when_down", _STRING)
        | {"choices": [_choice(f"choices.when_down_{what}", what.value) for what in WhenDown]},
        _option("settings", "aspect_ratio", _STRING) | {"autocomplete": True},
    ]


def _library_options() -> list[Definition]:
    new_name = _option("library", "name", _STRING, required=True) | {"max_length": NAME_CHARACTERS + 1}
    known_name = _option("library", "name", _STRING, required=True) | {"autocomplete": True}
    return [
        _subcommand("library", "save", [new_name, _option("library", "picture", _ATTACHMENT, required=True)]),
        _subcommand("library", "list"),
        _subcommand("library", "remove", [known_name]),
    ]


def _styles_options() -> list[Definition]:
    name = _option("styles", "name", _STRING, required=True)
    words = _option("styles", "words", _STRING, required=True) | {"max_length": WORDS_CHARACTERS}
    known = [name | {"autocomplete": True}]
    new = [name | {"max_length": NAME_CHARACTERS}, words, _option("styles", "here", _BOOLEAN)]
    return [
        _subcommand("styles", "save", new),
        _subcommand("styles", "list"),
        *(_subcommand("styles", verb, known) for verb in ("show", "remove", "usual")),
    ]


def _subcommand(command: str, name: str, options: list[Definition] | None = None) -> Definition:
    return _option(command, name, _SUBCOMMAND) | ({"options": options} if options else {})


def _slash(name: str, options: list[Definition] | None = None) -> Definition:
    sentence = name.replace("-", "_")
    command: Definition = {"type": _SLASH, "name": name, "description": say("en", f"discord_command.{sentence}")}
    command |= _localised("description", f"discord_command.{sentence}")
    command |= _localised("name", f"discord_command.{sentence}_name")
    return command | ({"options": options} if options else {})


def _option(command: str, name: str, kind: int, *, required: bool = False) -> Definition:
    sentence = f"discord_option.{command}_{name}"
    option: Definition = {"type": kind, "name": name, "description": say("en", sentence), "required": required}
    return option | _localised("description", sentence) | _localised("name", f"{sentence}_name")


def _menu(sentence: str, name: str, kind: int) -> Definition:
    return {"type": kind, "name": name} | _EVERYWHERE | _localised("name", f"discord_command.{sentence}")


def _choice(sentence: str, value: str) -> Definition:
    return {"name": say("en", sentence), "value": value} | _localised("name", sentence)


def _localised(what: str, sentence: str) -> Definition:
    """The sentence in every language that has it, English aside."""
    spoken: dict[str, str] = {}
    for language, locales in DISCORD_LOCALES.items():
        if language in languages() and (found := sentences(language).get(sentence)):
            spoken |= dict.fromkeys(locales, found)
    return {f"{what}_localizations": spoken} if spoken else {}
