"""The contract of the fake Discord, held by unmodified discord.py."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import discord
import pytest
from discord import app_commands

from tests.fakes.discord import FakeDiscord, NotAllowed, Upload
from tests.fakes.discord.fixture import fake_discord as fake_discord  # noqa: PLC0414 - a fixture is used by its name

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


class Client(discord.Client):
    """A client that keeps what it hears."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("intents", discord.Intents.default())
        super().__init__(guild_ready_timeout=0.05, **options)
        self.heard: list[discord.Message] = []
        self.resumed = 0
        self.tree = app_commands.CommandTree(self)

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message)

    async def on_resumed(self) -> None:
        self.resumed += 1

    def texts(self) -> list[str]:
        return [message.content for message in self.heard]


@asynccontextmanager
async def connected(fake: FakeDiscord, client: Client | None = None) -> AsyncIterator[Client]:
    client = client or Client()
    async with client:
        running = asyncio.create_task(client.start(fake.token))
        ready = asyncio.create_task(client.wait_until_ready())
        done, _ = await asyncio.wait({running, ready}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        if running in done:
            ready.cancel()
            await running
        try:
            yield client
        finally:
            await client.close()
            await asyncio.gather(running, return_exceptions=True)


def text_channel(client: Client, channel_id: int) -> discord.TextChannel:
    channel = client.get_channel(channel_id)
    assert isinstance(channel, discord.TextChannel)
    return channel


async def test_discord_py_logs_in_and_knows_the_place(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio", tier=2)
    channel = fake_discord.channel(guild, "pictures", nsfw=True)
    async with connected(fake_discord) as client:
        assert client.user is not None
        assert client.user.id == fake_discord.bot.id
        known = client.get_guild(guild.id)
        assert known is not None
        assert known.filesize_limit == 50 * 1024 * 1024
        assert text_channel(client, channel.id).is_nsfw()
        assert [identify.shard for identify in fake_discord.gateway.identifies] == [0]


async def test_a_message_is_heard_and_answered(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice = fake_discord.person("alice", guild)
    async with connected(fake_discord) as client:
        said = alice.send(channel, f"<@{fake_discord.bot.id}> a fox")
        await fake_discord.until(lambda: client.heard)
        await client.heard[0].reply("coming", mention_author=True)
        answer = fake_discord.messages(channel, seen_by=alice)[-1]
        assert answer.content == "coming"
        assert answer.reply_to == said.id
        assert answer.pings == (alice.id,)
        await fake_discord.until(lambda: len(client.heard) == 2)


async def test_a_slash_command_is_acknowledged_and_its_deferred_answer_completed(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice = fake_discord.person("alice", guild, locale="de")
    client = Client()
    got: list[Any] = []

    @client.tree.command(description="Draws")
    async def imagine(
        interaction: discord.Interaction, prompt: str, count: int = 1, sketch: discord.Attachment | None = None
    ) -> None:
        got.extend([prompt, count, interaction.locale])
        assert sketch is not None
        got.append(await sketch.read())
        await interaction.response.defer(ephemeral=True, thinking=True)
        await interaction.edit_original_response(
            content="done", attachments=[discord.File(io.BytesIO(PIXEL), "fox.png", description="a fox")]
        )

    async with connected(fake_discord, client):
        await client.tree.sync()
        assert len(fake_discord.syncs) == 1
        options = {"prompt": "a fox", "count": 2, "sketch": Upload("sketch me.png", PIXEL)}
        asked = await alice.slash(channel, "imagine", options)
        await asked.answered()
        await fake_discord.until(lambda: asked.original is not None and not asked.original.loading)
        assert got == ["a fox", 2, discord.Locale.german, PIXEL]
        original = asked.original
        assert original is not None
        assert original.content == "done"
        assert original.files[0].data == PIXEL
        assert original.files[0].alt == "a fox"
        assert asked.private
        assert fake_discord.messages(channel) == []
        assert fake_discord.messages(channel, seen_by=alice) == [original]
        assert asked.ack_seconds is not None
        assert asked.ack_seconds < 3


async def test_a_button_a_select_and_a_modal_with_a_file_come_back(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice = fake_discord.person("alice", guild)
    answers: list[Any] = []

    class EditModal(discord.ui.Modal, title="Edit"):
        change: discord.ui.Label[Any] = discord.ui.Label(text="Change", component=discord.ui.TextInput(custom_id="c"))
        extra: discord.ui.Label[Any] = discord.ui.Label(
            text="Picture", component=discord.ui.FileUpload(custom_id="f", required=False)
        )

        async def on_submit(self, interaction: discord.Interaction) -> None:
            assert isinstance(self.change.component, discord.ui.TextInput)
            assert isinstance(self.extra.component, discord.ui.FileUpload)
            answers.append(self.change.component.value)
            answers.append(await self.extra.component.values[0].read())
            await interaction.response.edit_message(content="edited", view=None)

    class Buttons(discord.ui.View):
        @discord.ui.button(label="Edit", custom_id="edit")
        async def edit(self, interaction: discord.Interaction, button: discord.ui.Button[Any]) -> None:
            await interaction.response.send_modal(EditModal())

        @discord.ui.select(custom_id="ratio", options=[discord.SelectOption(label="1:1"), discord.SelectOption(label="2:1")])
        async def ratio(self, interaction: discord.Interaction, select: discord.ui.Select[Any]) -> None:
            answers.append(select.values)
            await interaction.response.defer()

    async with connected(fake_discord) as client:
        sent = await text_channel(client, channel.id).send("here", view=Buttons())
        seen = fake_discord.messages(channel)[0]
        assert seen.labels == ("Edit",)
        await (await alice.select(seen, "ratio", "2:1")).answered()
        opened = await (await alice.press(seen, "Edit")).answered()
        submitted = await alice.submit(opened, {"Change": "bluer", "Picture": Upload("a.png", PIXEL)})
        await submitted.answered()
        assert answers == [["2:1"], "bluer", PIXEL]
        changed = fake_discord.message(channel, sent.id)
        assert changed is not None
        assert (changed.content, changed.controls) == ("edited", ())
        with pytest.raises(NotAllowed):
            await alice.press(changed, "Edit")
