"""What is sent to Google and what is remembered of it: small, opaque, and whole again when it is sent."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as StoreAway

from core.errors import AnswerLost, NotSent
from core.packing import key
from core.pictures import Picture
from core.ports import Job
from core.providers.google import GoogleImages, Sampling
from core.providers.google.credentials import SecretHeader
from core.providers.google.models import GONE, KNOWN
from core.services import Services
from core.statuses import KEPT, History, RefusalReason, Refused, Succeeded
from tests.fakes.google import GoogleDouble, Reply, faults
from tests.fakes.google.calls import MODEL, google
from tests.fakes.picture_files import packed

SMALL = 1_000


class AnyToken:
    """Lets us in everywhere."""

    def __init__(self, double: GoogleDouble) -> None:
        double.accounts.tokens.add("t")

    async def auth(self) -> Any:
        return SecretHeader("Authorization", "Bearer t")

    def renew(self) -> bool:
        return False


@pytest.fixture
async def double() -> AsyncIterator[GoogleDouble]:
    async with GoogleDouble() as double:
        yield double


@pytest.fixture(params=["gemini", "vertex"])
async def images(request: pytest.FixtureRequest, double: GoogleDouble, redis_url: str) -> AsyncIterator[GoogleImages]:
    vertex = request.param == "vertex"
    authority = AnyToken(double) if vertex else None
    async with google(double, redis_url, vertex=vertex, authority=authority) as images:
        yield images


@pytest.fixture
async def gemini(double: GoogleDouble, redis_url: str) -> AsyncIterator[GoogleImages]:
    async with google(double, redis_url) as images:
        yield images


async def drawn(images: GoogleImages, prompt: str = "a fox", **more: Any) -> Succeeded:
    status = (await images.submit(Job(MODEL, prompt, **more))).status
    assert isinstance(status, Succeeded), status
    return status


def large(history: History | None) -> int:
    return max(len(json.dumps(turn)) for turn in history or [])


def noise(edge: int = 700) -> Picture:
    data = packed(Image.effect_noise((edge, edge), 90).convert("RGB"), "PNG")
    return Picture.of(data, "image/png", (edge, edge))


async def test_no_picture_is_ever_part_of_a_history_or_a_payload(double: GoogleDouble, images: GoogleImages) -> None:
    double.snake, double.thinks = True, True
    upload = await images.upload(noise())
    first = await drawn(images, references=(upload,))
    assert large(first.history) < SMALL
    assert len(json.dumps(images.payload(Job(MODEL, "at night", history=first.history, references=(upload,))))) < 2_000
    await drawn(images, "at night", history=first.history)
    assert double.sizes[-1] > (900_000 if not images._files else 0)  # noqa: SLF001


async def test_a_long_signature_goes_back_untouched_and_is_not_kept_in_the_history(
    double: GoogleDouble, images: GoogleImages
) -> None:
    double.signature = 400_000
    first = await drawn(images)
    assert large(first.history) < SMALL
    await drawn(images, "at night", history=first.history)
    assert double.refused == []
    signed = [part["thoughtSignature"] for part in double.made[-1].sent[1]["parts"] if "thoughtSignature" in part]
    assert [len(signature) for signature in signed] == [400_000]


async def test_a_history_whose_signature_has_gone_is_not_sent_without_it(
    double: GoogleDouble, images: GoogleImages, redis: Redis
) -> None:
    double.signature = 4_000
    first = await drawn(images)
    (link,) = [
        part["thoughtSignature"] for turn in first.history or [] for part in turn["parts"] if "thoughtSignature" in part
    ]
    assert await images.readable(link)
    await redis.delete(key("google", "kept", link.removeprefix(KEPT)))
    assert not await images.readable(link)
    submission = await images.submit(Job(MODEL, "at night", history=first.history))
    assert submission.status == Refused(RefusalReason.REFERENCE_UNREADABLE)
    assert double.posts == 1


async def test_what_the_model_only_thought_of_is_neither_shown_nor_sent_back(
    double: GoogleDouble, images: GoogleImages
) -> None:
    double.thinks = True
    first = await drawn(images)
    assert len(first.outputs) == 1
    assert not any(part.get("thought") for turn in first.history or [] for part in turn["parts"])


async def test_words_that_look_like_a_link_into_the_stash_stay_words(
    double: GoogleDouble, images: GoogleImages, redis: Redis
) -> None:
    link = (await drawn(images)).outputs[0].url
    first = await drawn(images, link)
    await drawn(images, f"{KEPT}nothing", history=first.history)
    assert [double.made[-1].prompt, double.made[-1].sent[0]["parts"][0]["text"]] == [f"{KEPT}nothing", link]


async def test_a_picture_that_google_does_not_take_as_a_file_is_kept_by_ourselves(
    double: GoogleDouble, gemini: GoogleImages
) -> None:
    double.free_faults.append(Reply(503, faults.OVERLOADED.body))
    first = await drawn(gemini)
    assert KEPT in json.dumps(first.history)
    await drawn(gemini, "at night", history=first.history)
    assert double.refused == []


async def test_a_file_that_the_models_may_not_read_yet_is_not_readable(
    double: GoogleDouble, gemini: GoogleImages
) -> None:
    upload = await gemini.upload(noise(20))
    assert await gemini.readable(upload.url)
    next(iter(double.files.files.values())).state = "PROCESSING"
    assert not await gemini.readable(upload.url)


@pytest.mark.parametrize(
    "link",
    ["https://generativelanguage.googleapis.com/v1beta/files/x", "{root}/../models", "{root}/x?key=1", "{root}/", ""],
)
async def test_a_link_that_is_no_file_of_ours_is_not_asked_for(
    double: GoogleDouble, gemini: GoogleImages, link: str
) -> None:
    assert not await gemini.readable(link.format(root=double.files.root))
    assert double.files.reads == 0


async def test_more_than_the_model_takes_in_is_refused_before_it_is_sent(
    double: GoogleDouble, images: GoogleImages
) -> None:
    history = (await drawn(images)).history or []
    submission = await images.submit(Job(MODEL, "at night", history=history * 30))
    assert submission.status == Refused(RefusalReason.TOO_LONG)
    assert (await images.submit(Job(MODEL, "x" * 140_000))).status == Refused(RefusalReason.TOO_LONG)
    assert double.posts == 1


async def test_a_request_that_is_too_large_for_google_is_not_sent(
    double: GoogleDouble, gemini: GoogleImages, redis: Redis
) -> None:
    gemini._client.place = replace(gemini._client.place, most_bytes=20_000)  # noqa: SLF001
    heavy = [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": ""}}]}]
    link = await gemini._stash.put(b"x" * 16_000)  # noqa: SLF001
    heavy[0]["parts"][0]["inlineData"]["data"] = link  # type: ignore[index]
    submission = await gemini.submit(Job(MODEL, "a fox", history=heavy))
    assert submission.status == Refused(RefusalReason.TOO_LONG)
    assert double.posts == 0


async def test_while_the_store_is_away_nothing_is_sent_and_nothing_lost(
    double: GoogleDouble, gemini: GoogleImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    double.signature = 4_000
    first = await drawn(gemini)

    async def away(_: str) -> bytes:
        raise StoreAway

    monkeypatch.setattr(gemini._stash, "get", away)  # noqa: SLF001
    with pytest.raises(NotSent) as refusal:
        await gemini.submit(Job(MODEL, "at night", history=first.history))
    assert refusal.value.failure.retry_after == 5.0
    assert double.posts == 1


async def test_a_picture_that_cannot_be_kept_is_lost_and_not_drawn_again(
    double: GoogleDouble, gemini: GoogleImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: bytes) -> str:
        raise StoreAway

    monkeypatch.setattr(gemini._stash, "put_for_sure", away)  # noqa: SLF001
    with pytest.raises(AnswerLost):
        await gemini.submit(Job(MODEL, "a fox"))
    assert double.posts == 1


async def test_a_history_that_cannot_be_kept_costs_no_picture(
    double: GoogleDouble, gemini: GoogleImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    double.signature = 4_000
    keep = gemini._stash.put  # noqa: SLF001

    async def pictures_alone(data: bytes, *, waits: bool = False) -> str:
        if not data.startswith(b"\x89PNG"):
            raise StoreAway
        return await keep(data, waits=waits)

    monkeypatch.setattr(gemini._stash, "put", pictures_alone)  # noqa: SLF001
    status = await drawn(gemini)
    assert (status.history, status.outgrown) == (None, False)


async def test_a_conversation_ends_before_its_bytes_are_too_many(double: GoogleDouble, images: GoogleImages) -> None:
    images._client.place = replace(images._client.place, most_bytes=60_000)  # noqa: SLF001
    double.signature = 9_000
    history, depths = None, 0
    while (status := await drawn(images, f"edit {depths}", history=history)).history is not None:
        history, depths = status.history, depths + 1
    assert status.outgrown, "which is told, as that of too many tokens is"
    assert 3 <= depths <= 6
    assert max(double.sizes) < 60_000


@pytest.mark.parametrize(
    ("sampling", "sent"),
    [
        (Sampling(), {}),
        (Sampling(0.0, 0.5), {"temperature": 0.0, "topP": 0.5}),
        (Sampling(temperature=9.0), {"temperature": 2.0}),
    ],
)
async def test_how_freely_a_model_draws_stays_in_its_range(
    double: GoogleDouble, redis_url: str, sampling: Sampling, sent: dict[str, float]
) -> None:
    async with google(double, redis_url, sampling=sampling) as images:
        await drawn(images)
    config = double.made[-1].config
    assert {name: config[name] for name in config.keys() & {"temperature", "topP", "topK"}} == sent


@pytest.mark.parametrize("model", KNOWN)
async def test_every_ratio_and_size_of_every_model_is_taken(double: GoogleDouble, redis_url: str, model: str) -> None:
    able = KNOWN[model].able
    async with google(double, redis_url) as images:
        for ratio in able.aspect_ratios:
            for size in able.sizes[:2] or (None,):
                submission = await images.submit(Job(model, "a fox", aspect_ratio=ratio, size=size))
                assert isinstance(submission.status, Succeeded), double.refused


def test_every_model_that_has_gone_or_will_go_leads_to_one_that_stays() -> None:
    leads = [
        *(gone.successor for gone in GONE.values()),
        *(known.able.successor for known in KNOWN.values() if known.able.ends),
    ]
    assert all(KNOWN[model].able.ends == "" for model in leads)
    assert all(known.able.prices.keys() == set(known.able.sizes) for known in KNOWN.values())


@pytest.mark.parametrize("gone", GONE)
async def test_what_has_taken_the_place_of_a_model_that_was_shut_down_draws(gemini: GoogleImages, gone: str) -> None:
    assert await Services([gemini]).current(gone) == GONE[gone].successor


async def test_a_model_newer_than_the_table_draws_and_nothing_is_assumed_of_it(gemini: GoogleImages) -> None:
    able = await gemini.capabilities("gemini-4-flash-image")
    assert (able.aspect_ratios, able.sizes, able.max_references) == ((), (), 1)


async def test_only_models_that_draw_are_offered(gemini: GoogleImages) -> None:
    assert list(await gemini.models()) == [*KNOWN, "gemini-4-flash-image"]
