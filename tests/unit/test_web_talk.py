"""What people send from the page, and what becomes of it."""

import time
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from adapters.web.messages import announcement_id, pictures_id, thread_key
from core.errors import Declined
from core.pictures import Picture
from core.ports import Image, Notice, Result, Stage
from core.turns import ImageRef, Node, NodeImage, Operation, Options, Source, Turn, TurnId
from tests.fakes.picture_files import noise, packed
from tests.fakes.web_site import Browser, WebSite, web_site

PNG = packed(noise(40, 30), "PNG")


@pytest.fixture
async def site(redis: Redis, tmp_path: Path) -> AsyncIterator[WebSite]:
    async with web_site(redis, tmp_path) as site:
        yield site


@pytest.fixture
async def ada(site: WebSite) -> Browser:
    return await site.somebody("Ada")


async def finish(site: WebSite, turn: Turn, *, count: int = 1) -> str:
    """Do what a worker would: announce, deliver, remember. Gives the id of the message with the pictures."""
    announcement = await site.chat.announce(turn, Notice(Stage.DRAWING), repeated=False)
    pictures = [Picture.of(packed(noise(30, 20, seed=seed), "PNG"), "image/png", (30, 20)) for seed in range(count)]
    images = tuple(Image(picture, turn.prompt, f"{index}.png") for index, picture in enumerate(pictures))
    delivered = await site.chat.deliver(turn, announcement, Result(images, "m1"), repeated=False)
    shown = tuple(NodeImage(reference, width=30, height=20) for reference in delivered.images)
    node = Node(
        turn.id, turn.author, turn.prompt, time.time(), turn.operation, turn.options, "p", "m1", shown,
        message=delivered.message,
    )  # fmt: skip
    messages = (announcement.message, delivered.message)
    await site.conversations.remember(announcement.thread, node, messages=messages, order=round(turn.asked_at * 1e6))
    await site.chat.update(turn, announcement, Notice(Stage.DONE))
    return delivered.message


def newest(site: WebSite) -> Turn:
    return list(site.intake.turns.values())[-1]


async def test_a_command_is_a_turn(site: WebSite, ada: Browser) -> None:
    await ada.said("/imagine a fox --ar 16:9 --n 2 --model m2", channel="design")
    turn = site.intake.only
    assert (turn.prompt, turn.operation) == ("a fox", Operation.IMAGINE)
    assert turn.options == Options("16:9", 2, "m2")
    assert turn.thread == thread_key("design")
    assert turn.author.name == "Ada"
    assert turn.parent is None


@pytest.mark.parametrize("text", ["/imagine a fox", "/IMAGINE a fox", "  /imagine   a fox\n", "/imagine\na fox"])
async def test_a_command_is_known_however_it_is_typed(site: WebSite, ada: Browser, text: str) -> None:
    await ada.said(text)
    assert site.intake.only.prompt == "a fox"


async def test_a_turn_is_shown_as_soon_as_it_is_taken_on(site: WebSite, ada: Browser) -> None:
    message = await ada.said("/imagine a fox")
    (shown,) = await ada.channel()
    assert (shown["id"], shown["text"], shown["author"]["name"]) == (message, "a fox", "Ada")
    assert (shown["state"]["stage"], shown["state"]["text"]) == ("waiting", "In line…")


async def test_its_worker_goes_on_with_what_is_shown(site: WebSite, ada: Browser) -> None:
    message = await ada.said("/imagine a fox")
    await finish(site, site.intake.only)
    (shown,) = await ada.channel()
    assert (shown["id"], shown["state"]["stage"], shown["replies"]) == (message, "done", 1)


async def test_a_worker_that_was_first_is_not_overruled(site: WebSite, ada: Browser) -> None:
    event = str(uuid4())
    await ada.said("/imagine a fox", event=event)
    await finish(site, site.intake.only)
    await ada.said("/imagine a fox", event=event)
    (shown,) = await ada.channel()
    assert shown["state"]["stage"] == "done"


