"""Fixtures of the tests of the Slack double: one workspace, one person, one channel, one client."""

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import Channel, FakeSlack, User, Workspace


@pytest.fixture
def acme(fake_slack: FakeSlack) -> Workspace:
    return fake_slack.workspace("Acme")


@pytest.fixture
def alice(fake_slack: FakeSlack, acme: Workspace) -> User:
    return fake_slack.person(acme, "alice", locale="de-DE")


@pytest.fixture
def general(fake_slack: FakeSlack, acme: Workspace, alice: User) -> Channel:
    return fake_slack.new_channel(acme, "general", [alice])


@pytest.fixture
def client(fake_slack: FakeSlack, acme: Workspace) -> AsyncWebClient:
    return AsyncWebClient(acme.bot_token, base_url=fake_slack.api_url, retry_handlers=[])


@pytest.fixture
def bolt(client: AsyncWebClient) -> AsyncApp:
    return AsyncApp(client=client, signing_secret="unused")
