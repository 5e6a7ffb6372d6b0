"""The first turn of a newcomer, and what goes on from it."""

from core.histories import pictures
from core.replies import say
from core.turns import ImageRef, Person, Turn
from tests.conftest import wait_until
from tests.e2e.discord_server import Server
from tests.fakes.discord import Upload
from tests.fakes.picture_files import real_files
from tests.fakes.provider import png

pytest_plugins = ["tests.fakes.discord.fixtures", "tests.e2e.discord_fixtures"]

PLAIN_TURN = [
    ("POST", "/interactions/{interaction_id}/{interaction_token}/callback"),
    ("POST", "/channels/{channel_id}/messages"),
    ("POST", "/channels/{channel_id}/messages/{message_id}/threads"),
    ("POST", "/channels/{channel_id}/messages"),
    ("PATCH", "/channels/{channel_id}/messages/{message_id}"),
]


async def test_a_command_becomes_a_picture_in_a_thread_of_its_own(server: Server) -> None:
    picture = await server.first_picture("a fox in the snow")
    await server.quiet()
    (announced,) = server.fake.messages(server.channel)
    assert server.thread().name == "a fox in the snow"
    assert server.thread().id == announced.id
    assert announced.content.endswith("Done.")
    assert announced.labels == ()
    assert picture.files[0].data == png(), "the service's bytes are posted untouched"
    assert picture.files[0].name == "a-fox-in-the-snow.png"
    assert picture.files[0].alt == "a fox in the snow"
    assert f"<@{server.alice.id}>" in picture.content
    assert picture.labels == ("Edit", "Again", "Variations", "Delete", "Shape", "Go back, compare, branch…")
    assert server.fake.pings == []


async def test_a_plain_turn_takes_five_calls(server: Server) -> None:
    before = len(server.fake.calls)
    await server.first_picture()
    await server.quiet()
    assert [(call.method, call.template) for call in server.fake.calls[before:]] == PLAIN_TURN


async def test_options_may_be_typed_into_the_prompt_and_the_commands_own_come_first(server: Server) -> None:
    await server.first_picture("a fox --ar 16:9 --n 2", count=1)
    assert [(job.prompt, job.aspect_ratio) for job in server.bot.images.sent] == [("a fox", "16:9")]
    asked = await server.imagine("a secret --private")
    assert asked.private
    refused = await server.imagine("a fox --colour red")
    assert refused.original is not None
    assert "--colour" in refused.original.content
    await server.quiet()
    assert len(server.bot.images.sent) == 2


async def test_the_command_is_answered_privately_once_it_is_recorded(server: Server) -> None:
    server.bot.images.held = True
    hold = server.fake.faults.hold("POST", "/interactions/{interaction_id}/{interaction_token}/callback")
    asked = await server.alice.slash(server.channel, "imagine", {"prompt": "a fox"})
    await hold.arrived()
    assert await server.bot.core.turns.count_open() == 1
    hold.release()
    await asked.answered()
    assert asked.private
    assert asked.original is not None
    assert asked.original.content.startswith("Taken on")
    server.bot.images.release.set()


async def test_references_of_all_kinds_are_used_or_named(server: Server) -> None:
    asked = await server.imagine(
        "these two, together",
        reference1=Upload("IMG_0001.HEIC", real_files()["heic"]),
        reference2=Upload("huge.png", b"\x89PNG\r\n\x1a\n" + bytes(31_000_000)),
        reference3=Upload("notes.txt", b"not a picture"),
    )
    assert asked.acknowledged
    thread = await server.opened()
    (picture,) = await server.pictures(thread)
    assert "Left out huge.png: it is larger than 30 MB." in picture.content
    assert "Left out notes.txt: it is not a picture." in picture.content
    assert len(server.bot.images.uploads) == 1


async def test_several_pictures_are_one_message(server: Server) -> None:
    picture = await server.first_picture("foxes", count=4)
    await server.quiet()
    assert [file.name for file in picture.files] == [f"foxes-{number}.png" for number in (1, 2, 3, 4)]
    assert all(file.alt == "foxes" for file in picture.files)
    assert len(await server.pictures(server.thread())) == 1


