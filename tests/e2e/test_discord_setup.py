"""What an admin is told before anybody draws."""

from discord.gateway import DiscordWebSocket
from discord.http import Route

from adapters.discord.addresses import use_addresses
from adapters.discord.check import check_discord, invite_link
from adapters.discord.permissions import NEEDED
from tests.fakes.discord import FakeDiscord

pytest_plugins = ["tests.fakes.discord.fixtures"]


async def rows(fake: FakeDiscord, *, message_content: bool = True, token: str = "") -> dict[str, bool]:
    return {row.text: row.well async for row in check_discord(token or fake.token, message_content=message_content)}


async def test_a_good_set_up_is_called_good_and_gives_the_invite_link(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    fake_discord.allow(guild, "administrator")
    found = await rows(fake_discord)
    assert all(found.values()), found
    assert any(invite_link(str(fake_discord.application_id)) in text for text in found)


async def test_a_wrong_token_is_said_to_be_one(fake_discord: FakeDiscord) -> None:
    ((text, well),) = (await rows(fake_discord, token="wrong")).items()
    assert not well
    assert "Reset Token" in text
    assert "wrong" not in text


async def test_a_missing_intent_names_its_switch(fake_discord: FakeDiscord) -> None:
    fake_discord.message_content = False
    bad = [text for text, well in (await rows(fake_discord)).items() if not well]
    assert any("Privileged Gateway Intents" in text for text in bad)


async def test_missing_permissions_are_named_by_server(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    fake_discord.deny(guild, "attach_files")
    bad = [text for text, well in (await rows(fake_discord)).items() if not well]
    assert any(text.startswith("In Studio it lacks: ") and "Attach Files" in text for text in bad)


async def test_a_discord_that_is_away_is_not_a_bad_token(fake_discord: FakeDiscord) -> None:
    fake_discord.faults.fail("GET", "/applications/@me", 503, times=None)
    ((text, well),) = (await rows(fake_discord)).items()
    assert not well
    assert "could not be asked" in text


def test_the_invitation_asks_for_what_is_used_and_no_more() -> None:
    assert f"permissions={sum(NEEDED.values())}" in invite_link("1")
    assert sum(NEEDED.values()) & (1 << 3) == 0


async def test_an_endpoint_that_takes_the_commands_away_is_pointed_out(fake_discord: FakeDiscord) -> None:
    fake_discord.endpoint_url = "https://elsewhere.example/interactions"
    bad = [text for text, well in (await rows(fake_discord)).items() if not well]
    assert any("Interactions Endpoint URL" in text and "General Information" in text for text in bad)


async def test_an_intent_that_is_granted_and_not_used_is_mentioned(fake_discord: FakeDiscord) -> None:
    found = await rows(fake_discord, message_content=False)
    assert [well for text, well in found.items() if "DISCORD_MESSAGE_CONTENT=true" in text] == [True]


def test_the_addresses_are_told_to_the_library_once(fake_discord: FakeDiscord) -> None:
    use_addresses("http://127.0.0.1:1/api/v10/", "ws://127.0.0.1:1/gateway/")
    assert Route("GET", "/users/@me").url == "http://127.0.0.1:1/api/v10/users/@me"
    assert str(DiscordWebSocket.DEFAULT_GATEWAY) == "ws://127.0.0.1:1/gateway/"