async def test_the_same_event_twice_is_one_turn_and_one_message(site: WebSite, ada: Browser) -> None:
    event = str(uuid4())
    first = await ada.said("/imagine a fox", event=event)
    assert await ada.said("/imagine a fox", event=event) == first
    assert len(site.intake.turns) == 1
    assert len(await ada.channel()) == 1


async def test_the_same_words_twice_are_one_message(ada: Browser) -> None:
    event = str(uuid4())
    for _ in range(2):
        await ada.said("hello", event=event)
    assert len(await ada.channel()) == 1


async def test_people_cannot_name_each_others_events(site: WebSite, ada: Browser) -> None:
    eve, event = await site.somebody("Eve"), str(uuid4())
    await eve.said("/imagine nothing", event=event)
    await ada.said("/imagine a fox", event=event)
    assert [turn.author.name for turn in site.intake.turns.values()] == ["Eve", "Ada"]


async def test_a_refusal_is_said_to_the_person_alone(site: WebSite, ada: Browser) -> None:
    site.intake.refusal = Declined("declined.bad_count", {"limit": 4})
    assert await ada.notice("/imagine a fox --n 9") == "Between 1 and 4 pictures at a time, please."
    assert await ada.channel() == []


async def test_what_breaks_is_one_sentence_and_no_detail(site: WebSite, ada: Browser) -> None:
    site.intake.refusal = RuntimeError("secret detail")
    response = await ada.send("/imagine a fox")
    assert response.status == 500
    assert "secret" not in await response.text()
    assert "on our side" in (await response.json())["notice"]


async def test_a_refusal_comes_in_the_persons_language_where_it_is_known(site: WebSite, ada: Browser) -> None:
    for language in ("de-DE,de;q=0.9", "", "*", "x" * 500, "en-US"):
        response = await ada.post(
            "/api/messages",
            {"event": str(uuid4()), "channel": "general", "text": "/imagine a fox --wat"},
            headers={"Accept-Language": language},
        )
        assert response.status == 422
        assert "--wat" in (await response.json())["notice"]


async def test_the_turn_knows_the_persons_language(site: WebSite, ada: Browser) -> None:
    body = {"event": str(uuid4()), "channel": "general", "text": "/imagine a fox"}
    await ada.post("/api/messages", body, headers={"Accept-Language": "pt-BR,pt;q=0.9,en;q=0.8"})
    assert site.intake.only.locale == "pt-BR"


async def test_plain_words_are_a_message(site: WebSite, ada: Browser) -> None:
    picture = await ada.uploaded(PNG)
    await ada.said("  look at this\n", pictures=[picture])
    (shown,) = await ada.channel()
    assert (shown["text"], shown["turn"], shown["pictures"][0]["digest"]) == ("look at this", None, picture["digest"])
    assert site.intake.offered == []


@pytest.mark.parametrize(
    ("text", "notice"),
    [
        ("", "Write something"),
        ("   \n", "Write something"),
        ("x" * 8001, "at most 8000"),
        ("/imagin a fox", "one command"),
        ("/help", "one command"),
        ("/imagine a fox --wat 3", "--wat"),
        ("/imagine a fox --ar", "needs a value"),
    ],
)
async def test_what_cannot_be_sent_is_explained(site: WebSite, ada: Browser, text: str, notice: str) -> None:
    assert notice in await ada.notice(text)
    assert await ada.channel() == []
    assert site.intake.offered == []


async def test_pictures_go_with_a_command(site: WebSite, ada: Browser) -> None:
    picture = await ada.uploaded(PNG, "garden.png")
    message = await ada.said("/imagine this at night", pictures=[picture])
    (reference,) = site.intake.only.references
    assert (reference.name, reference.message, reference.attachment) == ("garden.png", message, picture["digest"])
    assert await site.chat.fetch(reference, site.intake.only.thread) == PNG


