"""The simulated service goes wrong exactly as it is asked to, and only so often."""

import asyncio
import base64
import io
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from PIL import Image

from core.providers.simulated.faults import (
    EMPTY,
    GARBAGE,
    INTERNAL,
    NO_ACCESS,
    NO_CREDIT,
    TOO_LARGE,
    Answer,
    Fate,
    Faults,
    Operation,
    Wire,
    gateway,
    rate_limited,
)
from core.providers.simulated.settings import Delivery, SimulationSettings
from tests.conftest import WaitUntil
from tests.fakes.image_caller import FLASH, HELD, PRO, QUICK, Caller, serving

BOTH = pytest.mark.parametrize("settings", [QUICK, HELD], ids=["queued", "held"])


async def the_record(caller: Caller) -> dict[str, Any]:
    """The only request there is, when it has ended."""
    [record] = (await caller.get("/requests")).json()["requests"]
    return await caller.ended(record["request_id"])


class TestWhatBecomesOfARequest:
    async def test_moderation_ends_it_in_words_and_uncharged(self) -> None:
        async with serving(QUICK) as caller:
            record = await caller.made("something forbidden")
            assert (record["status"], record["outcome"]["error"]["code"]) == ("failed", 400)
            assert caller.service.charged == 0
        async with serving(HELD) as caller:
            answer = await caller.submit("something Forbidden")
            assert answer.status_code == 400
            assert answer.json()["request_id"] == (await the_record(caller))["request_id"]

    @BOTH
    async def test_a_backend_error_has_no_id_and_leaves_a_failed_record(self, settings: SimulationSettings) -> None:
        async with serving(settings) as caller:
            caller.service.faults.add(Fate.BACKEND_ERROR)
            answer = await caller.submit()
            assert (answer.status_code, set(answer.json())) == (500, {"error"})
            assert answer.json()["error"].startswith("Backend error (400)")
            assert (await the_record(caller))["status"] == "failed"

    @BOTH
    async def test_an_overload_names_the_failed_record(self, settings: SimulationSettings) -> None:
        async with serving(settings) as caller:
            caller.service.faults.add(Fate.OVERLOADED)
            answer = await caller.submit()
            assert answer.status_code == 503
            assert answer.json()["request_id"] == (await the_record(caller))["request_id"]

    @BOTH
    async def test_a_late_rate_limit_is_a_failure_with_its_words(self, settings: SimulationSettings) -> None:
        async with serving(settings) as caller:
            caller.service.faults.add(Fate.RATE_LIMITED)
            record = await caller.made()
            assert (record["status"], record["outcome"]["error"]) == ("failed", "Upstream rate limit exceeded(RPM)")

    @pytest.mark.parametrize(("fate", "status"), [(Fate.FAILED, "failed"), (Fate.CANCELLED, "cancelled")])
    async def test_it_fails_or_is_cancelled(self, fate: Fate, status: str) -> None:
        async with serving() as caller:
            caller.service.faults.add(fate)
            record = await caller.made()
            assert record["status"] == status
            assert "next_turn_contents" not in record["outcome"]

    async def test_it_is_stuck_untouched_until_it_is_finished(self) -> None:
        now = 1_000.0
        async with serving(clock=lambda: now) as caller:
            caller.service.faults.add(Fate.STUCK)
            told = (await caller.submit()).json()
            now += 7200
            record = await caller.look(told["request_id"])
            assert (record["status"], record["updated_at"]) == ("queued", record["created_at"])
            caller.service.finish(caller.service.records[0])
            assert (await caller.look(told["request_id"]))["status"] == "success"

    @pytest.mark.parametrize(
        ("fate", "lacking"),
        [
            (Fate.NO_IMAGE, "media"),
            (Fate.WORDS_ONLY, "media"),
            (Fate.NO_OUTCOME, "outcome"),
            (Fate.NO_HISTORY, "history"),
        ],
    )
    async def test_a_success_may_lack_something(self, fate: Fate, lacking: str) -> None:
        async with serving() as caller:
            caller.service.faults.add(fate)
            record = await caller.made()
            outcome = record["outcome"] or {}
            assert record["status"] == "success"
            assert bool(outcome.get("media_urls")) is (lacking == "history")
            assert bool(outcome.get("next_turn_contents")) is (lacking == "media")

    async def test_the_picture_may_come_in_other_shapes(self) -> None:
        async with serving() as caller:
            for fate in (Fate.INLINE, Fate.PLAIN_LINKS, Fate.FLAT_LINK, Fate.HISTORY_OUTSIDE):
                caller.service.faults.add(fate)
            inline, plain, flat, outside = [await caller.made() for _ in range(4)]
        part = inline["outcome"]["candidates"][0]["content"]["parts"][0]["inlineData"]
        assert Image.open(io.BytesIO(base64.b64decode(part["data"]))).format == "PNG"
        assert plain["outcome"]["media_urls"][0].startswith("http://127.0.0.1:")
        assert flat["outcome"]["image_url"].startswith("http://127.0.0.1:")
        assert outside["next_turn_contents"]
        assert "next_turn_contents" not in outside["outcome"]

    async def test_a_link_may_be_late_or_dead_or_lead_astray(self) -> None:
        now = 1_000.0
        async with serving(clock=lambda: now) as caller:
            faults = caller.service.faults
            faults.add(Fate.LATE_LINK, seconds=5)
            for fate in (Fate.DEAD_LINK, Fate.REDIRECT, Fate.FOREIGN_LINK):
                faults.add(fate)
            ids = [(await caller.submit()).json()["request_id"] for _ in range(4)]
            now += 1
            links = [(await caller.look(id_))["outcome"]["media_urls"][0]["url"] for id_ in ids]
            late, dead, astray = [await caller.http.get(link) for link in links[:3]]
            assert (late.status_code, dead.status_code, astray.status_code) == (404, 404, 302)
            assert "<Code>NoSuchKey</Code>" in late.text
            now += 5
            assert (await caller.http.get(links[0])).status_code == 200
            assert astray.headers["Location"].startswith("http://169.254.169.254/")
            assert links[3].startswith("http://169.254.169.254/")

    async def test_the_bytes_may_be_others_than_promised(self) -> None:
        async with serving() as caller:
            fates = (Fate.LYING_TYPE, Fate.NOT_A_PICTURE, Fate.TRUNCATED, Fate.CORRUPT, Fate.HUGE)
            for fate in fates:
                caller.service.faults.add(fate)
            links = [(await caller.made())["outcome"]["media_urls"][0]["url"] for _ in fates]
            lying, page, truncated, corrupt = [await caller.http.get(link) for link in links[:4]]
            assert lying.headers["Content-Type"] == "image/png"
            assert Image.open(io.BytesIO(lying.content)).format == "JPEG"
            assert page.content.startswith(b"<!doctype html>")
            for broken in (truncated, corrupt):
                with pytest.raises((OSError, SyntaxError)), Image.open(io.BytesIO(broken.content)) as image:
                    image.load()
            received = 0
            async with caller.http.stream("GET", links[4]) as huge:
                async for chunk in huge.aiter_bytes():
                    received += len(chunk)
                    if received > 40_000_000:
                        break
            assert received > 40_000_000

    async def test_statuses_may_be_strange_or_shouted(self) -> None:
        async with serving(QUICK.paced(Delivery.QUEUED, waiting=0, drawing=3600)) as caller:
            caller.service.faults.add(Fate.STRANGE_STATUS)
            caller.service.faults.add(Fate.SHOUTED_STATUS)
            told = [(await caller.submit()).json() for _ in range(2)]
            assert [answer["status"] for answer in told] == ["rehearsing", "PROCESSING"]
            for record in caller.service.records:
                caller.service.finish(record)
            ends = [(await caller.look(answer["request_id"]))["status"] for answer in told]
        assert ends == ["success", "SUCCESS"]


