"""The simulated image service: requests, lists and models, with the shapes and manners of the real one."""

import asyncio
import resource
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from aiohttp import ClientSession, TCPConnector

from core.providers.simulated.server import SimulatedService
from core.providers.simulated.settings import (
    GEMINI_MODELS,
    Delivery,
    RateLimit,
)
from tests.conftest import WaitUntil
from tests.fakes.image_caller import FLASH, HELD, PRO, QUICK, Caller, png, serving


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with serving() as made:
        yield made


class TestTheLifeOfARequest:
    async def test_a_queued_request_is_seen_in_every_state_in_order(self) -> None:
        now = 1_000_000.0
        settings = QUICK.paced(Delivery.QUEUED, waiting=10, drawing=20)
        async with serving(settings, clock=lambda: now) as caller:
            told = (await caller.submit()).json()
            assert set(told) == {"request_id", "model", "status", "created_at", "updated_at", "queued_at"}
            seen = [(told["status"], told["updated_at"])]
            for seconds in (9, 2, 20):
                now += seconds
                record = await caller.look(told["request_id"])
                assert (record["outcome"] is None) is (record["status"] != "success")
                seen.append((record["status"], record["updated_at"]))
        assert seen == [
            ("queued", 1_000_000),
            ("dispatched", 1_000_008),
            ("processing", 1_000_010),
            ("success", 1_000_030),
        ]

    async def test_a_held_submit_answers_with_the_ended_record(self) -> None:
        async with serving(HELD.paced(Delivery.HELD, waiting=0.05, drawing=0.1)) as caller:
            started = time.monotonic()
            record = (await caller.submit()).json()
            assert time.monotonic() - started >= 0.15
            assert record["status"] == "success"
            assert record["outcome"]["media_urls"][0]["id"] == "0"

    async def test_a_held_submit_may_leave_the_outcome_to_a_look(self) -> None:
        models = tuple(replace(model, tells_outcome=False) for model in HELD.models)
        async with serving(replace(HELD, models=models)) as caller:
            told = (await caller.submit()).json()
            assert (told["status"], "outcome" in told) == ("success", False)
            assert (await caller.look(told["request_id"]))["outcome"]["media_urls"]

    async def test_only_so_many_are_drawn_at_once_and_the_first_come_first(self) -> None:
        now = 5_000.0
        settings = replace(QUICK.paced(Delivery.QUEUED, waiting=0, drawing=10), capacity=2)
        async with serving(settings, clock=lambda: now) as caller:
            ids = [(await caller.submit(f"fox {index}")).json()["request_id"] for index in range(5)]
            now = 5_011.0
            statuses = [(await caller.look(request_id))["status"] for request_id in ids]
        assert statuses == ["success", "success", "processing", "processing", "queued"]

    async def test_a_request_can_be_ended_by_hand(self, wait_until: WaitUntil) -> None:
        async with serving(QUICK.paced(Delivery.HELD, waiting=3600, drawing=3600)) as caller:
            waiting = asyncio.create_task(caller.submit())
            await wait_until(lambda: caller.service.records)
            caller.service.finish(caller.service.records[0])
            assert (await waiting).json()["status"] == "success"

    async def test_a_thousand_requests_are_held_open_at_once(self, wait_until: WaitUntil) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 4096:
            pytest.skip("the system allows too few open files")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
        async with (
            serving(QUICK.paced(Delivery.HELD, waiting=3600, drawing=3600)) as caller,
            ClientSession(
                connector=TCPConnector(limit=0), headers={"Authorization": f"Bearer {caller.service.key}"}
            ) as client,
        ):

            async def ask(prompt: str) -> str:
                body = {"model": FLASH, "payload": {"prompt": prompt}}
                async with client.post(f"{caller.service.url}/requests", json=body) as answer:
                    return str((await answer.json())["status"])

            tasks = [asyncio.create_task(ask(f"fox {index}")) for index in range(1000)]
            await wait_until(lambda: len(caller.service.records) == 1000, timeout=60)
            assert (await caller.get("/requests", limit=100)).json()["has_more"]
            for record in caller.service.records:
                caller.service.finish(record)
            assert set(await asyncio.gather(*tasks)) == {"success"}
        assert set(caller.service.submits.values()) == {1}

    async def test_stopping_does_not_wait_for_answers_that_are_held(self, wait_until: WaitUntil) -> None:
        async with serving(QUICK.paced(Delivery.HELD, waiting=3600, drawing=3600)) as caller:
            waiting = asyncio.create_task(caller.submit())
            await wait_until(lambda: caller.service.records)
            async with asyncio.timeout(5):
                await caller.service.stop()
                with pytest.raises(httpx.TransportError):
                    await waiting


