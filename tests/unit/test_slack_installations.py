"""The stores that Bolt keeps installations and OAuth states in."""

import pytest
from cryptography.fernet import Fernet, MultiFernet
from redis.asyncio import Redis
from slack_sdk.oauth.installation_store.models.installation import Installation

from adapters.slack.installations import Installations
from adapters.slack.states import STATE_SECONDS, States

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
