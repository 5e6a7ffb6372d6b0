"""No message is given up because the store was away."""

from typing import Any, cast

import pytest
from redis.exceptions import ConnectionError as StoreAway

from adapters.discord import router as router_module
from adapters.discord.events import Message
from adapters.discord.router import Router

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
