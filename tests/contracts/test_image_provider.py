"""What every image service keeps its word on, whichever it is."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core import providers
from core.background import stop
from core.errors import AnswerLost, Declined, NotSent, ProviderError, Unavailable
from core.pictures import Picture
from core.pictures.workshop import PictureWorkshop
from core.ports import ImageProvider, Job, Listed, Submission
from core.providers.simulated.settings import Delivery
from core.statuses import Ended, Failed, FailureReason, Output, RefusalReason, Refused, Request, Status, Succeeded
from tests.conftest import wait_until
from tests.contracts.image_promises import DAY, LOST_AND_MADE, Ability, ImageService, Trouble
from tests.contracts.image_services import SERVICES
from tests.contracts.request_queue import request_queue
from tests.fakes.picture_files import four_corners, packed

UNTIL = 10.0
MINUTE = 60.0
WEEK = 7 * DAY
PROVIDERS = Path(next(iter(providers.__path__)))

REFUSALS = {
    Trouble.REFUSED: Refused(RefusalReason.MODERATION),
    Trouble.UNREADABLE: Refused(RefusalReason.REFERENCE_UNREADABLE),
    Trouble.CANCELLED: Failed(FailureReason.CANCELLED),
    Trouble.FAILED: Failed(FailureReason.INTERNAL),
    Trouble.NO_IMAGE: Failed(FailureReason.NO_IMAGE),
}


@pytest.fixture(params=SERVICES)
async def service(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[ImageService]:
    async with SERVICES[request.param](redis_url) as opened:
        yield opened


def job(service: ImageService, prompt: str = "a fox", **more: Any) -> Job:
    return Job(service.model, prompt, **more)


def needs(service: ImageService, ability: Ability) -> None:
    if ability not in service.abilities:
        pytest.skip(f"this service does not have {ability}")


def befalls(service: ImageService, trouble: Trouble) -> None:
    """Let the next submit go wrong, where it can go wrong in this way."""
    if trouble not in service.troubles:
        pytest.skip(f"{trouble.name} does not befall this service")
    service.next_submit(trouble)


async def ended(images: ImageProvider, request: Request, status: Status) -> Ended:
    """Look until it is over."""
    async with asyncio.timeout(UNTIL):
        while not isinstance(status, Succeeded | Refused | Failed):
            await asyncio.sleep(0.01)
            status = await images.look(request)
    return status


async def drawn(service: ImageService, wanted: Job) -> Succeeded:
    submission = await service.images.submit(wanted)
    status = await ended(service.images, submission.request, submission.status)
    assert isinstance(status, Succeeded), status
    return status


async def picture_of(service: ImageService, status: Succeeded) -> Image.Image:
    return Image.open(BytesIO(await service.images.download(status.outputs[0])))


async def attempt(service: ImageService, wanted: Job) -> Submission | ProviderError:
    try:
        return await service.images.submit(wanted)
    except ProviderError as error:
        return error


async def recent(service: ImageService) -> Sequence[Listed]:
    return await service.images.recent(service.model, since=time.time() - MINUTE)


def is_the_providers(task: "asyncio.Task[Any]") -> bool:
    """Whether a task runs what a provider began, not what a double or a test did."""
    code = getattr(task.get_coro(), "cr_code", None)
    file = Path(code.co_filename) if code else Path()
    return PROVIDERS in file.parents and PROVIDERS / "simulated" not in file.parents


def reference(colour: str = "teal") -> Picture:
    data = packed(Image.new("RGB", (48, 32), colour), "PNG")
    return Picture.of(data, "image/png", (48, 32))


async def test_words_become_a_picture_of_the_asked_shape(service: ImageService) -> None:
    status = await drawn(service, job(service, aspect_ratio="16:9"))
    picture = await picture_of(service, status)
    assert picture.width / picture.height == pytest.approx(16 / 9, rel=0.05)


async def test_held_and_queued_answers_give_the_same_picture() -> None:
    pictures = []
    async with AsyncExitStack() as stack:
        for delivery in Delivery:
            service = await stack.enter_async_context(request_queue(delivery))
            status = await drawn(service, job(service))
            pictures.append(await service.images.download(status.outputs[0]))
    assert len(set(pictures)) == 1


async def test_a_request_names_its_service_and_its_model_and_says_when_it_was_made(service: ImageService) -> None:
    submission = await service.images.submit(job(service))
    request = submission.request
    assert (request.provider, request.model) == (service.images.name, service.model)
    assert request.id
    assert request.submitted_at == pytest.approx(time.time(), abs=5)


@pytest.mark.parametrize("trouble", REFUSALS)
async def test_an_end_without_a_picture_says_why(service: ImageService, trouble: Trouble) -> None:
    befalls(service, trouble)
    submission = await service.images.submit(job(service))
    assert await ended(service.images, submission.request, submission.status) == REFUSALS[trouble]


async def test_words_in_place_of_a_picture_are_passed_on(service: ImageService) -> None:
    befalls(service, Trouble.WORDS_ONLY)
    submission = await service.images.submit(job(service))
    status = await ended(service.images, submission.request, submission.status)
    assert isinstance(status, Refused)
    assert status.reason is RefusalReason.WORDS_ONLY
    assert "describe" in status.words


async def test_a_refusal_from_behind_the_service_is_a_refusal(service: ImageService) -> None:
    befalls(service, Trouble.BAD_REQUEST)
    submission = await service.images.submit(job(service))
    assert isinstance(submission.status, Refused)


async def test_a_rate_limit_teaches_when_and_how_often(service: ImageService) -> None:
    befalls(service, Trouble.RATE_LIMITED)
    with pytest.raises(NotSent) as refusal:
        await service.images.submit(job(service))
    assert refusal.value.failure == Failed(FailureReason.RATE_LIMITED, retry_after=29.97)
    assert refusal.value.limit == (2, 60.0)
    assert service.made == 0


async def test_a_rate_limit_that_comes_late_may_be_tried_again_later(service: ImageService) -> None:
    befalls(service, Trouble.LATE_RATE_LIMIT)
    submission = await service.images.submit(job(service))
    status = await ended(service.images, submission.request, submission.status)
    assert isinstance(status, Failed)
    assert status.reason is FailureReason.RATE_LIMITED
    assert status.retry_after is not None
    assert 20 <= status.retry_after <= 60


async def test_a_service_without_capacity_is_not_a_refusal(service: ImageService) -> None:
    befalls(service, Trouble.OVERLOADED)
    with pytest.raises(NotSent) as refusal:
        await service.images.submit(job(service))
    assert refusal.value.failure.reason is FailureReason.OVERLOADED
    assert (refusal.value.failure.retry_after or 0) >= 20


async def test_an_empty_account_is_told_apart_and_not_tried_again(service: ImageService) -> None:
    befalls(service, Trouble.NO_CREDIT)
    with pytest.raises(NotSent) as refusal:
        await service.images.submit(job(service))
    assert refusal.value.failure == Failed(FailureReason.NO_CREDIT)


async def test_a_limit_of_a_day_is_told_apart_and_not_waited_for(service: ImageService) -> None:
    befalls(service, Trouble.DAILY_LIMIT)
    with pytest.raises(NotSent) as refusal:
        await service.images.submit(job(service))
    assert refusal.value.failure == Failed(FailureReason.DAILY_LIMIT)
    assert service.made == 0


@pytest.mark.parametrize("trouble", LOST_AND_MADE)
async def test_a_lost_answer_is_called_lost_and_nothing_is_sent_again(service: ImageService, trouble: Trouble) -> None:
    befalls(service, trouble)
    with pytest.raises(AnswerLost):
        await service.images.submit(job(service))
    assert (service.posts, service.made) == (1, 1)


async def test_a_submit_that_is_broken_off_leaves_nothing_running(service: ImageService) -> None:
    before = asyncio.all_tasks()
    asking = asyncio.create_task(service.images.submit(job(service)))
    await wait_until(lambda: service.posts == 1)
    await stop(asking)
    assert not {task for task in asyncio.all_tasks() - before if is_the_providers(task)}
    assert service.posts == 1


@pytest.mark.parametrize("trouble", LOST_AND_MADE)
async def test_a_lost_answer_is_called_lost_and_its_request_is_found_by_its_payload(
    service: ImageService, trouble: Trouble
) -> None:
    needs(service, Ability.LIST)
    await service.images.submit(job(service, "another fox"))
    befalls(service, trouble)
    wanted = job(service, aspect_ratio="4:5")
    with pytest.raises(AnswerLost):
        await service.images.submit(wanted)
    [found] = [item for item in await recent(service) if item.payload == service.images.payload(wanted)]
    status = await ended(service.images, found.request, found.status)
    assert isinstance(status, Succeeded)


async def test_a_lost_answer_to_an_edit_is_found_by_its_payload(service: ImageService) -> None:
    needs(service, Ability.LIST)
    first = await drawn(service, job(service))
    befalls(service, Trouble.CUT_AFTER)
    wanted = job(service, "at night", history=first.history)
    with pytest.raises(AnswerLost):
        await service.images.submit(wanted)
    payload = service.images.payload(wanted)
    assert [item.payload == payload for item in await recent(service)].count(True) == 1


@pytest.mark.parametrize("trouble", Trouble)
async def test_nothing_is_ever_submitted_twice(service: ImageService, trouble: Trouble) -> None:
    befalls(service, trouble)
    came = await attempt(service, job(service))
    if isinstance(came, Submission) and came.request.id:
        status = await ended(service.images, came.request, came.status)
        if isinstance(status, Succeeded):
            for output in status.outputs:
                await asyncio.gather(service.images.download(output), return_exceptions=True)
    assert service.posts == 1
    assert service.made <= 1


@pytest.mark.parametrize("trouble", Trouble)
async def test_only_a_request_that_cannot_have_been_made_counts_as_not_sent(
    service: ImageService, trouble: Trouble
) -> None:
    befalls(service, trouble)
    came = await attempt(service, job(service))
    running = service.made and trouble is not Trouble.OVERLOADED
    assert not (isinstance(came, NotSent) and running)


async def test_a_conversation_goes_on_and_goes_back_untouched(service: ImageService) -> None:
    first = await drawn(service, job(service, "a fox"))
    second = await drawn(service, job(service, "in the snow", history=first.history))
    third = await drawn(service, job(service, "at night", history=second.history))
    histories = [status.history or [] for status in (first, second, third)]
    assert all(histories)
    for before, after in pairwise(histories):
        assert after[: len(before)] == before


async def test_what_a_turn_adds_to_a_history_does_not_grow(service: ImageService) -> None:
    history = (await drawn(service, job(service, "a fox"))).history
    added = []
    for number in range(4):
        before = history or []
        history = (await drawn(service, job(service, f"edit {number}", history=before))).history
        assert history is not None
        added.append(len(history) - len(before))
    assert added == [added[0]] * 4


def opaque(turns: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is nobody's business but the service's: all of a conversation but its pictures."""
    pictures = {"inlineData", "inline_data", "fileData", "file_data"}
    return [
        {**turn, "parts": [{name: part[name] for name in part if name not in pictures} for part in turn["parts"]]}
        for turn in turns
    ]


