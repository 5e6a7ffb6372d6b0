"""No message is given up because the store was away."""

from typing import Any, cast

import pytest
from redis.exceptions import ConnectionError as StoreAway

from adapters.discord import router as router_module
from adapters.discord.events import Message
from adapters.discord.router import Router
from core.errors import PlatformBusy

MESSAGE = {"id": "1", "channel_id": "2", "content": "hello", "author": {"id": "3", "username": "ada"}}


class Desk:
    """A desk that nobody sits at."""

    def __getattr__(self, name: str) -> "Desk":
        return self


class Listener:
    """Hears messages once the store is back."""

    def __init__(self, away: int) -> None:
        self.away = away
        self.heard: list[Message] = []

    async def on_message(self, message: Message) -> None:
        if self.away:
            self.away -= 1
            raise StoreAway
        self.heard.append(message)


class Busy:
    """Hears messages for a Discord that tells nothing more about them."""

    asked = 0

    async def on_message(self, message: Message) -> None:
        self.asked += 1
        raise PlatformBusy(1.0)


async def test_a_message_waits_for_the_store_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(router_module, "STORE_SECONDS", 0.0)
    router, listener = Router(cast("Any", Desk())), Listener(away=3)
    router.listener = cast("Any", listener)
    await router.handle("MESSAGE_CREATE", MESSAGE)
    assert [message.id for message in listener.heard] == ["1"]


async def test_an_event_of_another_shape_is_passed_over() -> None:
    router, listener = Router(cast("Any", Desk())), Listener(away=0)
    router.listener = cast("Any", listener)
    await router.handle("MESSAGE_CREATE", {"id": []})
    assert not listener.heard


async def test_a_message_that_discord_is_too_busy_for_is_given_up_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(router_module, "BUSY_SECONDS", 0.0)
    router = Router(cast("Any", Desk()))
    listener = Busy()
    router.listener = cast("Any", listener)
    await router.handle("MESSAGE_CREATE", MESSAGE)
    assert listener.asked == 1


async def test_what_is_known_of_servers_stays_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(router_module, "MOST_SERVERS", 2)
    router = Router(cast("Any", Desk()))
    for guild in ("1", "2", "3"):
        await router.handle("GUILD_UPDATE", {"id": guild, "preferred_locale": "de", "premium_tier": 3})
    assert len(router._facts) == 2  # noqa: SLF001 - a bound on memory shows nowhere else
    assert (await router.facts("3")).locale == "de"
    assert (await router.facts(None)).locale == "en-US"


async def test_a_server_in_an_outage_tells_nothing_of_itself() -> None:
    router = Router(cast("Any", Desk()))
    await router.handle("GUILD_CREATE", {"id": "1", "unavailable": True})
    await router.handle("TYPING_START", {})
    assert not router._facts  # noqa: SLF001
