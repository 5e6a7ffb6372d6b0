"""The contract of the fake Discord, held by unmodified discord.py: coming in, talking, commands, buttons, modals."""

import io
from typing import Any

import discord
import pytest

from tests.fakes.discord import FakeDiscord, NotAllowed, Upload
from tests.fakes.discord.client import Listener, connected

pytest_plugins = ["tests.fakes.discord.fixtures"]

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
CONTENT = discord.Intents(guilds=True, messages=True, message_content=True)


def text_channel(client: discord.Client, channel_id: int) -> discord.TextChannel:
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


async def test_a_wrong_token_is_refused(fake_discord: FakeDiscord) -> None:
    async with discord.Client(intents=discord.Intents.none()) as client:
        with pytest.raises(discord.LoginFailure):
            await client.login("wrong")


async def test_a_message_is_heard_and_answered(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice = fake_discord.person("alice", guild)
    async with connected(fake_discord) as client:
        said = alice.send(channel, f"<@{fake_discord.bot.id}> a fox")
        await fake_discord.until(lambda: client.messages)
        await client.messages[0].reply("coming", mention_author=True)
        answer = fake_discord.messages(channel, seen_by=alice)[-1]
        assert answer.content == "coming"
        assert answer.reply_to == said.id
        assert answer.pings == (alice.id,)
        await fake_discord.until(lambda: len(client.messages) == 2)


async def test_edits_and_deletions_are_heard(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice = fake_discord.person("alice", guild)
    async with connected(fake_discord) as client:
        said = alice.send(channel, "a fox")
        alice.edit(said, "a red fox")
        alice.delete(said)
        await fake_discord.until(lambda: "MESSAGE_DELETE" in client.events)
        heard = [event for event in client.events if event.startswith("MESSAGE")]
        assert heard == ["MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE"]
        assert fake_discord.messages(channel) == []


async def test_content_is_blank_without_the_intent_except_where_discord_shows_it(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice = fake_discord.person("alice", guild)
    async with connected(fake_discord) as client:
        regular = await text_channel(client, channel.id).send("a regular message")
        own = fake_discord.message(channel, regular.id)
        assert own is not None
        alice.send(channel, "plain", files=[Upload("a.png", PIXEL)])
        alice.send(channel, f"<@{fake_discord.bot.id}> mention")
        alice.send(channel, "reply", reply_to=own)
        alice.send(channel, "reply without ping", reply_to=own, ping=False)
        alice.send(fake_discord.dm(alice), "direct")
        await fake_discord.until(lambda: len(client.messages) == 6)
        mention = f"<@{fake_discord.bot.id}> mention"
        assert client.texts == ["a regular message", "", mention, "reply", "", "direct"]
        assert not client.messages[1].attachments


async def test_content_is_whole_with_the_intent(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice = fake_discord.person("alice", guild)
    async with connected(fake_discord, Listener(intents=CONTENT)) as client:
        alice.send(channel, "plain", files=[Upload("a.png", PIXEL, alt="a dot")])
        await fake_discord.until(lambda: client.messages)
        assert client.texts == ["plain"]
        attached = client.messages[0].attachments[0]
        assert (attached.description, attached.width, await attached.read()) == ("a dot", 1, PIXEL)


async def test_a_slash_command_is_acknowledged_and_its_deferred_answer_completed(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice = fake_discord.person("alice", guild, locale="de")
    client = Listener()
    got: list[Any] = []

    @client.tree.command(description="Draws")
    async def imagine(
        interaction: discord.Interaction, prompt: str, count: int, sketch: discord.Attachment | None
    ) -> None:
        assert sketch is not None
        got.extend([prompt, count, interaction.locale, sketch.filename, await sketch.read()])
        await interaction.response.defer(ephemeral=True, thinking=True)
        picture = discord.File(io.BytesIO(PIXEL), "fox.png", description="a fox")
        await interaction.edit_original_response(content="done", attachments=[picture])

    async with connected(fake_discord, client):
        await client.tree.sync()
        assert [sync.guild_id for sync in fake_discord.syncs] == [None]
        options = {"prompt": "a fox", "count": 2, "sketch": Upload("sketch me.png", PIXEL)}
        asked = await (await alice.slash(channel, "imagine", options)).answered()
        await fake_discord.until(lambda: asked.original is not None and not asked.original.loading)
        assert got == ["a fox", 2, discord.Locale.german, "sketch_me.png", PIXEL]
        original = asked.original
        assert original is not None
        assert (original.content, original.files[0].alt, original.files[0].data) == ("done", "a fox", PIXEL)
        assert asked.private
        assert fake_discord.messages(channel) == []
        assert fake_discord.messages(channel, seen_by=alice) == [original]
        assert asked.ack_seconds is not None
        assert asked.ack_seconds < 3


async def test_a_client_refuses_options_that_the_command_does_not_take(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice = fake_discord.person("alice", guild)
    client = Listener()

    @client.tree.command(description="Draws")
    async def imagine(interaction: discord.Interaction, count: discord.app_commands.Range[int, 1, 4]) -> None: ...

    async with connected(fake_discord, client):
        await client.tree.sync()
        for options in ({}, {"count": 5}, {"count": "two"}, {"count": 1, "strange": 1}):
            with pytest.raises(NotAllowed):
                await alice.slash(channel, "imagine", options)
        with pytest.raises(NotAllowed):
            await alice.slash(channel, "unknown")


async def test_autocomplete_offers_choices(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice = fake_discord.person("alice", guild)
    client = Listener()

    @client.tree.command(description="Draws")
    async def imagine(interaction: discord.Interaction, model: str, prompt: str | None) -> None: ...

    @imagine.autocomplete("model")
    async def models(interaction: discord.Interaction, typed: str) -> list[discord.app_commands.Choice[str]]:
        return [discord.app_commands.Choice(name=f"{typed}o {interaction.namespace.prompt}", value="o")]

    async with connected(fake_discord, client):
        await client.tree.sync()
        typing = await (await alice.autocomplete(channel, "imagine", "model", "flu", {"prompt": "fox"})).answered()
        assert typing.choices == [{"name": "fluo fox", "value": "o"}]


async def test_menus_carry_their_target_even_without_the_content_intent(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice, bob = fake_discord.person("alice", guild), fake_discord.person("bob", guild, avatar=PIXEL)
    client = Listener()
    got: list[Any] = []

    @client.tree.context_menu(name="Edit this image")
    async def edit(interaction: discord.Interaction, message: discord.Message) -> None:
        got.extend([message.content, await message.attachments[0].read()])
        await interaction.response.send_message("ok", ephemeral=True)

    @client.tree.context_menu(name="Use avatar")
    async def avatar(interaction: discord.Interaction, user: discord.Member) -> None:
        got.append(await user.display_avatar.read())
        await interaction.response.send_message("ok", ephemeral=True)

    async with connected(fake_discord, client):
        await client.tree.sync()
        said = bob.send(channel, "look", files=[Upload("a.png", PIXEL)])
        await (await alice.message_menu(said, "Edit this image")).answered()
        await (await alice.user_menu(channel, bob, "Use avatar")).answered()
        assert got == ["look", PIXEL, PIXEL]


class EditModal(discord.ui.Modal, title="Edit"):
    change: discord.ui.Label[Any] = discord.ui.Label(text="Change", component=discord.ui.TextInput(custom_id="c"))
    extra: discord.ui.Label[Any] = discord.ui.Label(
        text="Picture", component=discord.ui.FileUpload(custom_id="f", required=False)
    )
    ratio: discord.ui.Label[Any] = discord.ui.Label(
        text="Ratio",
        component=discord.ui.Select(options=[discord.SelectOption(label="1:1"), discord.SelectOption(label="2:1")]),
    )

    def __init__(self, answers: list[Any]) -> None:
        super().__init__()
        self.answers = answers

    async def on_submit(self, interaction: discord.Interaction) -> None:
        assert isinstance(self.change.component, discord.ui.TextInput)
        assert isinstance(self.extra.component, discord.ui.FileUpload)
        assert isinstance(self.ratio.component, discord.ui.Select)
        picture = await self.extra.component.values[0].read()
        self.answers.append((self.change.component.value, picture, self.ratio.component.values))
        await interaction.response.edit_message(content="edited", view=None)


class Buttons(discord.ui.View):
    def __init__(self, answers: list[Any]) -> None:
        super().__init__()
        self.answers = answers

    @discord.ui.button(label="Edit", custom_id="edit")
    async def edit(self, interaction: discord.Interaction, button: discord.ui.Button[Any]) -> None:
        await interaction.response.send_modal(EditModal(self.answers))

    @discord.ui.select(
        custom_id="ratio", options=[discord.SelectOption(label="1:1"), discord.SelectOption(label="2:1")]
    )
    async def ratio(self, interaction: discord.Interaction, select: discord.ui.Select[Any]) -> None:
        self.answers.append(select.values)
        await interaction.response.defer()


async def test_a_button_a_select_and_a_modal_with_a_file_come_back(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice = fake_discord.person("alice", guild)
    answers: list[Any] = []
    async with connected(fake_discord) as client:
        sent = await text_channel(client, channel.id).send("here", view=Buttons(answers))
        seen = fake_discord.messages(channel)[0]
        assert seen.labels == ("Edit",)
        await (await alice.select(seen, "ratio", "2:1")).answered()
        opened = await (await alice.press(seen, "Edit")).answered()
        with pytest.raises(NotAllowed):
            await alice.submit(opened, {"Ratio": "1:1"})
        filled = {"Change": "bluer", "Picture": Upload("a.png", PIXEL), "Ratio": ["1:1"]}
        await (await alice.submit(opened, filled)).answered()
        assert answers == [["2:1"], ("bluer", PIXEL, ["1:1"])]
        changed = fake_discord.message(channel, sent.id)
        assert changed is not None
        assert (changed.content, changed.controls) == ("edited", ())
        with pytest.raises(NotAllowed):
            await alice.press(changed, "Edit")


async def test_a_conversation_in_direct_messages_has_commands_and_buttons(fake_discord: FakeDiscord) -> None:
    alice = fake_discord.person("alice", fake_discord.guild("Studio"))
    direct = fake_discord.dm(alice)
    answers: list[Any] = []
    client = Listener()

    @client.tree.command(description="Draws")
    async def imagine(interaction: discord.Interaction) -> None:
        assert interaction.guild is None
        assert interaction.context.dm_channel
        await interaction.response.send_message("here", view=Buttons(answers))

    async with connected(fake_discord, client):
        await client.tree.sync()
        asked = await (await alice.slash(direct, "imagine")).answered()
        assert asked.original is not None
        await (await alice.select(asked.original, "ratio", "1:1")).answered()
        assert answers == [["1:1"]]


async def test_a_plain_message_in_the_bots_own_thread_is_blank_without_the_intent(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice = fake_discord.person("alice", guild)
    async with connected(fake_discord) as client:
        announced = await text_channel(client, channel.id).send("drawing")
        thread = await announced.create_thread(name="a fox")
        opened = fake_discord.threads(channel)[0]
        picture = await thread.send("the picture")
        shown = fake_discord.message(opened, picture.id)
        assert shown is not None
        alice.send(opened, "make it red")
        alice.send(opened, "make it blue", reply_to=shown)
        await fake_discord.until(lambda: "make it blue" in client.texts)
        assert client.texts[-2:] == ["", "make it blue"]
        assert isinstance(client.messages[-1].channel, discord.Thread)


async def test_a_private_answer_changes_in_place_and_nobody_else_can_press_it(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice, bob = fake_discord.person("alice", guild), fake_discord.person("bob", guild)
    client = Listener()

    class Publish(discord.ui.View):
        @discord.ui.button(label="Publish")
        async def publish(self, interaction: discord.Interaction, button: discord.ui.Button[Any]) -> None:
            picture = discord.File(io.BytesIO(PIXEL), "fox.png")
            await interaction.response.edit_message(content="published", attachments=[picture], view=None)

    @client.tree.command(description="Draws")
    async def imagine(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("private", view=Publish(), ephemeral=True)

    async with connected(fake_discord, client):
        await client.tree.sync()
        asked = await (await alice.slash(channel, "imagine")).answered()
        assert asked.original is not None
        with pytest.raises(NotAllowed):
            await bob.press(asked.original, "Publish")
        pressed = await (await alice.press(asked.original, "Publish")).answered()
        assert pressed.original == asked.original
        assert (asked.original.content, asked.original.pictures[0].data) == ("published", PIXEL)


async def test_other_bots_are_told_apart(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    async with connected(fake_discord) as client:
        fake_discord.person("robot", guild, bot=True).send(channel, "beep")
        await fake_discord.until(lambda: client.messages)
        assert client.messages[0].author.bot


async def test_a_gallery_shows_its_pictures_with_their_alt_text(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    async with connected(fake_discord) as client:
        view = discord.ui.LayoutView()
        view.add_item(discord.ui.TextDisplay("two foxes"))
        gallery: discord.ui.MediaGallery[Any] = discord.ui.MediaGallery()
        gallery.add_item(media="attachment://one.png", description="first")
        view.add_item(gallery)
        files = [discord.File(io.BytesIO(PIXEL), name) for name in ("one.png", "two.png")]
        sent = await text_channel(client, channel.id).send(files=files, view=view)
        seen = fake_discord.message(channel, sent.id)
        assert seen is not None
        assert seen.text == "two foxes"
        assert [(picture.name, picture.alt) for picture in seen.pictures] == [("one.png", "first")]
        assert [file.name for file in seen.files] == ["one.png", "two.png"]


async def test_an_app_that_only_a_user_installed_answers_within_its_limits(fake_discord: FakeDiscord) -> None:
    elsewhere = fake_discord.guild("Elsewhere", bot=False)
    channel = fake_discord.channel(elsewhere, "general")
    alice, bob = fake_discord.person("alice", elsewhere), fake_discord.person("bob", elsewhere)
    alice.install()
    client = Listener()

    @client.tree.command(description="Draws")
    @discord.app_commands.allowed_installs(guilds=True, users=True)
    @discord.app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def imagine(interaction: discord.Interaction) -> None:
        assert interaction.is_user_integration()
        await interaction.response.send_message("first")

    async with connected(fake_discord, client):
        await client.tree.sync()
        assert not client.guilds
        with pytest.raises(NotAllowed):
            await bob.slash(channel, "imagine")
        asked = await (await alice.slash(channel, "imagine")).answered()
        assert not asked.private
        for number in range(5):
            await client.interactions[0].followup.send(str(number))
        with pytest.raises(discord.HTTPException) as refused:
            await client.interactions[0].followup.send("6")
        assert refused.value.code == 40094
        with pytest.raises(discord.Forbidden) as no_access:
            await client.get_partial_messageable(channel.id).send("not here")
        assert no_access.value.code == 50001
        fake_discord.deny(elsewhere, "use_external_apps", who=elsewhere.everyone_role)
        assert (await (await alice.slash(channel, "imagine")).answered()).private
        group = fake_discord.group(alice, bob)
        assert (await (await alice.slash(group, "imagine")).answered()).original is not None
        assert client.interactions[-1].context.private_channel
        with pytest.raises(discord.Forbidden):
            await client.get_partial_messageable(group.id).send("not here")


async def test_who_is_pinged_follows_allowed_mentions(fake_discord: FakeDiscord) -> None:
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    alice = fake_discord.person("alice", guild)
    async with connected(fake_discord) as client:
        place = text_channel(client, channel.id)
        text = f"@everyone {alice.mention}"
        await place.send(text, allowed_mentions=discord.AllowedMentions.none())
        assert fake_discord.pings == []
        await place.send(text)
        assert [(ping.users, ping.everyone) for ping in fake_discord.pings] == [((alice.id,), True)]
