"""The Slack double fails when it is asked to, and limits rates as Slack does."""

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import Channel, FakeSlack, User, Workspace

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.fakes.slack_acme"]


async def test_a_commercial_app_reads_threads_once_a_minute_and_15_at_a_time(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    fake_slack.app.commercial = True
    for number in range(20):
        await fake_slack.message(alice, general, str(number))

    assert len((await client.conversations_history(channel=general.id, limit=200))["messages"]) == 15
    with pytest.raises(SlackApiError) as limited:
        await client.conversations_history(channel=general.id)
    assert limited.value.response.status_code == 429
    assert 0 < int(limited.value.response.headers["Retry-After"]) <= 60
    fake_slack.clock.advance(61)
    await client.conversations_history(channel=general.id)


async def test_limits_are_counted_always_and_enforced_on_request(
    fake_slack: FakeSlack, acme: Workspace, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    other = fake_slack.new_channel(acme, "other", [alice])
    await client.chat_postMessage(channel=general.id, text="1")
    await client.chat_postMessage(channel=general.id, text="2")
    assert fake_slack.limits.over[("chat.postMessage", acme.id, general.id)] == 1

    fake_slack.limits.enforce()
    fake_slack.clock.advance(2)
    await client.chat_postMessage(channel=general.id, text="3")
    with pytest.raises(SlackApiError) as limited:
        await client.chat_postMessage(channel=general.id, text="4")
    await client.chat_postMessage(channel=other.id, text="5")
    assert (limited.value.response.status_code, limited.value.response.headers["Retry-After"]) == (429, "1")


async def test_the_sdk_waits_out_a_limit_when_told_to(fake_slack: FakeSlack, alice: User, general: Channel) -> None:
    patient = AsyncWebClient(
        general.team.bot_token, base_url=fake_slack.api_url, retry_handlers=[AsyncRateLimitErrorRetryHandler()]
    )
    fake_slack.fail("chat.postMessage", retry_after=0)
    await patient.chat_postMessage(channel=general.id, text="hello")

    assert [request.status for request in fake_slack.calls("chat.postMessage")] == [429, 200]


async def test_a_connection_dropped_after_the_effect_makes_the_default_client_post_twice(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    default = AsyncWebClient(general.team.bot_token, base_url=fake_slack.api_url)
    fake_slack.fail("chat.postMessage", drop="after")
    await default.chat_postMessage(channel=general.id, text="hello")
    assert [shown.text for shown in fake_slack.channel(alice, general)] == ["hello", "hello"]

    fake_slack.fail("chat.postMessage", drop="after")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.chat_postMessage(channel=general.id, text="once")
    assert [shown.text for shown in fake_slack.channel(alice, general)] == ["hello", "hello", "once"]


async def test_failures_come_when_asked_and_only_to_the_calls_they_are_for(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    fake_slack.fail("chat.postMessage", status=500, when=lambda args: args["text"] == "bad")
    fake_slack.fail("chat.postMessage", error="fatal_error", when=lambda args: args["text"] == "worse")
    fake_slack.fail("chat.postMessage", drop="before", when=lambda args: args["text"] == "worst")

    await client.chat_postMessage(channel=general.id, text="good")
    for text, error in {"bad": SlackApiError, "worse": SlackApiError, "worst": aiohttp.ServerDisconnectedError}.items():
        with pytest.raises(error):
            await client.chat_postMessage(channel=general.id, text=text)
    await client.chat_postMessage(channel=general.id, text="bad")

    assert [shown.text for shown in fake_slack.channel(alice, general)] == ["good", "bad"]
    assert [r.fault for r in fake_slack.calls("chat.postMessage")] == ["", "500", "fatal_error", "drop before", ""]