async def test_a_reply_to_a_picture_is_an_edit_of_it(server: Server) -> None:
    first = await server.first_picture()
    server.alice.send(server.thread(), "make it night", reply_to=first)
    second = (await server.pictures(server.thread(), 2))[-1]
    await server.quiet()
    assert "make it night" in second.content
    assert second.labels == ("Edit", "Again", "Variations", "Undo", "Delete", "Shape", "Go back, compare, branch…")
    assert server.bot.images.sent[-1].history is not None
    assert second.files[0].alt == "make it night ← a fox in the snow"


async def test_a_reply_to_several_pictures_says_which_it_takes_and_how_to_take_another(server: Server) -> None:
    first = await server.first_picture("foxes", count=3)
    await server.quiet()
    thread = server.thread()
    server.alice.send(thread, "make it night", reply_to=first)
    second = (await server.pictures(thread, 2))[-1]
    await server.quiet()
    assert "make it night · picture 1 of 3 (for another, begin with \\#2)" in second.content
    server.alice.send(thread, "#3 make it day", reply_to=first)
    third = (await server.pictures(thread, 3))[-1]
    await server.quiet()
    assert "make it day · picture 3 of 3\n" in third.content
    server.alice.send(thread, "the second one at noon", reply_to=first)
    fourth = (await server.pictures(thread, 4))[-1]
    await server.quiet()
    assert "picture 2 of 3\n" in fourth.content
    server.alice.send(thread, "#2 at dawn")
    fifth = (await server.pictures(thread, 5))[-1]
    await server.quiet()
    assert "at dawn · picture 2 of 3\n" in fifth.content
    server.alice.send(thread, f"image 2 worn by {server.alice.mention}", reply_to=first)
    sixth = (await server.pictures(thread, 6))[-1]
    await server.quiet()
    assert "picture 1 of 3 (for another" in sixth.content
    asked = server.alice.send(thread, "#4 make it day", reply_to=first)
    answer = await server.message(thread, lambda seen: seen.reply_to == asked.id)
    assert "\\#1 to \\#3; there is no \\#4" in answer.content


async def test_a_reply_works_without_the_message_content_intent(blind_server: Server) -> None:
    server = blind_server
    first = await server.first_picture()
    server.alice.send(server.thread(), "a plain message is not shown to us")
    server.alice.send(server.thread(), "make it night", reply_to=first)
    second = (await server.pictures(server.thread(), 2))[-1]
    await server.quiet()
    assert "make it night" in second.content
    assert len(server.bot.images.made) == 2
    assert "reply to it with the @ on" in first.content


async def test_a_reply_whose_words_discord_hides_is_told_how(blind_server: Server) -> None:
    server = blind_server
    first = await server.first_picture()
    blanks = [server.alice.send(server.thread(), words, reply_to=first, ping=False) for words in ("at night", "by day")]

    def told() -> list[str]:
        answers = {blank.id for blank in blanks}
        return [seen.content for seen in server.fake.messages(server.thread()) if seen.reply_to in answers]

    assert "with the @ on" in (await server.fake.until(told))[0]
    assert len(told()) == 1
    assert len(server.bot.images.made) == 1


async def test_a_plain_message_in_our_thread_edits_its_newest_picture(server: Server) -> None:
    await server.first_picture()
    for number, words in enumerate(("make it night", "add a moon", "and an owl"), 2):
        server.alice.send(server.thread(), words)
        await server.pictures(server.thread(), number)
        await server.quiet()
    history = server.bot.images.sent[-1].history
    assert history is not None
    assert [turn["parts"][0]["text"] for turn in history if turn["role"] == "user"] == [
        "a fox in the snow",
        "make it night",
        "add a moon",
    ]


async def test_a_reply_to_an_older_picture_is_a_branch(server: Server) -> None:
    first = await server.first_picture()
    server.alice.send(server.thread(), "make it night")
    await server.pictures(server.thread(), 2)
    server.alice.send(server.thread(), "make it spring", reply_to=first)
    third = (await server.pictures(server.thread(), 3))[-1]
    await server.quiet()
    assert third.files[0].alt == "make it spring ← a fox in the snow"