async def test_the_service_reads_its_own_turns_as_it_told_them(service: ImageService) -> None:
    first = await drawn(service, job(service, "a fox"))
    second = await drawn(service, job(service, "in the snow", history=first.history))
    await drawn(service, job(service, "at night", history=second.history))
    history = second.history or []
    read = service.turns_read("at night")
    assert opaque(read[: len(history)]) == opaque(history)
    assert {name for turn in history for part in turn["parts"] for name in part} > {"text"}


async def test_a_signature_is_not_forged_and_not_forgotten(service: ImageService) -> None:
    needs(service, Ability.SIGNS)
    first = await drawn(service, job(service, "a fox"))
    for signature in ("forged", None):
        history = [{**turn, "parts": [dict(part) for part in turn["parts"]]} for turn in first.history or []]
        for part in history[-1]["parts"]:
            if part.pop("thoughtSignature", None) and signature:
                part["thoughtSignature"] = signature
        submission = await service.images.submit(job(service, "at night", history=history))
        assert submission.status == Refused(RefusalReason.HISTORY)


async def test_two_edits_branch_from_one_picture(service: ImageService) -> None:
    first = await drawn(service, job(service))
    results = await asyncio.gather(
        *(drawn(service, job(service, prompt, history=first.history)) for prompt in ("in the snow", "at night"))
    )
    pictures = {await service.images.download(status.outputs[0]) for status in results}
    assert len(pictures) == 2


