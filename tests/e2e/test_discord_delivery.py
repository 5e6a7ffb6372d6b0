"""Nothing is posted twice and nothing is lost, whatever Discord refuses, drops or takes away."""

import pytest

from adapters.discord.words import plain
from core import delivery
from core.pictures import Picture, PictureProblem, PictureRefused
from core.pictures.workshop import PictureWorkshop
from core.replies import say
from core.statuses import RefusalReason, Refused
from tests.e2e.discord_server import Server
from tests.fakes.discord import FakeDiscord, Seen
from tests.fakes.picture_files import noise, packed
from tests.fakes.provider import FakeImages, png

pytest_plugins = ["tests.fakes.discord.fixtures", "tests.e2e.discord_fixtures"]

MESSAGES = "/channels/{channel_id}/messages"
THREADS = "/channels/{channel_id}/messages/{message_id}/threads"


def everything(fake: FakeDiscord, *places: object) -> list[Seen]:
    return [seen for place in places for seen in fake.messages(place) if seen.files or seen.labels]  # type: ignore[arg-type]


async def held(server: Server, prompt: str = "a fox") -> None:
    """A turn that is being drawn, its thread open."""
    server.bot.images.held = True
    await server.imagine(prompt)
    await server.fake.until(lambda: server.bot.images.sent)


@pytest.mark.parametrize(
    ("trouble", "after_effect"),
    [
        *((trouble, after_effect) for trouble in ("drop", "503", "500") for after_effect in (False, True)),
        # A refused request has no effect.
        ("429", False),
        ("429 without Via", False),
    ],
)
async def test_a_post_that_stumbles_is_made_once(server: Server, trouble: str, after_effect: bool) -> None:
    await held(server)
    faults = server.fake.faults
    match trouble:
        case "drop":
            faults.drop("POST", MESSAGES, after_effect=after_effect)
        case "429":
            faults.rate_limit("POST", MESSAGES, 0.2)
        case "429 without Via":
            faults.rate_limit("POST", MESSAGES, 0.2, via=False)
        case status:
            faults.fail("POST", MESSAGES, int(status), after_effect=after_effect)
    server.bot.images.release.set()
    await server.pictures(server.thread(), timeout=20)
    await server.quiet()
    assert len(await server.pictures(server.thread())) == 1


@pytest.mark.parametrize(
    ("taken", "where"),
    [
        ("send_messages_in_threads", "channel"),
        ("attach_files", "direct"),
        ("read_message_history", "channel"),
        ("embed_links", "thread"),
        ("create_public_threads", "channel"),
        ("send_messages", "direct"),
        ("view_channel", "direct"),
    ],
)
async def test_a_missing_permission_moves_the_picture_to_the_next_best_place(
    server: Server, taken: str, where: str
) -> None:
    server.fake.deny(server.channel, taken)
    asked = await server.imagine("a fox")
    assert asked.original is not None
    assert ("comes by direct message" in asked.original.content) == (taken in ("send_messages", "view_channel"))
    await server.quiet()
    direct = server.fake.dm(server.alice)
    thread = next(iter(server.fake.threads(server.channel)), None)
    places = {"channel": server.channel, "direct": direct} | ({"thread": thread} if thread else {})
    found = {name for name, place in places.items() if [seen for seen in server.fake.messages(place) if seen.files]}
    assert found == {where}
    (picture,) = await server.pictures(places[where])
    moved = taken in ("send_messages_in_threads", "attach_files", "send_messages", "view_channel")
    assert ("would not take the picture" in picture.content) == moved
    server.fake.allow(server.channel, taken)
    opened = await (await server.alice.press(picture, "Edit")).answered()
    await (await server.alice.submit(opened, {"prompt": "make it night"})).answered()
    await server.quiet()
    assert server.bot.images.sent[-1].history is not None


