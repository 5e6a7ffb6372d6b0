"""Conversations stay healthy however long they get: the real core, and a service over HTTP that has limits."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from redis.asyncio import Redis

from core.fetching import Fetcher
from core.packing import key
from core.ports import ImageProvider
from core.providers.gmi import GmiImages
from core.providers.google import ApiKey, GoogleImages, gemini_api
from core.providers.http import service_client
from core.providers.simulated.server import SimulatedService
from core.providers.simulated.settings import Delivery, SimulationSettings
from core.replies import say
from core.statuses import Output
from core.tree import Tree
from core.turns import ImageRef, Operation, Options, ThreadKey, Turn, TurnId
from tests.fakes.google import GoogleDouble
from tests.fakes.provider import png
from tests.unit.conftest import SETTINGS, House, MakeHouse

FLASH, FLASH_3, PRO = "gemini-2.5-flash-image", "gemini-3.1-flash-image", "gemini-3-pro-image"
LITE = "gemini-3.1-flash-lite-image"
FORKED, ELSEWHERE = TurnId("fake:w:fork"), ThreadKey("fake", "w", "c", "elsewhere")
LIMIT, PICTURE = 32_768, {FLASH: 1_290, PRO: 1_290, FLASH_3: 1_120, LITE: 1_120}
QUICK = SimulationSettings.quick(Delivery.HELD, waiting=0.001, drawing=0.005)


@dataclass
class Studio:
    """A house whose pictures come over HTTP from a service that counts tokens and lets links die."""

    house: House
    service: "Queue | Google"

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


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as the service took it: the conversation that came with it, and the model."""

    turns: Sequence[dict[str, Any]]
    model: str

    @property
    def prompt(self) -> str:
        return " ".join(part["text"] for part in self.turns[-1]["parts"] if part.get("text"))

    @property
    def pictures(self) -> list[dict[str, str]]:
        parts = [part for turn in self.turns for part in turn["parts"] if "text" not in part]
        return [
            part.get("fileData") or part["inlineData"] for part in parts if part.keys() & {"fileData", "inlineData"}
        ]

    @property
    def tokens(self) -> int:
        """As the services count them."""
        words = "".join(part.get("text", "") for turn in self.turns for part in turn["parts"])
        return len(self.pictures) * PICTURE[self.model] + len(words.encode()) // 4


@dataclass
class Queue:
    """The request queue."""

    double: SimulatedService
    images: GmiImages
    model: str = FLASH

    @property
    def sent(self) -> list[Sent]:
        return [Sent(self._turns(record.payload), record.model) for record in self.double.records]

    def _turns(self, payload: dict[str, Any]) -> Sequence[dict[str, Any]]:
        if turns := payload.get("contents"):
            return list(turns)
        files = [{"fileData": {"fileUri": link}} for link in payload.get("image", [])]
        return [{"role": "user", "parts": [{"text": payload["prompt"]}, *files]}]

    async def bytes_of(self, picture: dict[str, str]) -> bytes:
        return await self.images.download(Output(picture["fileUri"]))

    @property
    def uploads(self) -> int:
        return self.double.counts.uploads

    async def expire_links(self) -> None:
        self.double.expire_links()


@dataclass
class Google:
    """Google's own API."""

    double: GoogleDouble
    redis: Redis
    model: str = FLASH_3

    @property
    def sent(self) -> list[Sent]:
        return [Sent(wanted.sent, wanted.model) for wanted in self.double.made]

    async def bytes_of(self, picture: dict[str, str]) -> bytes:
        return self.double.files.read(picture["fileUri"])

    @property
    def uploads(self) -> int:
        return self.double.files.uploads

    async def expire_links(self) -> None:
        self.double.files.files.clear()
        async for name in self.redis.scan_iter(match=key("google", "*")):
            await self.redis.delete(name)


@asynccontextmanager
async def queue(_: str) -> AsyncIterator[tuple[Queue, ImageProvider]]:
    async with SimulatedService(QUICK) as service, service_client() as client, Fetcher() as fetcher:
        images = GmiImages(
            client, fetcher, key=service.key, base_url=service.url, storage_hosts=[service.storage_host], pauses=(0.05,)
        )
        yield Queue(service, images), images


@asynccontextmanager
async def google(redis_url: str) -> AsyncIterator[tuple[Google, ImageProvider]]:
    async with GoogleDouble() as double, service_client() as client, Redis.from_url(redis_url) as redis:
        place, authority = gemini_api(double.url), ApiKey(double.accounts.key)
        yield Google(double, redis), GoogleImages(client, redis, place=place, authority=authority)


