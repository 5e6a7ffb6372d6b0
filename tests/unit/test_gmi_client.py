"""What becomes of a submit when the connection or the answer is not as it should be."""

import asyncio
import json
import socket
import traceback
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from core.errors import AnswerLost, NotSent, ProviderError, Unavailable
from core.fetching import Fetcher
from core.ports import Job
from core.providers.gmi import GmiImages, service_client
from core.providers.gmi.client import QueueClient
from core.providers.json_text import from_json, to_json
from core.statuses import Failed, FailureReason, Queued, RefusalReason, Refused, Running, Succeeded
from tests.conftest import WaitUntil
from tests.fakes.scripted_service import KEY, RudeServer, Say, ScriptedService, images_of, scripted_service

MODEL = "gemini-2.5-flash-image"
JOB = Job(MODEL, "a fox")
LINK = "https://storage.googleapis.com/x.png"
RECORD = "GET /api/requests/r-1"
SUBMIT = "POST /api/requests"
DONE = {"request_id": "r-1", "status": "success", "outcome": {"media_urls": [LINK], "next_turn_contents": [{"a": 1}]}}


@pytest.fixture
async def service() -> AsyncIterator[ScriptedService]:
    async with scripted_service() as opened:
        yield opened


@pytest.fixture
async def images(service: ScriptedService) -> AsyncIterator[GmiImages]:
    async with images_of(service) as opened:
        yield opened


async def submit_to(url: str, **more: Any) -> object:
    """Submit there, without anything before it."""
    async with service_client() as client:
        return await QueueClient(client, base_url=url, key=KEY).submit({"model": MODEL}, **more)


async def test_a_submit_says_what_the_service_takes_and_nothing_else(
    service: ScriptedService, images: GmiImages
) -> None:
    service.says(SUBMIT, Say(DONE))
    await images.submit(JOB)
    [call] = service.at(SUBMIT)
    assert call.json == {"model": MODEL, "payload": {"prompt": "a fox"}}
    assert call.headers["Authorization"] == f"Bearer {KEY}"
    assert call.headers["Content-Type"] == "application/json"
    assert "X-Organization-ID" not in call.headers
    assert not call.query


async def test_the_organisation_is_named_only_where_there_is_one(service: ScriptedService) -> None:
    service.says(SUBMIT, Say(DONE))
    async with images_of(service, organization="acme") as images:
        await images.submit(JOB)
    assert service.at(SUBMIT)[0].headers["X-Organization-ID"] == "acme"


async def test_half_a_surrogate_pair_in_a_prompt_does_no_harm(service: ScriptedService, images: GmiImages) -> None:
    service.says(SUBMIT, Say(DONE))
    await images.submit(Job(MODEL, "a \ud83d fox"))
    assert service.at(SUBMIT)[0].json["payload"]["prompt"] == "a \ud83d fox"


async def test_nobody_listening_is_not_sent() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(NotSent) as refusal:
            await submit_to(url)
    assert refusal.value.failure.retry_after


async def test_a_name_that_does_not_resolve_is_not_sent() -> None:
    with pytest.raises(NotSent):
        await submit_to("http://image-service.invalid")


async def test_a_connection_without_encryption_where_some_was_wanted_is_not_sent() -> None:
    async with RudeServer(b"plain text") as server:
        with pytest.raises(NotSent):
            await submit_to(server.url.replace("http:", "https:"))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"\xff" * 100_000,
    ],
    ids=["nothing", "another protocol", "half a head", "half a body", "bad chunk", "bad packing", "go on", "noise"],
)
async def test_a_connection_that_breaks_after_sending_loses_the_answer_and_sends_nothing_again(answer: bytes) -> None:
    async with RudeServer(answer) as server:
        with pytest.raises(AnswerLost):
            await submit_to(server.url)
        assert server.connections == 1


async def test_a_reset_connection_loses_the_answer() -> None:
    async with RudeServer(reads=False) as server:
        with pytest.raises(AnswerLost):
            await submit_to(server.url)
        assert server.connections == 1


async def test_a_held_answer_that_never_comes_is_lost_after_the_time_it_was_given() -> None:
    async with asyncio.timeout(5), RudeServer(stays=True) as server:
        with pytest.raises(AnswerLost):
            await submit_to(server.url, seconds=0.1)