async def test_a_picture_that_nobody_may_be_sent_is_kept_behind_a_button(server: Server) -> None:
    bob = server.fake.person("bob", server.guild)
    server.fake.deny(server.channel, "attach_files")
    server.fake.close_dms(server.alice)
    await server.imagine("a fox")
    waiting = await server.message(server.channel, lambda m: "Show" in m.labels)
    await server.quiet()
    assert waiting.files == ()
    assert "Attach Files" in waiting.content
    assert server.fake.pings == []
    refused = await (await bob.press(waiting, "Show")).answered()
    assert refused.original is not None
    assert refused.original.files == ()
    shown = await (await server.alice.press(waiting, "Show")).answered()
    await server.fake.until(lambda: shown.original and shown.original.files)
    assert shown.private
    assert shown.original is not None
    opened = await (await server.alice.press(shown.original, "Edit")).answered()
    sent = await (await server.alice.submit(opened, {"prompt": "make it night"})).answered()
    await server.fake.until(lambda: sent.original and sent.original.files)
    await server.quiet()
    assert server.bot.images.sent[-1].history is not None


async def test_a_picture_that_no_place_takes_is_kept_where_its_person_can_ask_for_it(server: Server) -> None:
    await held(server)
    server.fake.deny(server.channel, "send_messages", "send_messages_in_threads")
    server.fake.close_dms(server.alice)
    server.bot.images.release.set()
    told = await server.message(server.channel, lambda m: "/imagine-status" in m.content)
    await server.quiet()
    assert told.files == ()
    listed = await (await server.alice.slash(server.channel, "imagine-status")).answered()
    assert listed.original is not None
    assert listed.original.labels == ("Show A",)
    shown = await (await server.alice.press(listed.original, "Show A")).answered()
    await server.fake.until(lambda: shown.original and shown.original.files)
    assert shown.original is not None
    assert shown.original.files[0].data == png()


async def test_a_locked_thread_sends_the_picture_to_its_channel(server: Server) -> None:
    await held(server)
    server.fake.lock(server.thread())
    server.bot.images.release.set()
    (picture,) = await server.pictures(server.channel)
    await server.quiet()
    assert "would not take the picture" in picture.content


async def test_an_archived_thread_is_opened_again(server: Server) -> None:
    await held(server)
    server.fake.archive(server.thread())
    server.bot.images.release.set()
    await server.pictures(server.thread())
    await server.quiet()


async def test_a_deleted_thread_sends_the_picture_to_its_channel(server: Server) -> None:
    await held(server)
    server.fake.delete_channel(server.thread())
    server.bot.images.release.set()
    await server.pictures(server.channel)
    await server.quiet()


async def test_a_deleted_channel_sends_the_picture_to_its_person(server: Server) -> None:
    await held(server)
    server.fake.delete_channel(server.channel)
    server.bot.images.release.set()
    await server.pictures(server.fake.dm(server.alice))
    await server.quiet()


async def test_a_turn_that_fails_after_its_announcement_was_deleted_still_says_so(server: Server) -> None:
    server.bot.images.finish_at_once = False
    await server.imagine("a fox")
    await server.fake.until(lambda: server.bot.images.made)
    (announced,) = server.fake.messages(server.channel)
    server.fake.delete(announced)
    server.bot.images.finish(Refused(RefusalReason.MODERATION))
    await server.fake.until(
        lambda: [m for m in server.fake.messages(server.thread()) if "declined this for its content" in m.content],
        timeout=20,
    )
    await server.quiet()


