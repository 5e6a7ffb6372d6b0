"""Going back and branching in the web workspace."""

import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from redis.asyncio import Redis

from adapters.web.messages import thread_key
from core.pictures import Picture
from core.ports import Image, Notice, Result, Stage
from core.turns import ImageRef, Node, NodeImage, Operation
from tests.fakes.picture_files import noise, packed
from tests.fakes.web_site import Browser, WebSite, web_site


@pytest.fixture
async def site(redis: Redis, tmp_path: Path) -> AsyncIterator[WebSite]:
    async with web_site(redis, tmp_path) as site:
        yield site


@pytest.fixture
async def ada(site: WebSite) -> Browser:
    return await site.somebody("Ada")


async def finish(site: WebSite, count: int = 1) -> str:
    """Do what a worker would with the newest turn. Gives the id of the message with the pictures."""
    turn = list(site.intake.turns.values())[-1]
    announcement = await site.chat.announce(turn, Notice(Stage.DRAWING), repeated=False)
    drawn = [packed(noise(30, 20, seed=len(site.intake.turns) + 100 * number), "PNG") for number in range(count)]
    images = tuple(
        Image(Picture.of(data, "image/png", (30, 20)), turn.prompt, f"{number}.png")
        for number, data in enumerate(drawn)
    )
    delivered = await site.chat.deliver(turn, announcement, Result(images, "m1"), repeated=False)
    shown = tuple(NodeImage(reference, width=30, height=20) for reference in delivered.images)
    node = Node(
        turn.id, turn.author, turn.prompt, time.time(), turn.operation, turn.options, "p", "m1", shown,
        parent=turn.parent, message=delivered.message,
    )  # fmt: skip
    messages = (announcement.message, delivered.message)
    await site.conversations.remember(announcement.thread, node, messages=messages, order=len(site.intake.turns))
    return delivered.message


async def edited(site: WebSite, ada: Browser, *prompts: str, options: str = "") -> tuple[str, list[str]]:
    """A thread, by its root, and the messages with its pictures."""
    root = await ada.said(f"/imagine a fox{options}")
    pictures = [await finish(site)]
    for prompt in prompts:
        await ada.said(prompt, thread=root)
        pictures.append(await finish(site))
    return root, pictures


async def press(ada: Browser, message: str, what: str, event: str = "", **more: Any) -> str:
    """Press, and give the id of what is posted, or the refusal."""
    answer = await ada.post(f"/api/messages/{message}/{what}", {"event": event or f"{what}-{time.time_ns()}", **more})
    said: dict[str, str] = await answer.json()
    assert answer.status in (web.HTTPAccepted.status_code, web.HTTPUnprocessableEntity.status_code), said
    return said.get("message") or said["notice"]


async def posted(ada: Browser, root: str, message: str) -> dict[str, Any]:
    (found,) = [one for one in await ada.thread(root) if one["id"] == message]
    return found


async def words(ada: Browser, root: str, message: str) -> Sequence[str]:
    found = await posted(ada, root, message)
    assert found["author"]["user"] == ""
    assert [picture["name"].rpartition(".")[2] for picture in found["pictures"]] in (["jpg"], ["png"])
    return str(found["text"]).splitlines()


async def test_the_path_and_a_comparison_are_posted_in_the_thread(site: WebSite, ada: Browser) -> None:
    root, (first, _, third) = await edited(site, ada, "make it night", "let it snow")
    path = await words(ada, root, await press(ada, third, "path"))
    assert path == ["How this picture came to be", "1. a fox", "2. make it night", "3. let it snow"]
    compared = await words(ada, root, await press(ada, third, "compare"))
    assert compared == ["Side by side", "2. make it night", "3. let it snow"]
    compared = await words(ada, root, await press(ada, third, "compare", other={"message": first, "index": 0}))
    assert compared == ["Side by side", "1. a fox", "3. let it snow"]
    (sheet,) = (await posted(ada, root, (await ada.thread(root))[-1]["id"]))["pictures"]
    assert (await ada.ask("GET", f"/pictures/{sheet['digest']}")).content_type == "image/jpeg"


async def test_undo_and_restore_change_what_comes_next(site: WebSite, ada: Browser) -> None:
    root, (first, second, third) = await edited(site, ada, "make it night", "let it snow")
    nodes = {
        message: await site.conversations.find(thread_key("general", root), message) for message in (first, second)
    }
    assert await words(ada, root, await press(ada, third, "undo")) == ["Back to: make it night"]
    assert await site.conversations.head(thread_key("general", root)) == nodes[second]
    assert await words(ada, root, await press(ada, first, "restore")) == ["Back to: a fox"]
    await ada.said("let it rain", thread=root)
    assert list(site.intake.turns.values())[-1].parent == nodes[first]
    assert "no picture before" in await press(ada, first, "undo")


async def test_a_press_that_comes_twice_is_one(site: WebSite, ada: Browser) -> None:
    root, (_, second) = await edited(site, ada, "make it night")
    for what in ("path", "undo", "fork", "variations"):
        before = len(site.intake.turns)
        ids = {await press(ada, second, what, event=f"event-{what}") for _ in range(2)}
        assert len(ids) == 1
        assert len(site.intake.turns) == before + (what == "variations")
    assert len(await ada.thread(root)) == 3 + 3 + 1
    assert len(await ada.channel()) == 2