async def test_an_edit_may_bring_a_new_picture(service: ImageService) -> None:
    first = await drawn(service, job(service))
    upload = await service.images.upload(reference())
    await drawn(service, job(service, "with this hat", history=first.history, references=(upload,)))
    assert service.pictures_read("with this hat") == 1


async def test_an_answer_without_a_history_is_still_a_picture(service: ImageService) -> None:
    befalls(service, Trouble.NO_HISTORY)
    status = await drawn(service, job(service))
    assert status.history is None
    again = await service.images.upload(
        Picture.of(await service.images.download(status.outputs[0]), "image/png", (1, 1))
    )
    await drawn(service, job(service, "at night", references=(again,)))
    assert service.pictures_read("at night") == 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "AVIF", "HEIF"])
async def test_a_reference_of_every_format_is_read_once_it_is_prepared(service: ImageService, kind: str) -> None:
    async with PictureWorkshop() as workshop:
        picture = await workshop.prepare_reference(packed(four_corners(), kind))
    upload = await service.images.upload(picture)
    assert upload.media_type == picture.media_type
    await drawn(service, job(service, "like this", references=(upload,)))
    assert service.pictures_read("like this") == 1


async def test_as_many_references_go_along_as_the_model_takes_and_no_more(service: ImageService) -> None:
    able = await service.images.capabilities(service.model)
    uploads = [await service.images.upload(reference(colour)) for colour in ("red", "green", "blue", "white")]
    uploads = (uploads * able.max_references)[: able.max_references + 1]
    await drawn(service, job(service, "just enough", references=tuple(uploads[:-1])))
    assert service.pictures_read("just enough") == able.max_references
    made = service.made
    submission = await service.images.submit(job(service, "too many", references=tuple(uploads)))
    assert submission == Submission(submission.request, Refused(RefusalReason.INVALID), sent=False)
    assert service.made == made


