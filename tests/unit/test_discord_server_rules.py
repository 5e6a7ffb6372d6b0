"""A server's rules are shown in one message, whatever there is of them."""

import re

import pytest

from adapters.discord.commands import DISCORD_LOCALES
from adapters.discord.server_rules import MOST_CHANNELS, described
from adapters.discord.settings import ServerSettings
from adapters.discord.words import CONTENT_CHARACTERS
from core import choices
from core.choices import MOST_ALLOWED, Choices
from core.librarian import MOST_MARKS, Savers


def ids(count: int) -> tuple[str, ...]:
    return tuple(str(10**17 + number) for number in range(count))


FULL = ServerSettings(
    savers=Savers.CHOSEN, saver_marks=ids(MOST_MARKS), off=ids(MOST_CHANNELS), only=ids(MOST_CHANNELS)
)
MODELS = Choices(
    model="gemini-3.1-flash-image",
    allowed=tuple(f"gemini-3.1-flash-image-{number}" for number in range(MOST_ALLOWED)),
    channels=dict.fromkeys(ids(choices.MOST_CHANNELS), "gemini-3.1-flash-lite-image"),
)


@pytest.mark.parametrize("locale", ["en", *DISCORD_LOCALES])
def test_rules_that_are_too_much_for_a_message_say_how_much_more_there_is(locale: str) -> None:
    said = described(FULL, MODELS, locale)
    assert len(said) <= CONTENT_CHARACTERS
    assert len(said.splitlines()) == 12
    shown = len(re.findall(r"<@&\d{18}>", said))
    assert shown > 3
    assert said.count(str(MOST_CHANNELS - shown)) == 3
    for full in (MOST_MARKS, MOST_ALLOWED):
        assert str(full - shown) in said


def test_rules_that_a_message_has_room_for_are_shown_whole() -> None:
    said = described(ServerSettings(savers=Savers.CHOSEN, saver_marks=ids(MOST_MARKS)), Choices(), "en")
    assert said.count("<@&") == MOST_MARKS
    assert "more" not in said