async def test_variations_are_four_of_the_picture(site: WebSite, ada: Browser) -> None:
    root, (first,) = await edited(site, ada)
    await press(ada, first, "variations")
    turn = list(site.intake.turns.values())[-1]
    parent = await site.conversations.find(thread_key("general", root), first)
    assert (turn.operation, turn.options.count, turn.parent) == (Operation.VARIATIONS, 4, parent)
    assert turn.thread == thread_key("general", root)


async def test_a_fork_begins_a_thread_of_its_own(site: WebSite, ada: Browser) -> None:
    root, (_, second) = await edited(site, ada, "make it night")
    new = await press(ada, second, "fork")
    assert (await ada.thread(root))[-1]["text"] == "Ada branched off from “make it night”. It goes on in #general."
    (copy,) = await ada.thread(new)
    assert copy["notes"] == ["Branched off here by Ada. Edits go on with all that led to it."]
    await ada.said("let it snow", thread=new)
    turn = list(site.intake.turns.values())[-1]
    assert turn.thread == thread_key("general", new)
    assert turn.parent == await site.conversations.find(turn.thread, copy["id"])
    assert turn.parent != ImageRef(list(site.intake.turns.values())[1].id)


async def test_a_fork_goes_to_the_channel_that_is_chosen(site: WebSite, ada: Browser) -> None:
    root, (first, second) = await edited(site, ada, "make it night")
    new = await press(ada, second, "fork", channel="design")
    assert (await ada.thread(root))[-1]["text"] == "Ada branched off from “make it night”. It goes on in #design."
    assert [one["id"] for one in await ada.channel("design")] == [new]
    assert new not in [one["id"] for one in await ada.channel()]
    (copy,) = await ada.thread(new)
    await ada.said("let it snow", thread=new, channel="design")
    third = await finish(site)
    turn = list(site.intake.turns.values())[-1]
    assert turn.thread == thread_key("design", new)
    assert turn.parent == await site.conversations.find(turn.thread, copy["id"])
    path = await words(ada, new, await press(ada, third, "path"))
    assert path == ["How this picture came to be", "1. a fox", "2. make it night", "3. let it snow"]
    assert "channel is no more" in await press(ada, first, "fork", channel="nowhere")


async def test_a_copy_of_an_edit_is_not_asked_for_anew_without_its_picture(site: WebSite, ada: Browser) -> None:
    _, (first, second) = await edited(site, ada, "make it night")
    asked = len(site.intake.turns)
    new = await press(ada, second, "fork")
    (copy,) = await ada.thread(new)
    (root,) = [one for one in await ada.channel() if one["id"] == new]
    assert root["turn"]["uprooted"]
    assert "ask for variations" in await press(ada, copy["id"], "again")
    assert len(site.intake.turns) == asked
    new = await press(ada, first, "fork")
    (copy,) = await ada.thread(new)
    await press(ada, copy["id"], "again")
    assert len(site.intake.turns) == asked + 1


async def test_each_of_several_pictures_is_gone_back_to_compared_and_branched_from(site: WebSite, ada: Browser) -> None:
    root, (first,) = await edited(site, ada)
    await press(ada, first, "variations")
    four = await finish(site, 4)
    turn = list(site.intake.turns.values())[-1]
    await press(ada, four, "restore", index=2)
    assert await site.conversations.head(thread_key("general", root)) == ImageRef(turn.id, 2)
    pair = await words(ada, root, await press(ada, four, "compare", index=1, other={"message": four, "index": 2}))
    assert pair == ["Side by side", "2 #2. Variations", "2 #3. Variations"]
    assert len(await words(ada, root, await press(ada, four, "path", index=3))) == 3
    third = (await posted(ada, root, four))["pictures"][2]["digest"]
    (copy,) = await ada.thread(await press(ada, four, "fork", index=2))
    assert [picture["digest"] for picture in copy["pictures"]] == [third]
    assert "no longer kept" in await press(ada, four, "restore", index=4)


async def test_private_pictures_stay_private(site: WebSite, ada: Browser) -> None:
    bob = await site.somebody("Bob")
    root, (first,) = await edited(site, ada, options=" --private")
    sheet = await press(ada, first, "path")
    assert (await posted(ada, root, sheet))["private"]
    assert "everybody" in await press(ada, first, "fork")
    for what in ("path", "compare", "undo", "restore", "fork", "variations"):
        assert "no longer kept" in await press(bob, first, what)


async def test_what_is_gone_or_unknown_is_said(site: WebSite, ada: Browser) -> None:
    _, (first, second) = await edited(site, ada, "make it night")
    other = {"message": "p" + "0" * 24, "index": 0}
    assert "no longer kept" in await press(ada, second, "compare", other=other)
    assert "same picture" in await press(ada, second, "compare", other={"message": second, "index": 0})
    assert (await ada.post(f"/api/messages/{first}/explode", {"event": "a-strange-one"})).status == 404
    for file in site.directory.rglob("*"):
        if file.is_file():
            file.unlink()
    assert "no longer there" in await press(ada, second, "path")
