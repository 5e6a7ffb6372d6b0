"""A lost answer is looked for in the service's list, and nobody is given another's picture."""

import time
from dataclasses import dataclass, replace

import pytest
from redis.asyncio import Redis

from core import lost
from core.packing import key
from core.ports import Job, Submission
from core.records import Drawing
from core.sends import Sends
from core.statuses import Failed, FailureReason, Queued
from tests.fakes.provider import FakeImages

LANE = "fake:m1"
JOB = Job("m1", "a fox")
LONG_AGO = lost.SEARCH_SECONDS - 1


@pytest.fixture
def sends(redis: Redis) -> Sends:
    return Sends(redis)


@dataclass(slots=True)
class Yesterdays(FakeImages):
    """Made its requests so long ago that a search for them is nearly over."""

    async def submit(self, job: Job) -> Submission:
        submission = await super(Yesterdays, self).submit(job)
        request = replace(submission.request, submitted_at=time.time() - LONG_AGO)
        self.made[-1] = (request, job)
        return submission


@pytest.fixture
def images() -> FakeImages:
    return Yesterdays(finish_at_once=False)


async def found(images: FakeImages, sends: Sends, *, owner: str = "0 t1", ago: float = 0.0, attempt: str = "a") -> str:
    """The id of the request that a drawing lost so long ago is given."""
    now = time.time()
    drawing = Drawing(attempt=attempt, sent_at=now - LONG_AGO - 1, lost_at=now - ago)
    listed = await lost.find(images, sends, LANE, owner, drawing, images.payload(JOB))
    return listed.request.id if listed else ""


async def test_the_request_with_our_payload_is_ours(images: FakeImages, sends: Sends) -> None:
    await images.submit(replace(JOB, prompt="a wolf"))
    await images.submit(JOB)
    assert await found(images, sends) == "r2"


async def test_a_request_belongs_to_one_image_alone(images: FakeImages, sends: Sends) -> None:
    await images.submit(JOB)
    assert await found(images, sends, owner="0 t1") == "r1"
    assert await found(images, sends, owner="1 t1") == ""
    assert await found(images, sends, owner="0 t1") == "r1"


async def test_a_request_made_after_we_gave_up_is_not_ours(images: FakeImages, sends: Sends) -> None:
    await images.submit(JOB)
    images.made[0] = (replace(images.made[0][0], submitted_at=time.time()), JOB)
    assert await found(images, sends, ago=LONG_AGO) == ""


async def test_one_that_failed_is_taken_only_when_no_other_has_shown_up(images: FakeImages, sends: Sends) -> None:
    await images.submit(JOB)
    images.finish(Failed(FailureReason.INTERNAL))
    assert await found(images, sends) == ""
    assert await found(images, sends, ago=LONG_AGO) == "r1"


async def test_a_request_without_payload_is_guessed_at_the_end_when_it_is_the_only_one(
    images: FakeImages, sends: Sends
) -> None:
    images.echoes_payload = False
    await images.submit(JOB)
    assert await found(images, sends) == ""
    assert await found(images, sends, ago=LONG_AGO) == "r1"


async def test_of_two_requests_without_payload_none_is_guessed(images: FakeImages, sends: Sends) -> None:
    images.echoes_payload = False
    await images.submit(JOB)
    await images.submit(JOB)
    assert await found(images, sends, ago=LONG_AGO) == ""


async def test_nobody_is_given_a_picture_that_another_still_waits_for(images: FakeImages, sends: Sends) -> None:
    images.echoes_payload = False
    await images.submit(replace(JOB, prompt="somebody's secret"))
    await sends.begin(LANE, "mine", "a")
    await sends.begin(LANE, "theirs", "b")
    assert await found(images, sends, ago=LONG_AGO) == ""
    await sends.finish(LANE, "theirs", "b")
    assert await found(images, sends, ago=LONG_AGO) == "r1"


async def test_nothing_equal_is_sent_while_one_is_looked_for(sends: Sends) -> None:
    assert await sends.begin(LANE, "digest", "a")
    assert await sends.begin(LANE, "digest", "b")
    await sends.lose(LANE, "digest", "a")
    assert not await sends.begin(LANE, "digest", "c")
    assert await sends.begin(LANE, "another", "c")
    await sends.finish(LANE, "digest", "a")
    assert await sends.begin(LANE, "digest", "d")


async def test_an_equal_one_counts_as_under_way_while_its_sender_lives(sends: Sends, redis: Redis) -> None:
    await sends.begin(LANE, "digest", "a")
    await sends.begin(LANE, "digest", "b")
    assert await sends.others(LANE, "digest", "a")
    await redis.delete(key("sender", "b"))
    assert not await sends.others(LANE, "digest", "a")
    await sends.still("b")
    assert await sends.others(LANE, "digest", "a")
    await sends.finish(LANE, "digest", "b")
    assert not await sends.others(LANE, "digest", "a")


async def test_sendings_that_are_over_leave_nothing(sends: Sends, redis: Redis) -> None:
    for attempt in "abc":
        await sends.begin(LANE, "digest", attempt)
        await sends.lose(LANE, "digest", attempt)
        await sends.finish(LANE, "digest", attempt)
    assert await redis.keys(key("send*")) == []


def test_a_search_is_over_after_its_time() -> None:
    now = time.time()
    assert not lost.over(Drawing(lost_at=now, status=Queued()), listed=True)
    assert lost.over(Drawing(lost_at=now - lost.SEARCH_SECONDS - 1), listed=True)


def test_without_a_list_there_is_next_to_nothing_to_wait_for() -> None:
    now = time.time()
    assert not lost.over(Drawing(lost_at=now), listed=False)
    assert lost.over(Drawing(lost_at=now - lost.PAUSE_SECONDS - 1), listed=False)