class TestTheDoor:
    @pytest.mark.parametrize("header", ["", "Bearer wrong", "Bearer simulated-keyz", "Bearer ключ"])
    async def test_without_the_key_nothing_is_told_or_made(self, caller: Caller, header: str) -> None:
        for path in ("/models", "/requests", f"/models/{FLASH}", "/requests/x"):
            answer = await caller.http.get(caller.service.url + path, headers={b"Authorization": header.encode()})
            assert answer.status_code == 401
        assert caller.service.counts.unauthorized == 4
        assert not caller.service.records

    async def test_an_organisation_may_be_named_and_must_be_the_right_one(self) -> None:
        async with serving(replace(QUICK, organization="org-1")) as caller:
            url, key = f"{caller.service.url}/models", {"Authorization": f"Bearer {caller.service.key}"}
            good = await caller.http.get(url, headers=key | {"X-Organization-ID": "org-1"})
            bad = await caller.http.get(url, headers=key | {"X-Organization-ID": "org-2"})
        assert (good.status_code, bad.status_code) == (200, 403)

    async def test_the_wrong_host_answers_405_to_everything(self, caller: Caller) -> None:
        for method, path in (("POST", "/requests"), ("GET", "/requests/1"), ("GET", "/models")):
            answer = await caller.http.request(method, caller.service.wrong_url + path)
            assert answer.status_code == 405

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ({"model": FLASH}, "payload"),
            ({"model": FLASH, "payload": {"prompt": "x"}, "extra": 1}, "extra"),
            ({"model": FLASH, "payload": {"prompt": "x", "temperature": 1}}, "temperature"),
            ({"model": FLASH, "payload": {"prompt": "x", "nonce": "7"}}, "nonce"),
            ({"model": FLASH, "payload": {"prompt": " "}}, "prompt"),
            ({"model": FLASH, "payload": {"prompt": "x", "aspect_ratio": "7:5"}}, "aspect_ratio"),
            ({"model": PRO, "payload": {"prompt": "x", "aspect_ratio": "3:2"}}, "aspect_ratio"),
            ({"model": FLASH, "payload": {"prompt": "x", "image_size": "2K"}}, "image_size"),
            ({"model": PRO, "payload": {"prompt": "x" * 2001}}, "2000"),
            ({"model": FLASH, "payload": {"prompt": "x", "image": ["http://127.0.0.1/a.png"] * 4}}, "3"),
            ({"model": FLASH, "payload": {"prompt": "x", "image": [7]}}, "image"),
            ({"model": FLASH, "payload": {"contents": []}}, "contents"),
            ({"model": FLASH, "payload": {"contents": [{"role": "user", "parts": [{"text": ""}]}]}}, "empty"),
            ({"model": FLASH, "payload": {"contents": [{"role": "user", "parts": "x"}]}}, "contents"),
            ([], "object"),
        ],
    )
    async def test_what_a_model_does_not_take_is_rejected_and_not_made(
        self, caller: Caller, body: Any, said: str
    ) -> None:
        answer = await caller.post("/requests", body)
        assert answer.status_code == 400
        assert said in answer.json()["error"]
        assert not caller.service.records

    async def test_what_is_not_json_or_no_number_is_rejected(self, caller: Caller) -> None:
        key = {"Authorization": f"Bearer {caller.service.key}"}
        for path in ("/requests", "/upload-url"):
            answer = await caller.http.post(caller.service.url + path, content=b'{"model', headers=key)
            assert (answer.status_code, set(answer.json())) == (400, {"error"})
        assert (await caller.get("/requests", limit="many")).status_code == 400

    async def test_a_port_that_is_taken_is_an_error(self, caller: Caller) -> None:
        port = int(caller.service.storage_host.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            await SimulatedService(replace(QUICK, port=port)).start()

    async def test_an_unknown_model_is_404_and_a_huge_body_413(self, caller: Caller) -> None:
        assert (await caller.submit(model="gemini-9")).json() == {"error": "model gemini-9 does not exist"}
        assert (await caller.submit(model="gemini-9")).status_code == 404
        assert (await caller.submit("x" * 4_100_000)).status_code == 413

    async def test_a_models_rate_is_kept_and_its_429_says_when(self) -> None:
        now = 1_000.0
        limited = replace(QUICK.models[0], rate_limit=RateLimit(2, 60, tells_header=True))
        async with serving(replace(QUICK, models=(limited, *QUICK.models[1:])), clock=lambda: now) as caller:
            assert [(await caller.submit()).status_code for _ in range(3)] == [200, 200, 429]
            now = 1_030.0
            answer = await caller.submit()
            assert answer.json()["rate_limit"] == {
                "limit_type": "RPM",
                "limit": 2,
                "interval_seconds": 60,
                "retry_after_ms": 30_000,
            }
            assert answer.headers["Retry-After"] == "30"
            assert (await caller.submit(model=PRO)).status_code == 200, "the limit is the model's own"
            now = 1_060.0
            assert (await caller.submit()).status_code == 200
        assert len(caller.service.records) == 4


class TestTheList:
    async def test_it_is_newest_first_paged_and_per_model(self, caller: Caller) -> None:
        for index in range(5):
            await caller.submit(f"fox {index}")
        await caller.submit("another", PRO)
        first = (await caller.get("/requests", model_id=FLASH, limit=3)).json()
        rest = (await caller.get("/requests", model_id=FLASH, limit=3, offset=3)).json()
        assert [record["payload"]["prompt"] for record in first["requests"]] == ["fox 4", "fox 3", "fox 2"]
        assert [record["payload"]["prompt"] for record in rest["requests"]] == ["fox 1", "fox 0"]
        assert (first["has_more"], rest["has_more"]) == (True, False)
        assert len((await caller.get("/requests")).json()["requests"]) == 6

    async def test_it_may_want_a_model_tell_a_total_and_echo_nothing(self) -> None:
        settings = replace(QUICK, list_needs_model=True, list_tells_total=True, echoes_payload=False, list_limit=1)
        async with serving(settings) as caller:
            await caller.submit()
            await caller.submit()
            assert (await caller.get("/requests")).status_code == 400
            listed = (await caller.get("/requests", model_id=FLASH, limit=50)).json()
        assert (listed["total"], len(listed["requests"]), "has_more" in listed) == (2, 1, False)
        assert listed["requests"][0]["payload"] == {}

    async def test_what_was_made_elsewhere_is_listed_and_not_found_by_its_id(self, caller: Caller) -> None:
        record = await caller.service.make_elsewhere(FLASH, {"prompt": "a fox"})
        assert (await caller.get("/requests", model_id=FLASH)).json()["requests"][0]["request_id"] == record.id
        assert (await caller.get(f"/requests/{record.id}")).status_code == 404
        assert caller.service.submits == {}

    async def test_old_requests_are_forgotten(self) -> None:
        async with serving(replace(QUICK, max_records=3)) as caller:
            for index in range(5):
                await caller.submit(f"fox {index}")
            assert [record.prompt for record in caller.service.records] == ["fox 2", "fox 3", "fox 4"]


class TestTheModels:
    async def test_the_list_names_all_and_some_twice(self, caller: Caller) -> None:
        ids = (await caller.get("/models")).json()["model_ids"]
        assert set(ids) == {model.id for model in GEMINI_MODELS}
        assert len(ids) > len(set(ids))

    async def test_a_model_tells_its_parameters_price_and_way_to_answer(self, caller: Caller) -> None:
        told = (await caller.get(f"/models/{PRO}")).json()
        parameters = {parameter["name"]: parameter for parameter in told["parameters"]}
        assert parameters["prompt"]["required"]
        assert parameters["image_size"]["options"] == ["1K", "2K", "4K"]
        assert "3:2" not in parameters["aspect_ratio"]["options"]
        assert (told["price_info"]["price"], told["delivery_mode"]) == (0.134, "async")
        assert (await caller.get("/models/none")).status_code == 404


async def test_a_conversation_past_the_models_tokens_is_not_taken(caller: Caller) -> None:
    files = [{"fileData": {"fileUri": await caller.upload(png()), "mimeType": "image/png"}}]
    contents: list[dict[str, Any]] = []
    for _ in range(25):
        turn = {"role": "user", "parts": [{"text": "a fox"}, *files]}
        record, files = await caller.made(contents=[*contents, turn]), []
        contents = record["outcome"]["next_turn_contents"][:-1]
    answer = await caller.submit(contents=[*contents, {"role": "user", "parts": [{"text": "a fox"}]}])
    assert answer.status_code == 400
    assert (
        answer.json()["error"] == "The input token count (33572) exceeds the maximum number of tokens allowed (32768)."
    )


async def test_a_picture_of_a_history_may_be_pointed_at_where_it_has_moved(caller: Caller) -> None:
    contents = (await caller.made())["outcome"]["next_turn_contents"][:-1]
    caller.service.expire_links()
    again = [*contents, {"role": "user", "parts": [{"text": "make it night"}]}]
    assert (await caller.ended((await caller.submit(contents=again)).json()["request_id"]))["status"] == "failed"
    contents[-1]["parts"][0]["fileData"] = {"fileUri": await caller.upload(png()), "mimeType": "image/png"}
    assert (await caller.ended((await caller.submit(contents=again)).json()["request_id"]))["status"] == "success"
