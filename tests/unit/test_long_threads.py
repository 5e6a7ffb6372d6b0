"""Conversations stay healthy however long they get: the real core, and a service over HTTP that has limits."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from core.fetching import Fetcher
from core.providers.gmi import GmiImages, service_client
from core.providers.simulated.requests import Record
from core.providers.simulated.server import SimulatedService
from core.providers.simulated.settings import Delivery, SimulationSettings
from core.replies import say
from core.state import key
from core.turns import Operation, Options, Output, ThreadKey, Turn
from tests.fakes.provider import png
from tests.unit.conftest import SETTINGS, House, MakeHouse

FLASH, PRO = "gemini-2.5-flash-image", "gemini-3-pro-image"
LIMIT, PICTURE = 32_768, 1_290
QUICK = SimulationSettings.quick(Delivery.HELD, waiting=0.001, drawing=0.005)


@dataclass
class Studio:
    """A house whose pictures come over HTTP from a service that counts tokens and lets links die."""

    house: House
    service: SimulatedService

    async def thread(self, turn: Turn, prompts: Sequence[str]) -> list[Turn]:
        """A picture and its edits, each of the one before."""
        turns = [await self.house.done(turn)]
        for prompt in prompts:
            turns.append(await self.house.done(self.house.edit(turns[-1], prompt)))
        return turns

    def notes(self, turn: Turn) -> tuple[str, ...]:
        return self.house.chat.results[turn.id].notes

    def place(self, turn: Turn) -> ThreadKey:
        return self.house.chat.announcements[turn.id].thread

    async def node_bytes(self, turn: Turn) -> int:
        return int(await self.house.core.redis.hstrlen(key("nodes", self.place(turn)), turn.id))


@asynccontextmanager
async def queue_studio(make_house: MakeHouse) -> AsyncIterator[Studio]:
    async with SimulatedService(QUICK) as service, service_client() as client, Fetcher() as fetcher:
        images = GmiImages(
            client, fetcher, key=service.key, base_url=service.url, storage_hosts=[service.storage_host], pauses=(0.05,)
        )
        house = await make_house(images=images, settings=replace(SETTINGS, default_model=FLASH)).open()
        yield Studio(house, service)
        await house.close()


@pytest.fixture
async def studio(make_house: MakeHouse) -> AsyncIterator[Studio]:
    async with queue_studio(make_house) as studio:
        yield studio


def pictures_of(record: Record) -> list[str]:
    """The links that a request was sent with, in their order."""
    contents = record.payload.get("contents")
    if contents is None:
        return list(record.payload.get("image", []))
    parts = [part for turn in contents for part in turn["parts"]]
    return [part["fileData"]["fileUri"] for part in parts if "fileData" in part]


def tokens_of(record: Record) -> int:
    """As the service counts them."""
    contents = record.payload.get("contents") or [{"parts": [{"text": record.payload["prompt"]}]}]
    words = "".join(part.get("text", "") for turn in contents for part in turn["parts"])
    return len(pictures_of(record)) * PICTURE + len(words.encode()) // 4


async def test_sixty_edits_of_one_thread_all_come_and_stay_bounded(studio: Studio) -> None:
    logo = studio.house.chat.attach("logo.png", png("blue"))
    first = studio.house.turn("a fox", references=(logo,))
    turns = await studio.thread(first, [f"edit {number}: another hat" for number in range(1, 61)])
    sent = [tokens_of(record) for record in studio.service.records]
    stored = [await studio.node_bytes(turn) for turn in turns]
    told = [number for number, turn in enumerate(turns) if studio.notes(turn)]
    for number in (1, 5, 10, 20, 40, 60, *told):
        print(f"edit {number:2}: {sent[number]:6} tokens, {stored[number]} bytes, {studio.notes(turns[number])}")
    assert len(sent) == 61, "every picture was asked for once"
    assert max(sent) <= LIMIT
    assert told == [number for number in range(1, 61) if sent[number] < sent[number - 1]], "told once per shortening"
    assert {studio.notes(turns[number]) for number in told} == {(say("en", "note.shortened", model=FLASH),)}
    assert 2 <= len(told) <= 3
    plain = [size for number, size in enumerate(stored) if number and number not in told]
    assert max(plain) - min(plain) < 50, "a turn's bytes do not grow with the depth of its thread"
    assert max(stored) < 3 * max(plain)
    for number in told:
        await _stays_what_the_rule_says(studio, turns, number)


async def _stays_what_the_rule_says(studio: Studio, turns: Sequence[Turn], number: int) -> None:
    """The edited picture, the first one, what was used; the first request and the last ones."""
    restart, files = studio.service.records[number], studio.house.chat.files
    shown = [await studio.house.images.download(Output(link)) for link in pictures_of(restart)]
    assert shown == [files[f"p-{turns[number - 1].id}/0"], files[f"p-{turns[0].id}/0"], png("blue")]
    assert restart.prompt.startswith(
        f"edit {number}: another hat\n\nThe attached pictures, in their order: the picture"
    )
    assert "oldest first: “a fox”; “edit " in restart.prompt
    assert f"“edit {number - 1}: another hat”" in restart.prompt


async def test_an_edit_after_all_links_have_died_goes_on_as_if_they_had_not(studio: Studio) -> None:
    logo = studio.house.chat.attach("logo.png", png("blue"))
    turns = await studio.thread(studio.house.turn("a fox", references=(logo,)), [f"edit {n}" for n in range(1, 9)])
    begun = time.monotonic()
    turns.append(await studio.house.done(studio.house.edit(turns[-1], "as usual")))
    usual, begun = time.monotonic() - begun, time.monotonic()
    studio.service.expire_links()
    healed = await studio.house.done(studio.house.edit(turns[-1], "after all links have died"))
    print(
        f"an edit took {usual:.2f} s, one that had {len(turns) + 1} pictures to heal {time.monotonic() - begun:.2f} s"
    )
    record = studio.service.records[-1]
    assert studio.notes(healed) == ()
    assert len(record.payload["contents"]) == 2 * len(turns) + 1, "the whole conversation goes back"
    assert len(pictures_of(record)) == len(turns) + 1
    uploads = studio.service.counts.uploads
    after = await studio.house.done(studio.house.edit(healed, "one more"))
    assert studio.notes(after) == ()
    assert studio.service.counts.uploads == uploads, "what was healed stays healed"
    assert await studio.node_bytes(after) - await studio.node_bytes(turns[-1]) < 50


async def test_a_link_that_dies_again_is_healed_again(studio: Studio) -> None:
    turns = await studio.thread(studio.house.turn(), ["one"])
    for prompt in ("two", "three"):
        studio.service.expire_links()
        turns.append(await studio.house.done(studio.house.edit(turns[-1], prompt)))
        assert studio.notes(turns[-1]) == ()
        assert "contents" in studio.service.records[-1].payload


async def test_a_restart_heals_like_any_other_turn(studio: Studio) -> None:
    logo = studio.house.chat.attach("logo.png", png("blue"))
    turns = await studio.thread(studio.house.turn("a fox", references=(logo,)), ["one"])
    other = await studio.house.done(studio.house.edit(turns[-1], "two", options=Options(model=PRO)))
    assert len(pictures_of(studio.service.records[-1])) == 3
    studio.service.expire_links()
    last = await studio.house.done(studio.house.edit(other, "three"))
    assert studio.notes(last) == ()
    assert len(pictures_of(studio.service.records[-1])) == 4
    assert "contents" in studio.service.records[-1].payload


async def test_another_model_carries_the_pictures_on_and_changing_back_works(studio: Studio) -> None:
    logo = studio.house.chat.attach("logo.png", png("blue"))
    turns = await studio.thread(studio.house.turn("a fox", references=(logo,)), ["make it night"])
    for model in (PRO, FLASH):
        turns.append(await studio.house.done(studio.house.edit(turns[-1], "and snow", options=Options(model=model))))
        record = studio.service.records[-1]
        assert (record.model, studio.notes(turns[-1])) == (model, ())
        assert "contents" not in record.payload, "signatures of one model are nothing to another"
        assert len(pictures_of(record)) == 3
        assert "“a fox”; “make it night”" in record.prompt
        turns.append(await studio.house.done(studio.house.edit(turns[-1], "and stars")))
        assert (studio.service.records[-1].model, studio.notes(turns[-1])) == (model, ())
        assert "contents" in studio.service.records[-1].payload


async def test_again_after_the_attachment_has_gone_takes_the_services_copy(studio: Studio) -> None:
    house = studio.house
    logo = house.chat.attach("logo.png", png("blue"))
    first = await house.done(house.turn("a fox", references=(logo,)))
    house.chat.files.pop("person/logo.png")
    again = await house.done(await _again(studio, first))
    assert studio.notes(again) == ()
    assert [await house.images.download(Output(link)) for link in pictures_of(studio.service.records[-1])] == [
        png("blue")
    ]
    studio.service.expire_links()
    refused = await house.ask(await _again(studio, first))
    assert await house.ended(refused) == "failed"
    assert "Attach them to a new /imagine" in house.chat.last(refused.id).cause
    assert len(studio.service.records) == 2


async def _again(studio: Studio, of: Turn) -> Turn:
    """As the button does it: with what the node says."""
    node = await studio.house.core.conversations.node(studio.place(of), of.id)
    assert node
    return studio.house.turn(
        node.prompt,
        thread=studio.place(of),
        operation=Operation.AGAIN,
        options=node.options,
        references=node.references,
    )