async def test_an_answer_that_drips_for_ever_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.providers.http.CONNECT_SECONDS", 0.2)
    async with asyncio.timeout(5), RudeServer(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", drips=True) as server:
        with pytest.raises(AnswerLost):
            await submit_to(server.url, seconds=0.3)


async def test_an_answer_without_end_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.providers.gmi.client.MAX_ANSWER_BYTES", 1000)
    async with RudeServer(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b" " * 5000) as server:
        with pytest.raises(AnswerLost):
            await submit_to(server.url)


async def test_a_connection_that_was_closed_while_it_was_idle_is_not_used_again() -> None:
    body = json.dumps(DONE).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    async with RudeServer(answer) as server, service_client() as client:
        queue = QueueClient(client, base_url=server.url, key=KEY)
        for _ in range(3):
            assert (await queue.submit({"model": MODEL})).status == 200
            await asyncio.sleep(0.05)
        assert server.connections == 3


async def test_a_redirect_is_not_followed_with_the_key(service: ScriptedService, images: GmiImages) -> None:
    service.says(SUBMIT, Say(status=307, headers={"Location": f"{service.origin}/elsewhere"}))
    with pytest.raises(NotSent) as refusal:
        await images.submit(JOB)
    assert refusal.value.failure.reason is FailureReason.WRONG_HOST
    assert service.at("POST /elsewhere") == []


async def test_a_cancelled_submit_is_cancelled(wait_until: WaitUntil) -> None:
    async with RudeServer(stays=True) as server:
        task = asyncio.create_task(submit_to(server.url))
        await wait_until(lambda: server.connections)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_an_end_told_without_its_outcome_is_looked_up_at_once(
    service: ScriptedService, images: GmiImages
) -> None:
    service.says(SUBMIT, Say({"request_id": "r-1", "status": "success"}))
    service.says(RECORD, Say(DONE))
    submission = await images.submit(JOB)
    assert isinstance(submission.status, Succeeded)
    assert len(service.at(SUBMIT)) == 1


async def test_an_end_whose_outcome_cannot_be_had_is_left_to_be_looked_at(
    service: ScriptedService, images: GmiImages
) -> None:
    service.says(SUBMIT, Say({"request_id": "r-1", "status": "success"}))
    service.says(RECORD, Say(status=502, body=b"<html>"))
    submission = await images.submit(JOB)
    assert submission.request.id == "r-1"
    assert submission.status == Running()


async def test_a_refusal_is_explained_by_its_record(service: ScriptedService, images: GmiImages) -> None:
    service.says(SUBMIT, Say({"error": "Generation rejected; please review", "request_id": "r-1"}, 400))
    outcome = {"error": {"code": 400, "message": "Generation rejected", "status": "PROHIBITED_CONTENT"}}
    service.says(RECORD, Say({"request_id": "r-1", "status": "failed", "outcome": outcome}))
    submission = await images.submit(JOB)
    assert submission.request.id == "r-1"
    assert submission.status == Refused(RefusalReason.MODERATION)


@pytest.mark.parametrize(
    "record",
    [
        Say(status=404, body={"error": "not found"}),
        Say(status=500, body=b""),
        Say({}),
        Say(cut=True),
        Say({"request_id": "r-1", "status": "failed"}),
        Say({"request_id": "r-1", "status": "queued"}),
        Say({"request_id": "of-somebody-else", "status": "success", "outcome": {"url": LINK}}),
    ],
    ids=["none", "broken", "empty", "cut", "silent", "still queued", "another's"],
)
async def test_a_refusal_without_a_useful_record_stays_what_it_said(
    service: ScriptedService, images: GmiImages, record: Say
) -> None:
    service.says(SUBMIT, Say({"error": "Generation rejected; please review", "request_id": "r-1"}, 400))
    service.says(RECORD, record)
    assert (await images.submit(JOB)).status == Refused(RefusalReason.REJECTED)


async def test_a_wrapped_refusal_is_explained_by_the_record_that_it_did_not_name(
    service: ScriptedService, images: GmiImages
) -> None:
    blocked = {"status": "failed", "payload": {"prompt": "a fox"}, "outcome": {"error": "blocked"}}
    service.says(SUBMIT, Say({"error": "Backend error (400)"}, 500))
    others = [
        {**blocked, "request_id": "r-running", "status": "processing"},
        {**blocked, "request_id": "r-other", "payload": {"prompt": "a hare"}},
    ]
    service.says("GET /api/requests", Say({"requests": [*others, {**blocked, "request_id": "r-1"}]}))
    submission = await images.submit(JOB)
    assert submission.request.id == "r-1"
    assert submission.status == Refused(RefusalReason.MODERATION)


@pytest.mark.parametrize("listed", [Say({"requests": []}), Say(b"<html>", 502)], ids=["not listed", "no list"])
async def test_a_wrapped_refusal_whose_record_is_not_found_stays_what_it_said(
    service: ScriptedService, images: GmiImages, listed: Say
) -> None:
    service.says(SUBMIT, Say({"error": "Backend error (400)"}, 500))
    service.says("GET /api/requests", listed)
    submission = await images.submit(JOB)
    assert (submission.request.id, submission.status) == ("", Refused(RefusalReason.INVALID))


async def test_a_record_that_is_not_there_yet_is_waited_for(service: ScriptedService, images: GmiImages) -> None:
    service.says(SUBMIT, Say({"request_id": "r-1", "status": "queued"}))
    service.says(RECORD, Say(status=404, body={"error": "not found"}), Say(DONE))
    submission = await images.submit(JOB)
    assert isinstance(await images.look(submission.request), Succeeded)


async def test_a_record_made_elsewhere_is_found_in_the_list(service: ScriptedService, images: GmiImages) -> None:
    service.says(SUBMIT, Say({"request_id": "r-1", "status": "queued"}))
    service.says(RECORD, Say(status=404, body={"error": "not found"}))
    service.says("GET /api/requests", Say({"requests": [{"request_id": "r-0"}, DONE], "has_more": False}))
    submission = await images.submit(JOB)
    assert isinstance(await images.look(submission.request), Succeeded)


async def test_success_that_does_not_say_what_of_is_looked_at_once_more(
    service: ScriptedService, images: GmiImages
) -> None:
    service.says(SUBMIT, Say({"request_id": "r-1", "status": "queued"}))
    service.says(RECORD, Say({**DONE, "outcome": None}), Say(DONE))
    submission = await images.submit(JOB)
    assert isinstance(await images.look(submission.request), Succeeded)


async def test_success_that_never_says_what_of_is_no_picture(service: ScriptedService, images: GmiImages) -> None:
    service.says(SUBMIT, Say({"request_id": "r-1", "status": "queued"}))
    service.says(RECORD, Say(status=404, body={"error": "not found"}))
    service.says("GET /api/requests", Say({"requests": [{**DONE, "outcome": None}]}))
    submission = await images.submit(JOB)
    assert await images.look(submission.request) == Failed(FailureReason.NO_IMAGE)


@pytest.mark.parametrize(
    "trouble",
    [
        Say(status=500, body=b"<html>"),
        Say(status=429, body={"error": "Retry in 7000 ms"}),
        Say(status=401, body={"error": "no"}),
        Say(b"{"),
        Say([]),
        Say({}),
        Say(cut=True),
    ],
    ids=["page", "too fast", "key", "garbage", "list", "empty", "cut"],
)
async def test_a_look_that_fails_says_nothing_about_the_request(
    service: ScriptedService, images: GmiImages, trouble: Say
) -> None:
    service.says(SUBMIT, Say({"request_id": "r-1", "status": "queued", "created_at": 5, "updated_at": 5}))
    service.says(RECORD, trouble)
    submission = await images.submit(JOB)
    assert submission.status == Queued(moved=False)
    with pytest.raises(Unavailable):
        await images.look(submission.request)


async def test_a_request_is_dated_by_the_services_clock(service: ScriptedService, images: GmiImages) -> None:
    service.says(SUBMIT, Say({"request_id": "r-1", "status": "queued", "created_at": 1788584785}))
    assert (await images.submit(JOB)).request.submitted_at == 1_788_584_785


async def test_a_request_without_a_date_is_dated_by_the_header(service: ScriptedService, images: GmiImages) -> None:
    service.says(
        SUBMIT,
        Say({"request_id": "r-1", "status": "queued"}, headers={"Date": "Sun, 22 Nov 2020 10:00:00 GMT"}),
    )
    assert (await images.submit(JOB)).request.submitted_at == pytest.approx(1_606_039_200, abs=5)


async def test_the_key_is_checked_by_a_call_that_costs_nothing(service: ScriptedService, images: GmiImages) -> None:
    service.says("GET /api/requests", Say({"requests": []}), Say({"error": "no"}, 401))
    await images.check(MODEL)
    with pytest.raises(Unavailable) as refusal:
        await images.check(MODEL)
    assert refusal.value.failure.reason is FailureReason.BAD_KEY
    assert all(call.method == "GET" for call in service.heard)


async def test_no_error_and_no_repr_shows_the_key() -> None:
    shown = []
    async with service_client() as client, Fetcher() as fetcher, RudeServer() as server:
        images = GmiImages(client, fetcher, key=KEY, base_url=server.url)
        calls: list[Callable[[], Any]] = [lambda: images.submit(JOB), images.models, lambda: images.check(MODEL)]
        for call in calls:
            with pytest.raises(ProviderError) as refusal:
                await call()
            shown += [repr(refusal.value), str(refusal.value), *traceback.format_exception(refusal.value)]
        shown += [repr(images), repr(vars(images)), str(images)]
    assert shown
    assert not any(KEY in text for text in shown)


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "café", "nul\0"])
async def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(key: str) -> None:
    async with service_client() as client, Fetcher() as fetcher:
        with pytest.raises(ValueError, match="visible ASCII") as refusal:
            GmiImages(client, fetcher, key=key)
    assert not key or key not in str(refusal.value)


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", "-Infinity", '{"a": 1e999}', "[" * 100_000, "{", "1" * 5000, "\xff"]
)
def test_json_that_could_not_be_sent_back_is_not_taken(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_json(text.encode("latin-1"))


@pytest.mark.parametrize("value", [{"a": "\ud800 ż \u2028"}, [1.5, 2**70, None, True], "", {}])
def test_json_comes_back_as_it_went(value: Any) -> None:
    assert from_json(to_json(value)) == value


async def test_the_clock_of_a_service_that_tells_none_is_taken_for_ours() -> None:
    async with RudeServer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as server, service_client() as client:
        queue = QueueClient(client, base_url=server.url, key=KEY)
        await queue.get("models")
        assert queue.ahead == 0