async def test_a_picture_that_did_not_arrive_is_named(site: WebSite, ada: Browser) -> None:
    lost = {"digest": "0" * 64, "name": "lost.png"}
    assert "lost.png" in await ada.notice("/imagine this", pictures=[lost])
    assert site.intake.offered == []


async def test_too_many_pictures_are_refused(ada: Browser) -> None:
    picture = await ada.uploaded(PNG)
    assert "At most 10" in await ada.notice("/imagine this", pictures=[picture] * 11)


async def test_words_in_a_thread_edit_its_newest_picture(site: WebSite, ada: Browser) -> None:
    root = await ada.said("/imagine a fox --ar 16:9")
    first = site.intake.only
    await finish(site, first)
    message = await ada.said("make it night", thread=root)
    turn = newest(site)
    assert (turn.prompt, turn.operation, turn.parent) == ("make it night", Operation.EDIT, ImageRef(first.id))
    assert turn.thread == thread_key("general", root)
    shown = (await ada.thread(root))[-1]
    assert shown["id"] == message
    assert shown["turn"]["edits"]["message"] == pictures_id(first.id)


async def test_a_reply_to_an_older_picture_edits_that_one(site: WebSite, ada: Browser) -> None:
    root = await ada.said("/imagine a fox --n 2")
    first = site.intake.only
    shown = await finish(site, first, count=2)
    await ada.said("make it night", thread=root)
    await finish(site, newest(site))
    await ada.said("make it day", thread=root, target={"message": shown, "index": 1})
    turn = newest(site)
    assert (turn.operation, turn.parent, turn.reply_to) == (Operation.EDIT, ImageRef(first.id, 1), shown)
    picture = packed(noise(30, 20, seed=1), "PNG")
    assert await site.workspace.files.get(turn.address["digest"]) == picture


async def test_one_of_several_pictures_is_edited_by_its_number_and_that_is_shown(site: WebSite, ada: Browser) -> None:
    root = await ada.said("/imagine a fox --n 2")
    first = site.intake.only
    shown = await finish(site, first, count=2)
    await ada.said("make it night", thread=root)
    assert newest(site).parent == ImageRef(first.id)
    assert (await ada.thread(root))[-1]["turn"]["style"] == "picture 1 of 2 (for another, begin with #2)"
    await ada.said("#2 make it day", thread=root)
    assert (newest(site).parent, newest(site).prompt) == (ImageRef(first.id, 1), "make it day")
    assert (await ada.thread(root))[-1]["turn"]["style"] == "picture 2 of 2"
    await ada.said("the first one at noon", thread=root, target={"message": shown, "index": 1})
    assert newest(site).parent == ImageRef(first.id, 1)
    assert "there is no #3" in await ada.notice("#3 make it day", thread=root)


async def test_an_edit_can_have_pictures_and_options(site: WebSite, ada: Browser) -> None:
    root = await ada.said("/imagine a fox")
    await finish(site, site.intake.only)
    await ada.said("in this garden --ar 9:16", thread=root, pictures=[await ada.uploaded(PNG, "photo.heic")])
    turn = newest(site)
    assert (turn.operation, turn.options.aspect_ratio) == (Operation.EDIT, "9:16")
    assert [reference.name for reference in turn.references] == ["photo.heic"]


async def test_an_edit_of_a_picture_that_is_not_there_is_refused(site: WebSite, ada: Browser) -> None:
    root = await ada.said("/imagine a fox")
    shown = await finish(site, site.intake.only)
    for target in ({"message": "p" + "0" * 24, "index": 0}, {"message": shown, "index": 7}):
        assert "no longer kept" in await ada.notice("make it night", thread=root, target=target)


async def test_an_edit_waits_for_the_first_picture(site: WebSite, ada: Browser) -> None:
    root = await ada.said("/imagine a fox")
    assert "still on its way" in await ada.notice("make it night", thread=root)
    assert len(site.intake.turns) == 1


