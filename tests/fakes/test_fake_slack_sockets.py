"""The Slack double's Socket Mode: one-time addresses, one connection an envelope, retries, refresh."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import Channel, FakeSlack, User, Workspace

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.fakes.slack_acme"]


@pytest.fixture
async def connected(fake_slack: FakeSlack, bolt: AsyncApp) -> AsyncIterator[AsyncSocketModeHandler]:
    handler = AsyncSocketModeHandler(bolt, fake_slack.app.app_token, ping_interval=1)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await fake_slack.wait_for(lambda: fake_slack.sockets.open)
    yield handler
    await handler.close_async()  # type: ignore[no-untyped-call]


async def test_each_envelope_goes_to_exactly_one_connection(
    fake_slack: FakeSlack, alice: User, general: Channel
) -> None:
    heard: list[str] = []
    handlers = []
    for _ in range(3):
        bolt = AsyncApp(
            client=AsyncWebClient(general.team.bot_token, base_url=fake_slack.api_url), signing_secret="unused"
        )

        @bolt.event("message")
        async def message(event: dict[str, Any]) -> None:
            heard.append(event["ts"])

        handlers.append(AsyncSocketModeHandler(bolt, fake_slack.app.app_token))
        await handlers[-1].connect_async()  # type: ignore[no-untyped-call]
    await fake_slack.wait_for(lambda: len(fake_slack.sockets.open) == 3)

    said = [await fake_slack.message(alice, general, f"number {n}") for n in range(30)]
    await fake_slack.wait_for(lambda: len(heard) >= 30)
    used = [len(connection.sent) for connection in fake_slack.sockets.open]
    for handler in handlers:
        await handler.close_async()  # type: ignore[no-untyped-call]

    assert sorted(heard) == sorted(message.ts for message in said)
    assert all(used)


async def test_an_unacknowledged_event_is_sent_again_with_its_number_and_reason(
    fake_slack: FakeSlack, alice: User, general: Channel
) -> None:
    seen: list[tuple[int, str, str]] = []
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(base_url=fake_slack.api_url)
        address = (await client.apps_connections_open(app_token=fake_slack.app.app_token))["url"]
        async with session.ws_connect(address) as socket:
            assert (await socket.receive_json())["type"] == "hello"
            fake_slack.outbox.ack_timeout = 0.05
            await fake_slack.message(alice, general, "a fox")
            for number in range(4):
                envelope = await socket.receive_json()
                event_id = envelope["payload"]["event_id"]
                seen.append((envelope["retry_attempt"], envelope["retry_reason"], event_id))
                if number == 3:
                    await socket.send_json({"envelope_id": envelope["envelope_id"]})
                elif number:
                    await fake_slack.wait_for(lambda n=number: fake_slack.deliveries()[0].attempts[n].failure)  # type: ignore[misc]
                    await asyncio.sleep(0)
                    fake_slack.clock.advance(300)
            await fake_slack.wait_for(lambda: fake_slack.deliveries()[0].acked)

    assert [(attempt, reason) for attempt, reason, _ in seen] == [
        (0, ""),
        (1, "timeout"),
        (2, "timeout"),
        (3, "timeout"),
    ]
    assert len({event_id for _, _, event_id in seen}) == 1


async def test_a_socket_address_works_once(fake_slack: FakeSlack) -> None:
    client = AsyncWebClient(base_url=fake_slack.api_url)
    address = (await client.apps_connections_open(app_token=fake_slack.app.app_token))["url"]
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(address) as socket:
            hello = await socket.receive_json()
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(address)

    assert hello["connection_info"] == {"app_id": fake_slack.app.app_id}


async def test_an_eleventh_connection_is_turned_away(fake_slack: FakeSlack) -> None:
    client = AsyncWebClient(base_url=fake_slack.api_url)
    async with aiohttp.ClientSession() as session:
        sockets = []
        for _ in range(11):
            address = (await client.apps_connections_open(app_token=fake_slack.app.app_token))["url"]
            sockets.append(await session.ws_connect(address))
        answers = [await socket.receive_json() for socket in sockets]

    assert [answer["type"] for answer in answers] == ["hello"] * 10 + ["disconnect"]
    assert answers[-1]["reason"] == "too_many_websockets"


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_a_refresh_loses_nothing(
    fake_slack: FakeSlack, alice: User, general: Channel, bolt: AsyncApp, connected: AsyncSocketModeHandler, reason: Any
) -> None:
    @bolt.command("/imagine")
    async def imagine(ack: Any) -> None:
        await ack()

    await fake_slack.sockets.refresh(reason)
    deliveries = [await fake_slack.slash(alice, general, "/imagine") for _ in range(5)]

    assert all(delivery.acked for delivery in deliveries)
    assert fake_slack.sockets.ever_opened == 2


async def test_a_connection_that_breaks_before_the_acknowledgement_gets_the_event_sent_again(
    fake_slack: FakeSlack, alice: User, general: Channel, bolt: AsyncApp, connected: AsyncSocketModeHandler
) -> None:
    heard: list[str] = []
    reached, may_go_on = asyncio.Event(), asyncio.Event()

    @bolt.middleware
    async def slowly(next_: Any) -> None:
        reached.set()
        await may_go_on.wait()
        await next_()

    @bolt.event("message")
    async def message(event: dict[str, Any]) -> None:
        heard.append(event["ts"])

    said = await fake_slack.message(alice, general, "a fox")
    await fake_slack.wait_for(reached.is_set)
    await fake_slack.sockets.cut()
    may_go_on.set()
    await fake_slack.wait_for(lambda: fake_slack.deliveries()[0].acked, timeout=10)

    assert set(heard) == {said.ts}
    assert fake_slack.deliveries()[0].attempts[0].failure == "connection_failed"


async def test_the_wrong_kind_of_token_is_refused(fake_slack: FakeSlack, acme: Workspace) -> None:
    client = AsyncWebClient(base_url=fake_slack.api_url)
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.apps_connections_open(app_token=acme.bot_token)
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.auth_test(token=fake_slack.app.app_token)
    with pytest.raises(SlackApiError, match="invalid_auth"):
        await client.auth_test(token="xoxb-unknown")