async def test_a_grant_that_has_expired_is_asked_for_anew(service: ImageService) -> None:
    needs(service, Ability.OPEN_STORAGE)
    service.next_grant_expires()
    upload = await service.images.upload(reference())
    assert await service.images.readable(upload.url)


async def test_a_link_that_has_died_is_not_readable(service: ImageService) -> None:
    needs(service, Ability.STORAGE)
    upload = await service.images.upload(reference())
    status = await drawn(service, job(service))
    links = [upload.url, status.outputs[0].url]
    assert [await service.images.readable(link) for link in links] == [True, True]
    await service.time_passes(WEEK)
    assert [await service.images.readable(link) for link in links] == [False, False]


async def test_a_history_whose_links_have_died_is_refused_as_unreadable(service: ImageService) -> None:
    needs(service, Ability.STORAGE)
    first = await drawn(service, job(service))
    await service.time_passes(WEEK)
    submission = await service.images.submit(job(service, "at night", history=first.history))
    status = await ended(service.images, submission.request, submission.status)
    assert status == Refused(RefusalReason.REFERENCE_UNREADABLE)


async def test_a_link_of_another_host_counts_as_unreadable_and_is_not_followed(service: ImageService) -> None:
    assert not await service.images.readable("https://example.com/fox.png")


async def test_a_fresh_link_that_is_not_there_yet_is_given_a_moment(service: ImageService) -> None:
    needs(service, Ability.OPEN_STORAGE)
    befalls(service, Trouble.LATE_LINK)
    status = await drawn(service, job(service))
    assert await service.images.download(status.outputs[0])


@pytest.mark.parametrize("trouble", [Trouble.DEAD_LINK, Trouble.FOREIGN_LINK, Trouble.REDIRECT, Trouble.HUGE])
async def test_what_must_not_be_downloaded_is_not(service: ImageService, trouble: Trouble) -> None:
    needs(service, Ability.OPEN_STORAGE)
    befalls(service, trouble)
    status = await drawn(service, job(service))
    with pytest.raises(Unavailable) as refusal:
        await service.images.download(status.outputs[0])
    assert refusal.value.failure.reason is FailureReason.DAMAGED


async def test_a_result_in_bytes_needs_no_download(service: ImageService) -> None:
    assert await service.images.download(Output(data=b"a picture")) == b"a picture"


async def test_the_storage_never_sees_the_key(service: ImageService) -> None:
    needs(service, Ability.OPEN_STORAGE)
    upload = await service.images.upload(reference())
    status = await drawn(service, job(service, references=(upload,)))
    await service.images.download(status.outputs[0])
    await service.images.readable(upload.url)
    assert service.keys_at_storage == 0


