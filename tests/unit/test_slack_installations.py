"""The stores that Bolt keeps installations and OAuth states in, and the tokens that come from them."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
from cryptography.fernet import Fernet, MultiFernet
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as StoreLost
from slack_sdk.oauth.installation_store.models.installation import Installation

from adapters.slack.installations import Installations, InstalledTokens
from adapters.slack.states import STATE_SECONDS, States
from adapters.slack.web_api import make_client
from core.packing import key
from tests.fakes.slack import FakeSlack

pytest_plugins = ["tests.fakes.slack.fixtures"]
pytestmark = pytest.mark.lasting_keys("imagine:1:slack:installation:")


@pytest.fixture
def store(redis: Redis) -> Installations:
    return Installations(redis, MultiFernet([Fernet(Fernet.generate_key())]))


def installation(**changes: object) -> Installation:
    values: dict[str, object] = {
        "app_id": "A1",
        "enterprise_id": None,
        "team_id": "T1",
        "bot_token": "xoxb-1",
        "bot_id": "B1",
        "bot_user_id": "U1",
        "bot_scopes": "commands,chat:write",
        "bot_refresh_token": "xoxe-1",
        "bot_token_expires_at": 2_000_000_000,
        "user_id": "U9",
        "installed_at": 1_700_000_000.0,
    }
    return Installation(**(values | changes))  # type: ignore[arg-type]


async def test_an_installation_comes_back_as_it_was_saved(store: Installations) -> None:
    await store.async_save(installation())
    bot = await store.async_find_bot(enterprise_id=None, team_id="T1")
    assert bot is not None
    assert (bot.bot_token, bot.bot_refresh_token, bot.bot_token_expires_at) == ("xoxb-1", "xoxe-1", 2_000_000_000)
    assert list(bot.bot_scopes) == ["commands", "chat:write"]
    found = await store.async_find_installation(enterprise_id=None, team_id="T1")
    assert found is not None
    assert (found.user_id, found.bot_token) == ("U9", "xoxb-1")
    assert await store.async_find_installation(enterprise_id=None, team_id="T1", user_id="U8") is None


async def test_a_renewed_token_takes_the_place_of_the_old(store: Installations) -> None:
    await store.async_save(installation())
    bot = installation(bot_token="xoxb-2").to_bot()
    await store.async_save_bot(bot)
    found = await store.async_find_bot(enterprise_id=None, team_id="T1")
    assert found is not None
    assert found.bot_token == "xoxb-2"


async def test_an_organisation_serves_its_workspaces_and_no_others(store: Installations) -> None:
    await store.async_save(installation(enterprise_id="E1", team_id=None, is_enterprise_install=True))
    assert await store.find("T5") is None
    assert await store.find("T5", "E1", org_wide=True)
    assert await store.find("T5"), "an event has told which organisation it belongs to"
    assert await store.find("T6", "E2", org_wide=True) is None
    await store.async_delete_installation(enterprise_id="E1", team_id=None)
    assert await store.find("T5") is None


async def test_a_workspaces_own_installation_goes_before_its_organisations(store: Installations) -> None:
    await store.async_save(installation(enterprise_id="E1", team_id=None, is_enterprise_install=True))
    await store.async_save(installation(enterprise_id="E1", bot_token="xoxb-own"))
    found = await store.find("T1", "E1")
    assert found is not None
    assert found.token == "xoxb-own"


async def test_what_cannot_be_decrypted_is_no_installation(store: Installations, redis: Redis) -> None:
    await store.async_save(installation())
    other = Installations(redis, MultiFernet([Fernet(Fernet.generate_key())]))
    assert await other.find("T1") is None


async def test_an_oauth_state_is_good_once_and_for_ten_minutes(redis: Redis) -> None:
    states = States(redis)
    state = await states.async_issue()
    assert 0 < await redis.ttl(f"imagine:1:slack:state:{state}") <= STATE_SECONDS
    assert await states.async_consume(state)
    assert not await states.async_consume(state)
    assert not await states.async_consume("forged")


# -- tokens


@pytest.fixture
async def tokens(store: Installations, redis: Redis, fake_slack: FakeSlack) -> AsyncIterator[InstalledTokens]:
    """The tokens of a workspace whose own one has nearly expired."""
    await store.async_save(installation(bot_token_expires_at=int(time.time()) + 30))
    async with aiohttp.ClientSession() as session:
        app = fake_slack.app
        yield InstalledTokens(store, redis, make_client(session, fake_slack.api_url), app.client_id, app.client_secret)


async def token_of(tokens: InstalledTokens) -> str:
    found = await tokens.of("T1")
    assert found is not None
    return found.token


async def test_a_token_that_cannot_be_renewed_is_used_while_it_lives(
    tokens: InstalledTokens, fake_slack: FakeSlack, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fake_slack.fail("oauth.v2.access", error="invalid_refresh_token")
    assert await token_of(tokens) == "xoxb-1"
    assert "xoxe-1" not in caplog.text


async def test_a_token_whose_renewal_is_unanswered_is_used_while_it_lives(
    tokens: InstalledTokens, fake_slack: FakeSlack
) -> None:
    fake_slack.fail("oauth.v2.access", drop="before")
    assert await token_of(tokens) == "xoxb-1"


async def test_a_process_that_cannot_renew_uses_what_another_has_renewed(
    tokens: InstalledTokens, store: Installations, redis: Redis, fake_slack: FakeSlack
) -> None:
    kept = await store.find("T1")
    assert kept is not None
    await store.keep(replace(kept, expires_at=int(time.time()) - 1))
    lock = key("slack", "rotating", kept.place)
    await redis.set(lock, "1", ex=30)
    asking = asyncio.create_task(token_of(tokens))
    await asyncio.sleep(0)
    await store.keep(replace(kept, token="xoxb-2", expires_at=int(time.time()) + 9_999))
    await redis.delete(lock)
    assert await asking == "xoxb-2"
    assert not fake_slack.calls("oauth.v2.access")


async def test_nobody_waits_for_another_process_while_the_token_lives(
    tokens: InstalledTokens, redis: Redis, fake_slack: FakeSlack
) -> None:
    await redis.set(key("slack", "rotating", "T1"), "1", ex=30)
    assert await token_of(tokens) == "xoxb-1"
    assert not fake_slack.calls("oauth.v2.access")


async def test_a_store_that_is_away_for_a_moment_forgets_no_token(
    tokens: InstalledTokens, store: Installations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.slack.installations.CACHED_SECONDS", 0.0)
    kept = await store.find("T1")
    assert kept is not None
    await store.keep(replace(kept, expires_at=0))
    assert await token_of(tokens) == "xoxb-1"
    async with Redis.from_url("redis://127.0.0.1:1") as away:
        tokens.installations = Installations(away, MultiFernet([Fernet(Fernet.generate_key())]))
        assert await token_of(tokens) == "xoxb-1"
        with pytest.raises(StoreLost):
            await tokens.of("T2")


async def test_many_workspaces_do_not_fill_the_memory(
    tokens: InstalledTokens, store: Installations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.slack.installations.MOST_CACHED", 2)
    for number in range(2, 6):
        await store.async_save(installation(team_id=f"T{number}", bot_token=f"xoxb-{number}", bot_token_expires_at=0))
        found = await tokens.of(f"T{number}")
        assert found is not None
        assert found.token == f"xoxb-{number}"
