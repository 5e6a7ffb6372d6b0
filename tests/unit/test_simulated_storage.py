"""The simulated service's storage: uploads, references, links, and what outlives the process."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.fakes.image_caller import HELD, QUICK, Caller, distance, filled_in, png, serving


@asynccontextmanager
async def elsewhere(give: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    """The origin of another server on loopback."""
    application = web.Application()
    application.router.add_get("/{name}", give)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with serving() as made:
        yield made


class TestUploads:
    async def test_an_upload_can_be_read_by_anybody_and_used(self, caller: Caller) -> None:
        data = png()
        link = await caller.upload(data)
        assert (await caller.http.get(link)).content == data
        record = await caller.made("a house like this", image=[link])
        assert record["status"] == "success"
        assert caller.service.counts.uploads == 1

    async def test_the_content_type_must_be_the_granted_one(self, caller: Caller) -> None:
        for file_type, content_type, status in (
            ("jpg", "image/jpeg", 403),
            ("jpg", "image/jpg", 200),
            ("jpeg", "image/jpeg", 200),
            ("png", "image/png; charset=binary", 403),
        ):
            grant = (await caller.post("/upload-url", {"file_type": file_type})).json()
            put = await caller.http.put(grant["upload_url"], content=png(), headers={"Content-Type": content_type})
            assert put.status_code == status, (file_type, content_type)
            assert ("<Code>SignatureDoesNotMatch</Code>" in put.text) is (status == 403)

    async def test_an_upload_needs_a_type_and_its_own_name(self, caller: Caller) -> None:
        grant = (await caller.post("/upload-url", {"file_type": "png", "type": "image"})).json()
        request = caller.http.build_request("PUT", grant["upload_url"], content=png())
        assert (await caller.http.send(request)).status_code == 400
        other = grant["upload_url"].replace(".png?", "0.png?")
        put = await caller.http.put(other, content=png(), headers={"Content-Type": "image/png"})
        assert put.status_code == 403

    @pytest.mark.parametrize(
        "body", [{"file_type": "webp"}, {}, {"file_type": "png", "size": 3}, {"file_type": ["png"]}]
    )
    async def test_other_files_are_not_granted(self, caller: Caller, body: dict[str, Any]) -> None:
        assert (await caller.post("/upload-url", body)).status_code == 400

    async def test_a_grant_ends(self) -> None:
        now = 1_000.0
        async with serving(QUICK, clock=lambda: now) as caller:
            grant = (await caller.post("/upload-url", {"file_type": "png"})).json()
            now += 900
            put = await caller.http.put(grant["upload_url"], content=png(), headers={"Content-Type": "image/png"})
        assert (put.status_code, "<Code>ExpiredToken</Code>" in put.text) == (400, True)

    async def test_links_die_when_they_are_told_to(self) -> None:
        now = 1_000.0
        settings = replace(QUICK, upload_lifetime=60, result_lifetime=100)
        async with serving(settings, clock=lambda: now) as caller:
            upload = await caller.upload(png())
            told = (await caller.submit()).json()
            now += 50
            record = await caller.look(told["request_id"])
            result = record["outcome"]["media_urls"][0]["url"]
            assert [(await caller.http.get(link)).status_code for link in (upload, result)] == [200, 200]
            now += 100
            answers = [await caller.http.get(link) for link in (upload, result)]
            assert [answer.status_code for answer in answers] == [403, 403]
            assert answers[0].headers["Content-Type"].startswith("application/xml")
            dead = await caller.submit("edit", contents=filled_in(record, "make it snow"))
            now += 50
            assert (await caller.look(dead.json()["request_id"]))["outcome"]["error"]["status"] == "INVALID_INPUT"

    async def test_the_storage_takes_no_key(self, caller: Caller) -> None:
        link = await caller.upload(png())
        answer = await caller.http.get(link, headers={"Authorization": f"Bearer {caller.service.key}"})
        assert (answer.status_code, caller.service.counts.keys_sent_to_storage) == (400, 1)

    async def test_an_upload_that_is_too_large_is_not_kept(self) -> None:
        async with serving(replace(QUICK, max_upload_bytes=1000)) as caller:
            grant = (await caller.post("/upload-url", {"file_type": "png"})).json()
            put = await caller.http.put(grant["upload_url"], content=b"x" * 2000, headers={"Content-Type": "image/png"})
            assert put.status_code == 400
            assert (await caller.http.get(grant["public_url"])).status_code == 404

    @pytest.mark.parametrize("name", ["..%2Frequests.jsonl", "..%2F..%2Fport", "%2Fetc%2Fpasswd", "port", ".."])
    async def test_no_link_leads_out_of_the_storage(self, tmp_path: Path, name: str) -> None:
        async with serving(replace(QUICK, directory=tmp_path)) as caller:
            await caller.made()
            link = (await caller.upload(png())).rpartition("/")[0]
            assert (await caller.http.get(f"{link}/{name}")).status_code == 404


class TestReferences:
    @pytest.mark.parametrize(
        "link",
        [
            "http://127.0.0.1:9/none.png",
            "https://example.com/a.png",
            "data:image/png;base64,iVBORw0KGgo=",
            "file:///etc/passwd",
            "http://169.254.169.254/a.png",
            "nonsense",
            "http://[",
        ],
    )
    async def test_one_that_cannot_be_read_fails_the_request(self, caller: Caller, link: str) -> None:
        record = await caller.made(image=[link])
        assert record["status"] == "failed"
        assert record["outcome"]["error"] == {
            "code": 400,
            "message": "failed to fetch image",
            "status": "INVALID_INPUT",
        }
        assert caller.service.charged == 0

    async def test_a_held_model_refuses_with_the_failed_requests_id(self) -> None:
        async with serving(HELD) as caller:
            answer = await caller.submit(image="http://127.0.0.1:9/none.png")
            assert answer.status_code == 400
            assert "Generation rejected" in answer.json()["error"]
            assert (await caller.look(answer.json()["request_id"]))["status"] == "failed"

    async def test_one_that_is_no_picture_or_too_large_fails_the_request(self) -> None:
        async with serving(replace(QUICK, max_reference_bytes=3000)) as caller:
            page, large = await caller.upload(b"<html>"), await caller.upload(png() + b"0" * 3000)
            assert (await caller.made(image=[page]))["status"] == "failed"
            assert (await caller.made(image=[large]))["status"] == "failed"

    async def test_other_loopback_addresses_are_read_only_when_allowed(self) -> None:
        open_minded = replace(QUICK, fetches_loopback=True)

        async def give(request: web.Request) -> web.Response:
            return web.Response(body=png(), status=200 if request.path == "/house.png" else 404)

        async with elsewhere(give) as origin, serving() as strict, serving(open_minded) as caller:
            link = f"{origin}/house.png"
            assert (await strict.made(image=[link]))["status"] == "failed"
            assert (await caller.made(image=[link]))["status"] == "success"
            assert (await caller.made(image=[f"{origin}/nothing.png"]))["status"] == "failed"


class TestWhatOutlivesTheProcess:
    async def test_a_killed_service_still_has_its_requests_files_and_port(self, tmp_path: Path) -> None:
        settings = replace(QUICK, directory=tmp_path)
        async with serving(settings) as caller:
            link = await caller.upload(png())
            first = await caller.made("a fox", image=[link])
            picture = await caller.picture(first)
            told = (await caller.submit("another")).json()
            url = caller.service.url
        with (tmp_path / "requests.jsonl").open("ab") as journal:
            journal.write(b'{"plan": {"id": "half a li')
        async with serving(settings) as caller:
            assert caller.service.url == url
            assert (await caller.ended(told["request_id"]))["status"] == "success"
            assert distance(await caller.picture(first), picture) == 0
            assert (await caller.http.get(link)).content == png()
            assert (await caller.made(contents=filled_in(first, "make it snow")))["status"] == "success"
            assert caller.service.submits == {"a fox": 1, "another": 1, "make it snow": 1}

    async def test_two_services_that_share_a_directory_answer_for_each_other(self, tmp_path: Path) -> None:
        settings = replace(QUICK, directory=tmp_path)
        async with serving(settings) as one, serving(settings) as other:
            told = (await one.submit("a fox")).json()
            record = await other.ended(told["request_id"])
            assert (await other.picture(record)).size == (64, 64)
            link = await one.upload(png())
            assert (await other.made("like this", image=[link]))["status"] == "success"
            listed = (await one.get("/requests")).json()["requests"]
            assert [record["payload"]["prompt"] for record in listed] == ["like this", "a fox"]
            first = one.service.url
        async with serving(settings) as again:
            assert again.service.url == first

    async def test_only_so_many_requests_are_read_back(self, tmp_path: Path) -> None:
        keeping = replace(QUICK, directory=tmp_path, max_records=2)
        async with serving(keeping) as caller:
            for index in range(5):
                await caller.submit(f"fox {index}")
        async with serving(keeping) as caller:
            assert [record.prompt for record in caller.service.records] == ["fox 3", "fox 4"]
        assert len((tmp_path / "requests.jsonl").read_bytes().splitlines()) == 2

    async def test_only_so_many_bytes_are_kept(self) -> None:
        async with serving(replace(QUICK, max_stored_bytes=3 * len(png()))) as caller:
            links = [await caller.upload(png()) for _ in range(5)]
            assert [(await caller.http.get(link)).status_code for link in links] == [404, 404, 200, 200, 200]