async def test_a_picture_over_the_limit_is_shrunk_and_the_original_offered(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = packed(noise(2300, 2000), "PNG")
    assert len(big) > 10 * 1024 * 1024

    async def download(images: FakeImages, output: object) -> bytes:
        return big

    monkeypatch.setattr(FakeImages, "download", download)
    picture = await server.first_picture()
    await server.quiet()
    assert picture.files[0].size <= 10 * 1024 * 1024
    assert picture.files[0].name == "a-fox-in-the-snow.jpg"
    assert picture.control("Original").url == "https://store/result-1"


async def test_a_picture_that_cannot_be_shrunk_is_told_of_and_led_to(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(workshop: PictureWorkshop, picture: Picture, max_bytes: int) -> Picture:
        raise PictureRefused(PictureProblem.TOO_SLOW)

    monkeypatch.setattr(PictureWorkshop, "fit_for_post", away)
    monkeypatch.setattr(delivery, "MOST_FETCHES", 2)
    await server.imagine()
    told = await server.message(server.channel, lambda seen: plain(say("en", "note.unfit")) in seen.content)
    assert told.labels == ("Again", "Original")
    assert told.control("Original").url == "https://store/result-1"
    await server.quiet()
    assert not any(seen.files for seen in server.fake.messages(server.thread()))


@pytest.mark.parametrize(
    "prompt",
    [
        "@everyone <@1> <@&2> [free](https://evil.example) `code` **bold** # head",
        "مرحبا بالعالم 🦊‍❄️ \u202eevil",
        "x" * 399,
        "line\nline\n# not a heading\n> not a quote",
    ],
)
async def test_words_are_shown_as_they_are_and_call_nobody(server: Server, prompt: str) -> None:
    picture = await server.first_picture(prompt)
    await server.quiet()
    (announced,) = server.fake.messages(server.channel)
    for seen in (picture, announced):
        assert len(seen.content) <= 2000
        for live in ("@everyone", " <@1>", "<@&2>", "[free](", "`code`", "**bold**"):
            assert live not in seen.content
    assert server.fake.pings == []
    assert len(server.thread().name or "") <= 100


async def test_a_prompt_of_four_thousand_characters_is_drawn_where_the_model_takes_it(server: Server) -> None:
    server.bot.images.max_prompt = 4000
    prompt = "🦊 [" * 1333 + "x"
    assert len(prompt) == 4000
    picture = await server.first_picture(prompt)
    await server.quiet()
    assert server.bot.images.sent[-1].prompt == prompt
    assert len(picture.content) <= 2000
    assert len(picture.files[0].alt or "") <= 1024
    opened = await (await server.alice.press(picture, "Edit")).answered()
    await (await server.alice.submit(opened, {"prompt": prompt})).answered()
    await server.pictures(server.thread(), 2)
    await server.quiet()


async def test_a_prompt_that_is_too_long_is_declined_in_words(server: Server) -> None:
    asked = await server.imagine("x" * 4000)
    assert asked.original is not None
    assert "4000 characters" in asked.original.content
    assert server.fake.messages(server.channel) == []


async def test_a_link_that_has_died_is_fetched_anew(server: Server) -> None:
    first = await server.first_picture()
    await server.quiet()
    server.bot.images.unreadable.add("https://store/result-1")
    server.fake.advance(48 * 3600)
    server.alice.send(server.thread(), "make it night", reply_to=first)
    await server.pictures(server.thread(), 2)
    await server.quiet()
    assert server.bot.images.uploads


async def test_the_picture_is_not_posted_again_when_the_nonce_is_forgotten(server: Server) -> None:
    """The answer to the post was lost, and Discord was away for an hour: what is there is found by its buttons."""
    await held(server)
    server.fake.faults.drop("POST", MESSAGES, after_effect=True)
    server.fake.faults.fail("POST", MESSAGES, 503, times=None)
    server.bot.images.release.set()
    await server.pictures(server.thread())
    refused = len(server.fake.calls_to("POST", MESSAGES))
    await server.fake.until(lambda: len(server.fake.calls_to("POST", MESSAGES)) >= refused + 2)
    server.fake.advance(3600)
    server.fake.faults.clear()
    await server.quiet()
    (picture,) = await server.pictures(server.thread())
    assert picture.files[0].data == png()


async def test_a_picture_sent_by_direct_message_is_not_sent_again_when_the_nonce_is_forgotten(server: Server) -> None:
    server.fake.deny(server.channel, "attach_files")
    direct = server.fake.dm(server.alice)
    path = f"*/channels/{direct.id}/messages"
    await held(server)
    server.fake.faults.drop("POST", path, after_effect=True)
    server.fake.faults.fail("POST", path, 503, times=None)
    server.bot.images.release.set()
    await server.pictures(direct)
    refused = len(server.fake.calls_to("POST", MESSAGES))
    await server.fake.until(lambda: len(server.fake.calls_to("POST", MESSAGES)) >= refused + 2)
    server.fake.advance(3600)
    server.fake.faults.clear()
    await server.quiet()
    assert len(await server.pictures(direct)) == 1