async def test_words_in_a_thread_without_a_picture_begin_anew(site: WebSite, ada: Browser) -> None:
    root = await ada.said("/imagine a fox")
    announcement = await site.chat.announce(site.intake.only, Notice(Stage.WAITING), repeated=False)
    await site.chat.update(site.intake.only, announcement, Notice(Stage.FAILED, cause="No.", may_retry=True))
    await ada.said("a red fox", thread=root)
    assert (newest(site).operation, newest(site).parent) == (Operation.IMAGINE, None)


async def test_the_command_in_a_thread_begins_anew(site: WebSite, ada: Browser) -> None:
    root = await ada.said("/imagine a fox")
    await finish(site, site.intake.only)
    await ada.said("/imagine a boat", thread=root)
    turn = newest(site)
    assert (turn.prompt, turn.operation, turn.parent) == ("a boat", Operation.IMAGINE, None)
    assert turn.thread.thread == root


async def test_a_thread_hangs_on_a_turn_of_its_channel_and_on_nothing_else(site: WebSite, ada: Browser) -> None:
    words = await ada.said("hello")
    root = await ada.said("/imagine a fox")
    await finish(site, site.intake.only)
    inside = await ada.said("make it night", thread=root)
    for channel, thread in (("general", words), ("general", inside), ("design", root), ("general", "t" + "0" * 24)):
        assert "no longer kept" in await ada.notice("more", channel=channel, thread=thread)


async def test_a_root_shows_the_newest_pictures_of_its_thread(site: WebSite, ada: Browser) -> None:
    root = await ada.said("/imagine a fox")
    await finish(site, site.intake.only)
    await ada.said("make it night", thread=root)
    shown = await finish(site, newest(site), count=2)
    (message,) = await ada.channel()
    assert message["preview"]["message"] == shown
    assert len(message["preview"]["pictures"]) == 2
    assert message["replies"] == 3


async def test_again_is_the_same_turn_anew(site: WebSite, ada: Browser) -> None:
    picture = await ada.uploaded(PNG)
    root = await ada.said("/imagine a fox --ar 16:9", pictures=[picture])
    first = site.intake.only
    shown = await finish(site, first)
    for message in (root, shown):
        response = await ada.post(f"/api/messages/{message}/again", {"event": str(uuid4())})
        assert response.status == 202
        turn = newest(site)
        assert turn.id != first.id
        assert turn.operation is Operation.AGAIN
        assert (turn.prompt, turn.options, turn.references) == (first.prompt, first.options, first.references)
        assert turn.thread == thread_key("general", root)


async def test_again_of_an_edit_goes_on_from_the_same_picture(site: WebSite, ada: Browser) -> None:
    root = await ada.said("/imagine a fox")
    first = site.intake.only
    await finish(site, first)
    edit = await ada.said("make it night", thread=root)
    bob = await site.somebody("Bob")
    await bob.post(f"/api/messages/{edit}/again", {"event": str(uuid4())})
    turn = newest(site)
    assert (turn.author.name, turn.parent, turn.prompt) == ("Bob", ImageRef(first.id), "make it night")


async def test_again_twice_by_one_click_is_one_turn(site: WebSite, ada: Browser) -> None:
    root, event = await ada.said("/imagine a fox"), str(uuid4())
    for _ in range(2):
        await ada.post(f"/api/messages/{root}/again", {"event": event})
    assert len(site.intake.turns) == 2


async def test_cancel_cancels_the_turn_of_the_message(site: WebSite, ada: Browser) -> None:
    root = await ada.said("/imagine a fox")
    assert (await ada.post(f"/api/messages/{root}/cancel")).status == 202
    assert site.intake.cancelled == [(site.intake.only.id, site.intake.only.author)]


async def test_other_peoples_turns_cannot_be_cancelled(site: WebSite, ada: Browser) -> None:
    root = await ada.said("/imagine a fox")
    response = await (await site.somebody("Eve")).post(f"/api/messages/{root}/cancel")
    assert response.status == 422
    assert "Only Ada" in (await response.json())["notice"]
    assert site.intake.cancelled == []