@pytest.fixture(params=[queue, google], ids=["request queue", "google"])
async def studio(request: pytest.FixtureRequest, make_house: MakeHouse, redis_url: str) -> AsyncIterator[Studio]:
    async with request.param(redis_url) as (service, images):
        house = await make_house(images=images, settings=replace(SETTINGS, default_model=service.model)).open()
        yield Studio(house, service)
        await house.close()


async def test_sixty_edits_of_one_thread_all_come_and_stay_bounded(studio: Studio) -> None:
    logo = studio.house.chat.attach("logo.png", png("blue"))
    first = studio.house.turn("a fox", references=(logo,))
    turns = await studio.thread(first, [f"edit {number}: another hat" for number in range(1, 61)])
    sent = [request.tokens for request in studio.service.sent]
    stored = [await studio.node_bytes(turn) for turn in turns]
    told = [number for number, turn in enumerate(turns) if studio.notes(turn)]
    for number in (1, 5, 10, 20, 40, 60, *told):
        print(f"edit {number:2}: {sent[number]:6} tokens, {stored[number]} bytes, {studio.notes(turns[number])}")
    assert len(sent) == 61, "every picture was asked for once"
    assert max(sent) <= LIMIT
    assert told == [number for number in range(1, 61) if sent[number] < sent[number - 1]], "told once per shortening"
    assert {studio.notes(turns[number]) for number in told} == {
        (say("en", "note.shortened", model=studio.service.model),)
    }
    assert 2 <= len(told) <= 3
    plain = [size for number, size in enumerate(stored) if number and number not in told]
    assert max(plain) - min(plain) < 50, "a turn's bytes do not grow with the depth of its thread"
    assert max(stored) < 3 * max(plain)
    for number in told:
        await _stays_what_the_rule_says(studio, turns, number)


async def _stays_what_the_rule_says(studio: Studio, turns: Sequence[Turn], number: int) -> None:
    """The edited picture, the first one, what was used; the first request and the last ones."""
    restart, files = studio.service.sent[number], studio.house.chat.files
    shown = [await studio.service.bytes_of(picture) for picture in restart.pictures]
    assert shown == [files[f"p-{turns[number - 1].id}/0"], files[f"p-{turns[0].id}/0"], png("blue")]
    assert restart.prompt.startswith(
        f"edit {number}: another hat\n\nThe attached pictures, in their order: the picture"
    )
    assert "oldest first: “a fox”; “edit " in restart.prompt
    assert f"“edit {number - 1}: another hat”" in restart.prompt


async def test_an_edit_after_all_links_have_died_goes_on_as_if_they_had_not(studio: Studio) -> None:
    logo = studio.house.chat.attach("logo.png", png("blue"))
    turns = await studio.thread(studio.house.turn("a fox", references=(logo,)), [f"edit {n}" for n in range(1, 6)])
    begun = time.monotonic()
    turns.append(await studio.house.done(studio.house.edit(turns[-1], "as usual")))
    usual, begun = time.monotonic() - begun, time.monotonic()
    await studio.service.expire_links()
    healed = await studio.house.done(studio.house.edit(turns[-1], "after all links have died"))
    print(
        f"an edit took {usual:.2f} s, one that had {len(turns) + 1} pictures to heal {time.monotonic() - begun:.2f} s"
    )
    request = studio.service.sent[-1]
    assert studio.notes(healed) == ()
    assert len(request.turns) == 2 * len(turns) + 1, "the whole conversation goes back"
    assert len(request.pictures) == len(turns) + 1
    await studio.house.done(studio.house.edit(turns[-1], "a branch"))
    uploads = studio.service.uploads
    after = await studio.house.done(studio.house.edit(healed, "one more"))
    assert studio.notes(after) == ()
    assert studio.service.uploads - uploads <= 1, "what was healed stays healed"
    assert await studio.node_bytes(after) - await studio.node_bytes(turns[-1]) < 50


async def test_a_link_that_dies_again_is_healed_again(studio: Studio) -> None:
    turns = await studio.thread(studio.house.turn(), ["one"])
    for prompt in ("two", "three"):
        await studio.service.expire_links()
        turns.append(await studio.house.done(studio.house.edit(turns[-1], prompt)))
        assert studio.notes(turns[-1]) == ()
        assert len(studio.service.sent[-1].turns) == 2 * len(turns) - 1


async def test_a_restart_heals_like_any_other_turn(studio: Studio) -> None:
    logo = studio.house.chat.attach("logo.png", png("blue"))
    turns = await studio.thread(studio.house.turn("a fox", references=(logo,)), ["one"])
    other = await studio.house.done(studio.house.edit(turns[-1], "two", options=Options(model=PRO)))
    assert len(studio.service.sent[-1].pictures) == 3
    await studio.service.expire_links()
    last = await studio.house.done(studio.house.edit(other, "three"))
    assert studio.notes(last) == ()
    assert (len(studio.service.sent[-1].turns), len(studio.service.sent[-1].pictures)) == (3, 4)