async def test_the_third_the_fifth_and_the_twentieth_edit_go_on_from_all_before_them(server: Server) -> None:
    await server.first_picture("edit 0")
    for number in range(1, 21):
        server.alice.send(server.thread(), f"edit {number}")
        picture = (await server.pictures(server.thread(), number + 1))[-1]
        await server.quiet()
        if number not in (3, 5, 20):
            continue
        history = server.bot.images.sent[-1].history
        assert history is not None
        asked = [turn["parts"][0]["text"] for turn in history if turn["role"] == "user"]
        assert asked == [f"edit {earlier}" for earlier in range(number)]
        assert len(history) == 2 * number, "each with the picture that was its answer"
        assert (picture.files[0].alt or "").startswith(f"edit {number} ← edit {number - 1} ← ")


async def test_an_edit_after_all_links_have_died_goes_on_from_all_before_it(server: Server) -> None:
    first = await server.first_picture("a fox", reference1=Upload("logo.png", png("blue")))
    for number in (1, 2):
        server.alice.send(server.thread(), f"edit {number}")
        await server.pictures(server.thread(), number + 1)
        await server.quiet()
    server.fake.advance(3 * 86_400)
    server.bot.images.expire_links()
    server.alice.send(server.thread(), "edit 3")
    last = (await server.pictures(server.thread(), 4))[-1]
    await server.quiet()
    job = server.bot.images.sent[-1]
    assert job.history is not None
    assert len(job.history) == 6
    assert not set(pictures(job.history)) & server.bot.images.unreadable
    assert say("en", "note.rebuilt") not in last.content
    await (await server.alice.press(first, "Again")).answered()
    failed = await server.message(server.thread(), lambda m: "cannot be made again" in m.content)
    assert "Attach them to a new /imagine" in failed.content


async def test_again_weeks_later_takes_the_services_copy_of_what_was_attached(server: Server) -> None:
    first = await server.first_picture("a fox", reference1=Upload("logo.png", png("blue")))
    server.fake.advance(21 * 86_400)
    await (await server.alice.press(first, "Again")).answered()
    await server.pictures(server.thread(), 2)
    assert [len(job.references) for job in server.bot.images.sent] == [1, 1]


async def test_an_edit_is_announced_as_an_answer_and_pings_only_who_pinged(server: Server) -> None:
    first = await server.first_picture()
    asked = server.alice.send(server.thread(), "make it night", reply_to=first)
    second = (await server.pictures(server.thread(), 2))[-1]
    await server.quiet()
    assert second.reply_to == asked.id
    assert second.pings == (server.alice.id,)
    quiet = server.alice.send(server.thread(), "make it day")
    third = (await server.pictures(server.thread(), 3))[-1]
    assert third.reply_to == quiet.id
    assert third.pings == ()


async def test_a_mention_asks_for_a_picture_too(blind_server: Server) -> None:
    server = blind_server
    said = server.alice.send(
        server.channel, f"<@{server.fake.bot.id}> this cat on a boat --ar 16:9", files=[Upload("cat.png", png("red"))]
    )
    thread = await server.opened()
    await server.pictures(thread)
    await server.quiet()
    job = server.bot.images.sent[-1]
    assert (job.prompt, job.aspect_ratio, len(job.references)) == ("this cat on a boat", "16:9", 1)
    announced = server.fake.messages(server.channel)[1]
    assert announced.reply_to == said.id


async def test_what_is_asked_in_somebodys_thread_stays_in_it(server: Server) -> None:
    bob = server.fake.person("bob", server.guild)
    thread = server.fake.thread(server.channel, "Bob's plans", by=bob)
    said = bob.send(thread, f"<@{server.fake.bot.id}> a fox")
    (picture,) = await server.pictures(thread)
    await server.quiet()
    announced = server.fake.messages(thread)[1]
    assert (announced.reply_to, picture.reply_to) == (said.id, said.id)
    await (await bob.slash(thread, "imagine", {"prompt": "an owl"})).answered()
    await server.pictures(thread, 2)
    bob.send(thread, "just talking, nobody is called")
    bob.send(thread, "make it night", reply_to=picture)
    await server.pictures(thread, 3)
    await server.quiet()
    assert [job.prompt for job in server.bot.images.sent] == ["a fox", "an owl", "make it night"]
    assert len(server.fake.threads(server.channel)) == 1
    assert not [seen for seen in server.fake.messages(server.channel) if seen.author_id == server.fake.bot.id]