@pytest.mark.parametrize("button", ["again", "cancel"])
async def test_buttons_of_what_is_no_turn_say_so(ada: Browser, button: str) -> None:
    words = await ada.said("hello")
    for message in (words, "t" + "0" * 24, "nonsense"):
        response = await ada.post(f"/api/messages/{message}/{button}", {"event": str(uuid4())})
        assert response.status == 422


async def test_a_private_turn_is_seen_by_its_author_alone(site: WebSite, ada: Browser) -> None:
    eve = await site.somebody("Eve")
    root = await ada.said("/imagine a fox --private")
    shown = await finish(site, site.intake.only)
    assert [message["id"] for message in await ada.channel()] == [root]
    assert await eve.channel() == []
    assert (await eve.ask("GET", f"/api/threads/{root}")).status == 422
    assert "no longer kept" in await eve.notice("make it night", thread=root)
    for button in ("again", "cancel"):
        for message in (root, shown):
            response = await eve.post(f"/api/messages/{message}/{button}", {"event": str(uuid4())})
            assert "no longer kept" in (await response.json())["notice"]
    assert len(site.intake.turns) == 1


async def test_a_thread_stays_as_private_as_it_began(site: WebSite, ada: Browser) -> None:
    eve = await site.somebody("Eve")
    root = await ada.said("/imagine a fox --private")
    await finish(site, site.intake.only)
    await ada.said("make it night", thread=root)
    assert newest(site).options.private
    await finish(site, newest(site))
    assert len(await ada.thread(root)) == 3
    assert await eve.channel() == []
    public = await ada.said("/imagine a boat")
    assert "private as a whole" in await ada.notice("make it night --private", thread=public)


async def test_a_channel_is_made_once_and_seen_by_all(site: WebSite, ada: Browser) -> None:
    for _ in range(2):
        response = await ada.post("/api/channels", {"name": " #Poster Ideas "})
        assert await response.json() == {"name": "poster-ideas"}
    await ada.post("/api/channels", {"name": "general"})
    eve = await site.somebody("Eve")
    assert (await eve.get("/api/start"))["channels"] == ["general", "design", "random", "poster-ideas"]
    await eve.said("hello", channel="poster-ideas")
    assert len(await ada.channel("poster-ideas")) == 1


@pytest.mark.parametrize("name", ["", "#", "a/b", "../x", "-", "a" * 33, "<b>", "a:b", "a\u202eb", "_x_"])
async def test_a_channels_name_is_plain(ada: Browser, name: str) -> None:
    response = await ada.post("/api/channels", {"name": name})
    assert response.status == 422
    assert "letters, digits" in (await response.json())["notice"]


async def test_there_is_an_end_to_channels(ada: Browser) -> None:
    for number in range(100):
        assert (await ada.post("/api/channels", {"name": f"c{number}"})).ok
    response = await ada.post("/api/channels", {"name": "c100"})
    assert "100 channels" in (await response.json())["notice"]


async def test_nothing_is_posted_to_a_channel_that_is_not_there(site: WebSite, ada: Browser) -> None:
    for text in ("hello", "/imagine a fox"):
        assert "no more" in await ada.notice(text, channel="nowhere")
    assert (await ada.ask("GET", "/api/channels/nowhere/messages")).status == 422
    assert site.intake.offered == []