async def test_an_unknown_word_for_a_status_is_not_an_end(service: ImageService) -> None:
    befalls(service, Trouble.STRANGE_STATUS)
    await drawn(service, job(service))


async def test_every_request_of_the_model_is_listed_once_and_newest_first(service: ImageService) -> None:
    needs(service, Ability.LIST)
    made = [(await service.images.submit(job(service, f"fox {number}"))).request.id for number in range(5)]
    listed = await recent(service)
    assert {item.request.id for item in listed} == set(made)
    dates = [item.request.submitted_at for item in listed]
    assert dates == sorted(dates, reverse=True)


async def test_nothing_older_than_wanted_is_listed(service: ImageService) -> None:
    needs(service, Ability.LIST)
    await service.images.submit(job(service))
    assert await service.images.recent(service.model, since=time.time() + 2 * MINUTE) == []


async def test_a_listed_end_that_is_complete_is_what_a_look_gives(service: ImageService) -> None:
    needs(service, Ability.LIST)
    submission = await service.images.submit(job(service))
    status = await ended(service.images, submission.request, submission.status)
    [listed] = await recent(service)
    assert not listed.complete or listed.status == status


async def test_the_models_on_offer_are_named_once(service: ImageService) -> None:
    names = await service.images.models()
    assert service.model in names
    assert len(set(names)) == len(names)


async def test_a_model_says_what_it_takes(service: ImageService) -> None:
    able = await service.images.capabilities(service.model)
    assert able.model == service.model
    assert "16:9" in able.aspect_ratios
    assert able.max_references >= 1
    assert able.price > 0


async def test_the_end_of_a_model_is_known_without_asking(service: ImageService) -> None:
    ended = "gemini-2.5-flash-image"
    able, known = await service.images.capabilities(ended), service.images.known(ended)
    assert known is not None
    assert (known.ends, known.successor) == (able.ends, able.successor) == ("2026-10-02", "gemini-3.1-flash-image")
    shut_down = service.images.known("gemini-2.5-flash-image-preview")
    assert shut_down is not None
    assert (shut_down.ends, shut_down.successor) == ("2026-01-15", "gemini-3.1-flash-image")
    assert service.images.known("no-such-model") is None


@pytest.mark.parametrize("model", ["no-such-model", "", "../requests", "\ud800", "x" * 10_000])
async def test_a_model_that_there_is_not_is_declined_with_those_there_are(service: ImageService, model: str) -> None:
    with pytest.raises(Declined) as refusal:
        await service.images.capabilities(model)
    assert refusal.value.reply == "declined.unknown_model"
    assert service.model in str(refusal.value.details["known"])


async def test_a_submit_to_a_model_that_has_gone_says_so(service: ImageService) -> None:
    with pytest.raises(NotSent) as refusal:
        await service.images.submit(Job("no-such-model", "a fox"))
    assert refusal.value.failure == Failed(FailureReason.MODEL_GONE)
    assert service.made == 0


async def test_a_submit_to_a_model_that_was_shut_down_names_what_has_taken_its_place(service: ImageService) -> None:
    with pytest.raises(NotSent) as refusal:
        await service.images.submit(Job("gemini-2.5-flash-image-preview", "a fox"))
    assert refusal.value.failure == Failed(FailureReason.MODEL_GONE, instead="gemini-3.1-flash-image")
    assert service.made == 0


@pytest.mark.parametrize("unfit", [{"aspect_ratio": "17:9"}, {"size": "9K"}])
async def test_what_a_model_does_not_take_is_not_sent(service: ImageService, unfit: dict[str, str]) -> None:
    submission = await service.images.submit(job(service, **unfit))
    assert submission == Submission(submission.request, Refused(RefusalReason.INVALID), sent=False)
    assert not submission.request.id
    assert service.posts == 0


async def test_a_request_that_nobody_knows_is_not_called_over(service: ImageService) -> None:
    unknown = Request(service.images.name, service.model, "00000000-0000-4000-8000-00000000dead", time.time())
    with pytest.raises(ProviderError):
        await service.images.look(unknown)


async def test_a_job_has_one_payload_however_often_it_is_built(service: ImageService) -> None:
    wanted = job(service, aspect_ratio="4:5")
    assert service.images.payload(wanted) == service.images.payload(wanted)
    assert service.images.payload(wanted) != service.images.payload(job(service))