async def test_a_direct_message_asks_for_a_picture(server: Server) -> None:
    direct = server.fake.dm(server.alice)
    server.alice.send(direct, "a fox in the snow")
    (first,) = await server.pictures(direct)
    await server.quiet()
    server.alice.send(direct, "make it night", reply_to=first)
    await server.pictures(direct, 2)
    await server.quiet()
    assert server.bot.images.sent[-1].history is not None


async def test_a_message_that_is_changed_while_it_waits_changes_its_turn(server: Server) -> None:
    server.bot.images.held = True
    for _ in range(4):
        await server.imagine("an owl")
    await server.fake.until(lambda: len(server.bot.images.sent) == 4)
    bot = f"<@{server.fake.bot.id}>"
    first = server.alice.send(server.channel, f"{bot} a fox")
    second = server.alice.send(server.channel, f"{bot} a hare")
    await server.fake.until(
        lambda: [m for m in server.fake.messages(server.channel) if m.reply_to in (first.id, second.id)][1:]
    )
    server.alice.edit(first, f"{bot} a wolf --ar 16:9")
    # What could not be taken on leaves the turn as it was.
    server.alice.edit(second, f"{bot} a hare --private")
    server.alice.edit(second, f"{bot}")

    asker = Person("discord", str(server.guild.id), str(server.alice.id), "")

    async def reworded() -> bool:
        return "a wolf" in [found.turn.prompt for found in await server.bot.core.intake.open_turns(asker)]

    await wait_until(reworded)
    server.bot.images.release.set()
    await server.quiet()
    sent = {(job.prompt, job.aspect_ratio) for job in server.bot.images.sent[4:]}
    assert sent == {("a wolf", "16:9"), ("a hare", None)}


async def test_a_changed_message_goes_on_from_its_picture_when_somebody_went_back_since(server: Server) -> None:
    first = await server.first_picture()
    server.alice.send(server.thread(), "make it night", reply_to=first)
    await server.pictures(server.thread(), 2)
    await server.quiet()
    thread = server.thread()
    server.bot.images.held = True
    for _ in range(4):
        await server.imagine("an owl")
    await server.fake.until(lambda: len(server.bot.images.sent) == 6)
    said = server.alice.send(thread, "let it snow")
    asker = Person("discord", str(server.guild.id), str(server.alice.id), "")
    conversations = server.bot.core.conversations

    async def waiting(prompt: str) -> Turn | None:
        found = [one.turn for one in await server.bot.core.intake.open_turns(asker) if one.turn.prompt == prompt]
        return found[0] if found else None

    asked = await wait_until(lambda: waiting("let it snow"))
    assert asked.parent
    *_, oldest = [node.id async for node in conversations.ancestors(asked.thread, asked.parent.node)]
    assert await conversations.make_current(asked.thread, ImageRef(oldest), event="back")
    server.alice.edit(said, "let it snow hard")
    changed = await wait_until(lambda: waiting("let it snow hard"))
    assert changed.parent == asked.parent
    server.bot.images.release.set()
    await server.quiet()


async def test_a_message_that_is_deleted_while_it_waits_cancels_its_turn(server: Server) -> None:
    server.bot.images.held = True
    first = server.alice.send(server.channel, f"<@{server.fake.bot.id}> a fox")
    await server.fake.until(lambda: server.bot.images.sent)
    server.alice.delete(first)
    announced = await server.message(server.channel, lambda m: "Cancelled" in m.content)
    assert announced.labels == ()
    server.bot.images.release.set()
    await server.quiet()
    assert server.fake.messages(server.channel)[-1].files == ()