async def test_older_messages_are_read_page_by_page(ada: Browser) -> None:
    said = [await ada.said(f"{number}") for number in range(120)]
    found: list[str] = []
    before = ""
    while True:
        page = await ada.get(f"/api/channels/general/messages{before}")
        found = [message["id"] for message in page["messages"]] + found
        if not page["more"]:
            break
        before = f"?before={page['messages'][0]['at']!r}"
    assert found == said


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"event": "short", "channel": "general", "text": "x"},
        {"event": "e" * 65, "channel": "general", "text": "x"},
        {"event": "../../../x", "channel": "general", "text": "x"},
        {"event": "a" * 10, "channel": "general", "text": "x", "thread": "../x"},
        {"event": "a" * 10, "channel": "general", "text": "x", "target": {"message": "t" + "0" * 24, "index": -1}},
        {"event": "a" * 10, "channel": "general", "text": 7},
        {"event": "a" * 10, "channel": "general", "pictures": [{"digest": "../../etc/passwd", "name": "x"}]},
        [],
        "text",
    ],
)
async def test_what_no_page_of_ours_sends_is_not_understood(site: WebSite, ada: Browser, body: object) -> None:
    response = await ada.post("/api/messages", body)
    assert response.status == 400
    assert "Load the page again" in (await response.json())["notice"]
    assert site.intake.offered == []


async def test_broken_json_and_far_too_much_of_it_are_refused(ada: Browser) -> None:
    headers = {"Content-Type": "application/json"}
    assert (await ada.ask("POST", "/api/messages", data=b"{", headers=headers)).status == 400
    response = await ada.ask("POST", "/api/messages", data=BytesIO(b" " * 1_100_000), headers=headers)
    assert response.status == 413
    assert "too much" in (await response.json())["notice"]


@pytest.mark.parametrize("before", ["x", "nan", "inf", "-1e999", "1e400"])
async def test_a_strange_page_is_no_trouble(ada: Browser, before: str) -> None:
    await ada.said("hello")
    assert (await ada.ask("GET", f"/api/channels/general/messages?before={before}")).status in (200, 400)


async def test_hostile_words_stay_words(site: WebSite, ada: Browser) -> None:
    text = '<script>alert(1)</script> & "quotes" \u2028 </script> \\u0000'
    await ada.said(f"/imagine {text}")
    response = await ada.ask("GET", "/api/channels/general/messages")
    assert response.content_type == "application/json"
    (shown,) = (await response.json())["messages"]
    assert shown["text"] == site.intake.only.prompt


async def test_ids_come_from_the_turn(site: WebSite, ada: Browser) -> None:
    message = await ada.said("/imagine a fox")
    assert message == announcement_id(site.intake.only.id)
    assert announcement_id(TurnId("web:local:a")) != pictures_id(TurnId("web:local:a"))


async def test_this_is_the_newest_picture_that_everybody_sees_in_the_channel(site: WebSite, ada: Browser) -> None:
    picture = await ada.uploaded(PNG, "photo.png")
    await ada.said("look", pictures=[picture])
    eve = await site.somebody("Eve")
    await eve.said("/imagine a secret --private", pictures=[await eve.uploaded(packed(noise(9, 9), "PNG"), "mine.png")])
    await ada.said("/imagine this as a watercolour")
    (reference,) = newest(site).references
    assert (reference.name, reference.source, reference.owner) == ("photo.png", Source.NEWEST, "Ada")
    assert await site.chat.fetch(reference, newest(site).thread) == PNG


async def test_this_is_what_a_thread_has_come_to(site: WebSite, ada: Browser) -> None:
    await ada.said("/imagine a fox")
    await finish(site, newest(site))
    await ada.said("/imagine this at night")
    (reference,) = newest(site).references
    assert (reference.name, reference.owner) == ("0.png", "imagine")


async def test_this_without_a_picture_says_what_to_do(site: WebSite, ada: Browser) -> None:
    assert "no picture here that you could mean" in await ada.notice("/imagine this as a watercolour")
    assert not site.intake.turns


async def test_this_in_a_thread_is_the_newest_picture_of_the_thread(site: WebSite, ada: Browser) -> None:
    for private in ("", " --private"):
        root = await ada.said(f"/imagine a fox{private}")
        shown = await finish(site, newest(site))
        await ada.said("look", pictures=[await ada.uploaded(PNG, "photo.png")])
        await ada.said("/imagine this as a watercolour", thread=root)
        (reference,) = newest(site).references
        assert (reference.message, reference.source, newest(site).operation) == (
            shown,
            Source.NEWEST,
            Operation.IMAGINE,
        )