async def test_another_model_carries_the_pictures_on_and_changing_back_works(studio: Studio) -> None:
    logo = studio.house.chat.attach("logo.png", png("blue"))
    turns = await studio.thread(studio.house.turn("a fox", references=(logo,)), ["make it night"])
    for model in (PRO, studio.service.model):
        turns.append(await studio.house.done(studio.house.edit(turns[-1], "and snow", options=Options(model=model))))
        request = studio.service.sent[-1]
        assert (request.model, studio.notes(turns[-1])) == (model, ())
        assert len(request.turns) == 1, "signatures of one model are nothing to another"
        assert len(request.pictures) == 3
        assert "“a fox”; “make it night”" in request.prompt
        turns.append(await studio.house.done(studio.house.edit(turns[-1], "and stars")))
        assert (studio.service.sent[-1].model, studio.notes(turns[-1])) == (model, ())
        assert len(studio.service.sent[-1].turns) == 3


async def test_again_after_the_attachment_has_gone_takes_the_services_copy(studio: Studio) -> None:
    house = studio.house
    logo = house.chat.attach("logo.png", png("blue"))
    first = await house.done(house.turn("a fox", references=(logo,)))
    house.chat.files.pop("person/logo.png")
    again = await house.done(_again(studio, first))
    assert studio.notes(again) == ()
    assert [await studio.service.bytes_of(picture) for picture in studio.service.sent[-1].pictures] == [png("blue")]
    await studio.service.expire_links()
    refused = await house.ask(_again(studio, first))
    assert await house.ended(refused) == "failed"
    assert "Attach them to a new /imagine" in house.chat.last(refused.id).cause
    assert len(studio.service.sent) == 2


def _again(studio: Studio, of: Turn) -> Turn:
    """As the button does it: the same turn anew."""
    return studio.house.turn(
        of.prompt, thread=studio.place(of), operation=Operation.AGAIN, options=of.options, references=of.references
    )


async def test_another_service_carries_the_pictures_on_and_changing_back_works(
    make_house: MakeHouse, redis_url: str
) -> None:
    async with queue(redis_url) as (ours, gmi), google(redis_url) as (theirs, other):
        house = await make_house(images=gmi, others=(other,), settings=replace(SETTINGS, default_model=PRO)).open()
        logo = house.chat.attach("logo.png", png("blue"))
        turns = await Studio(house, ours).thread(house.turn("a fox", references=(logo,)), ["make it night"])
        for service, model in ((theirs, LITE), (ours, PRO)):
            turns.append(await house.done(house.edit(turns[-1], "and snow", options=Options(model=model))))
            request = service.sent[-1]
            assert (len(request.turns), request.model) == (1, model)
            files = [house.chat.files[f"p-{turn.id}/0"] for turn in (turns[-2], turns[0])]
            assert [await service.bytes_of(picture) for picture in request.pictures] == [*files, png("blue")]
            turns.append(await house.done(house.edit(turns[-1], "and stars")))
            assert len(service.sent[-1].turns) == 3
        assert [house.chat.results[turn.id].notes for turn in turns] == [()] * len(turns)
        assert (len(ours.sent), len(theirs.sent)) == (4, 2)
        await house.close()


async def test_a_long_signature_that_is_kept_no_longer_lets_the_conversation_begin_anew(
    make_house: MakeHouse, redis_url: str
) -> None:
    async with google(redis_url) as (service, images):
        service.double.signature = 2_000
        house = await make_house(images=images, settings=replace(SETTINGS, default_model=LITE)).open()
        studio = Studio(house, service)
        turns = await studio.thread(house.turn(), ["one"])
        assert len(service.sent[-1].turns) == 3
        await service.expire_links()
        last = await house.done(house.edit(turns[-1], "two"))
        assert (len(service.sent[-1].turns), len(service.sent[-1].pictures), studio.notes(last)) == (1, 2, ())
        await house.close()


async def test_a_copy_of_a_picture_in_another_thread_heals_too(studio: Studio) -> None:
    house = studio.house
    turns = await studio.thread(house.turn(), ["one"])
    core = house.core
    copy = await Tree(core.conversations, core.workshop).fork(
        studio.place(turns[-1]), ImageRef(turns[-1].id), as_turn=FORKED, shared=False
    )
    await core.conversations.remember(ELSEWHERE, copy, messages=["elsewhere"])
    await studio.service.expire_links()
    edit = house.turn("two", thread=ELSEWHERE, parent=ImageRef(FORKED), operation=Operation.EDIT)
    await house.done(edit)
    assert (len(studio.service.sent[-1].turns), studio.notes(edit)) == (5, ())
