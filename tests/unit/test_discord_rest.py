"""Calls to Discord end in an answer, a refusal or a pause, and a post is found where one may look for it."""

from collections.abc import AsyncIterator

import discord
import pytest

from adapters.discord import posting
from adapters.discord import rest as rest_module
from adapters.discord.permissions import ADMINISTRATOR, SEND, SEND_IN_THREADS, VIEW, check_place, writes
from adapters.discord.posting import SHOWING, Poster
from adapters.discord.posts import Place
from adapters.discord.render import message
from adapters.discord.rest import Rest, open_rest
from adapters.discord.settings import ServerSettings
from core.errors import Declined, PlatformBusy
from tests.fakes.discord import FakeDiscord

pytest_plugins = ["tests.fakes.discord.fixtures"]


@pytest.fixture
async def rest(fake_discord: FakeDiscord) -> AsyncIterator[Rest]:
    async with open_rest(fake_discord.token) as rest:
        yield rest


async def test_a_limit_that_asks_for_longer_than_anybody_waits_is_a_pause(
    fake_discord: FakeDiscord, rest: Rest
) -> None:
    fake_discord.faults.rate_limit("GET", "/gateway/bot", 60.0)
    with pytest.raises(PlatformBusy) as busy:
        await rest.call("GET", "/gateway/bot")
    assert busy.value.retry_after == pytest.approx(60.0, abs=1)


async def test_a_discord_that_is_down_for_good_is_an_error_at_the_log_in(
    fake_discord: FakeDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest_module, "LOGIN_PAUSES", (0.0,))
    fake_discord.faults.fail("GET", "/users/@me", 503, times=2)
    with pytest.raises(discord.DiscordServerError):
        async with open_rest(fake_discord.token):
            pass
    async with open_rest(fake_discord.token) as rest:
        assert rest.user == str(fake_discord.bot.id)


async def test_a_post_is_looked_for_a_few_pages_on_and_not_where_that_is_forbidden(
    fake_discord: FakeDiscord, rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice = fake_discord.person("alice", guild)
    poster = Poster(rest)
    first = await poster.post(str(channel.id), message("first"), "1")
    for number in range(6):
        alice.send(channel, f"words {number}")
    show = [{"type": 1, "components": [{"type": 2, "style": 1, "label": "Show", "custom_id": "show:key"}]}]
    wanted = await poster.post(str(channel.id), message("here", show), "2")
    monkeypatch.setattr(posting, "PAGE", 4)
    found = await poster.find(str(channel.id), "key", SHOWING, after=first.id)
    assert found is not None
    assert found.id == wanted.id
    monkeypatch.setattr(posting, "PAGES", 1)
    assert await poster.find(str(channel.id), "key", SHOWING, after=first.id) is None
    monkeypatch.setattr(posting, "PAGES", 5)
    fake_discord.delete_channel(channel)
    assert await poster.find(str(channel.id), "key", SHOWING, after=first.id) is None


def test_whether_we_may_write_hangs_on_where() -> None:
    channel, thread = Place("1"), Place("2", parent="1")
    assert writes(VIEW | SEND, channel)
    assert not writes(VIEW | SEND, thread)
    assert writes(VIEW | SEND_IN_THREADS, thread)
    assert not writes(SEND, channel)
    assert writes(ADMINISTRATOR, channel)
    assert writes(0, Place("3", direct=True))


def test_where_only_some_channels_are_on_the_threads_below_them_are_too() -> None:
    rules = ServerSettings(only=("1",))
    check_place(rules, Place("1"))
    check_place(rules, Place("2", parent="1"))
    check_place(rules, Place("9", direct=True))
    with pytest.raises(Declined):
        check_place(rules, Place("3"))