class TestWhatHappensOnTheWire:
    @BOTH
    async def test_a_connection_cut_before_makes_no_request(self, settings: SimulationSettings) -> None:
        async with serving(settings) as caller:
            caller.service.faults.add(Wire.CUT_BEFORE)
            with pytest.raises(httpx.TransportError):
                await caller.submit()
            assert not caller.service.records
            assert (await caller.submit()).status_code == 200

    @BOTH
    @pytest.mark.parametrize("what", [Wire.CUT_AFTER, Wire.CUT_WITHIN])
    async def test_a_connection_cut_after_leaves_the_request(self, settings: SimulationSettings, what: Wire) -> None:
        async with serving(settings) as caller:
            caller.service.faults.add(what)
            with pytest.raises(httpx.TransportError):
                await caller.submit("a fox")
            record = await the_record(caller)
            assert (record["status"], record["payload"]) == ("success", {"prompt": "a fox"})

    async def test_a_held_answer_may_be_cut_long_before_it_is_due(self) -> None:
        async with serving(HELD.paced(Delivery.HELD, waiting=1, drawing=3600)) as caller:
            caller.service.faults.add(Wire.CUT_AFTER, seconds=0.05)
            with pytest.raises(httpx.TransportError):
                await caller.submit()
            [record] = caller.service.records
            assert caller.service.status(record) in ("queued", "dispatched")

    async def test_an_answer_may_be_late_or_drip(self) -> None:
        async with serving() as caller:
            for what in (Wire.DELAY, Wire.DRIP):
                caller.service.faults.add(what, seconds=0.2)
                started = time.monotonic()
                assert (await caller.submit()).json()["request_id"]
                assert time.monotonic() - started >= 0.15

    async def test_a_delayed_submit_is_not_made_yet(self, wait_until: WaitUntil) -> None:
        async with serving() as caller:
            caller.service.faults.add(Wire.DELAY, seconds=0.3)
            waiting = asyncio.create_task(caller.submit())
            await wait_until(lambda: not len(caller.service.faults))
            assert not caller.service.records
            await waiting
            assert len(caller.service.records) == 1

    @pytest.mark.parametrize(
        ("answer", "made"),
        [
            (NO_CREDIT, False),
            (NO_ACCESS, False),
            (TOO_LARGE, False),
            (INTERNAL, False),
            (rate_limited(FLASH, retry_after_ms=-5), False),
            (Answer(418, "no"), False),
            (gateway(), False),
            (gateway(504, done=True), True),
            (GARBAGE, True),
            (EMPTY, True),
        ],
        ids=["402", "404", "413", "500", "429", "418", "502", "504", "garbage", "empty"],
    )
    async def test_another_answer_is_given(self, answer: Answer, made: bool) -> None:
        async with serving() as caller:
            caller.service.faults.add(answer)
            given = await caller.submit()
            assert given.status_code == answer.status
            assert given.headers["Content-Type"].startswith(answer.content_type)
            assert given.text == (answer.body if isinstance(answer.body, str) else json.dumps(answer.body))
            assert len(caller.service.records) == made
            assert (await caller.submit()).json().keys() >= {"request_id", "status"}, "only once"

    async def test_every_call_can_be_disturbed(self) -> None:
        async with serving() as caller:
            record = await caller.made()
            grant = (await caller.post("/upload-url", {"file_type": "png"})).json()
            calls: dict[Operation, Callable[[], Awaitable[httpx.Response]]] = {
                Operation.SUBMIT: caller.submit,
                Operation.LOOK: lambda: caller.get(f"/requests/{record['request_id']}"),
                Operation.LIST: lambda: caller.get("/requests"),
                Operation.MODELS: lambda: caller.get("/models"),
                Operation.MODEL: lambda: caller.get(f"/models/{FLASH}"),
                Operation.GRANT: lambda: caller.post("/upload-url", {"file_type": "png"}),
                Operation.UPLOAD: lambda: caller.http.put(
                    grant["upload_url"], content=b"x", headers={"Content-Type": "image/png"}
                ),
                Operation.DOWNLOAD: lambda: caller.http.get(record["outcome"]["media_urls"][0]["url"]),
            }
            assert set(calls) == set(Operation)
            for operation, call in calls.items():
                caller.service.faults.add(gateway(503), operation=operation)
                assert [(await call()).status_code for _ in range(2)] == [503, 200], operation


class TestTheControl:
    async def test_a_fault_waits_for_the_call_it_is_meant_for(self) -> None:
        async with serving() as caller:
            caller.service.faults.add(NO_CREDIT, prompt="wolf", times=2)
            caller.service.faults.add(INTERNAL, model=PRO)
            prompts = ("a fox", "a wolf", "a wolf again", "a wolf at last")
            assert [(await caller.submit(prompt)).status_code for prompt in prompts] == [200, 402, 402, 200]
            assert [(await caller.submit("x", model)).status_code for model in (FLASH, PRO, PRO)] == [200, 500, 200]
            assert not len(caller.service.faults)

    async def test_a_look_and_a_download_are_known_by_their_prompt(self) -> None:
        async with serving() as caller:
            fox, wolf = await caller.made("a fox"), await caller.made("a wolf")
            for operation in (Operation.LOOK, Operation.DOWNLOAD):
                caller.service.faults.add(gateway(), operation=operation, prompt="wolf")
            looks = [(await caller.get(f"/requests/{record['request_id']}")).status_code for record in (fox, wolf)]
            links = [record["outcome"]["media_urls"][0]["url"] for record in (fox, wolf)]
            assert looks == [200, 502]
            assert [(await caller.http.get(link)).status_code for link in links] == [200, 502]

    async def test_a_submit_can_have_a_fate_and_be_disturbed(self) -> None:
        async with serving() as caller:
            caller.service.faults.add(Fate.FAILED)
            caller.service.faults.add(Wire.CUT_AFTER)
            with pytest.raises(httpx.TransportError):
                await caller.submit()
            assert (await the_record(caller))["status"] == "failed"

    async def test_what_was_rejected_does_not_use_up_a_fate(self) -> None:
        async with serving() as caller:
            caller.service.faults.add(Fate.FAILED)
            assert (await caller.submit("")).status_code == 400
            assert (await caller.made())["status"] == "failed"

    def test_only_a_submit_has_a_fate(self) -> None:
        with pytest.raises(ValueError, match="submit"):
            Faults().add(Fate.FAILED, operation=Operation.LIST)

    async def test_all_faults_can_be_called_off(self) -> None:
        async with serving() as caller:
            caller.service.faults.add(NO_CREDIT, times=9)
            caller.service.faults.clear()
            assert (await caller.submit()).status_code == 200

    async def test_what_was_asked_and_charged_is_counted(self) -> None:
        async with serving(replace(QUICK, forbidden_words=("wolf",))) as caller:
            await caller.made("a fox")
            await caller.made("a fox")
            await caller.made("a wolf")
            await caller.submit(model="none")
            link = await caller.upload(b"\x89PNG\r\n\x1a\n")
            await caller.made("like this", PRO, image=[link])
            service = caller.service
            assert service.submits == {"a fox": 2, "a wolf": 1, "like this": 1}
            assert (service.counts.posts, service.counts.submits, service.counts.uploads) == (5, 4, 1)
            assert service.charged == 2 * 39_000 + 134_000 + 1_100
