"""Uploads and links: what goes where, and what goes nowhere."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.errors import Unavailable
from core.fetching import Fetcher
from core.pictures import Picture
from core.ports import Upload
from core.providers.gmi import GmiImages, service_client
from core.providers.gmi.client import QueueClient
from core.providers.gmi.storage import Storage
from core.statuses import FailureReason, Output
from tests.fakes.scripted_service import KEY, Say, ScriptedService, images_of, scripted_service

GRANT = "POST /api/upload-url"
PUT = "PUT /storage/x"
PNG = Picture.of(b"\x89PNG...", "image/png", (1, 1))
JPEG = Picture.of(b"\xff\xd8\xff...", "image/jpeg", (1, 1))


@pytest.fixture
async def service() -> AsyncIterator[ScriptedService]:
    async with scripted_service() as opened:
        yield opened


@pytest.fixture
async def images(service: ScriptedService) -> AsyncIterator[GmiImages]:
    async with images_of(service) as opened:
        yield opened


def grant(service: ScriptedService, path: str = "/storage/x") -> Say:
    return Say({"upload_url": f"{service.origin}{path}?signature=s", "public_url": f"{service.origin}/storage/x"})


@pytest.mark.parametrize(("picture", "file_type"), [(PNG, "png"), (JPEG, "jpeg")], ids=["png", "jpeg"])
async def test_a_picture_is_put_with_exactly_its_type_and_without_the_key(
    service: ScriptedService, images: GmiImages, picture: Picture, file_type: str
) -> None:
    service.says(GRANT, grant(service))
    service.says(PUT, Say())
    assert await images.upload(picture) == Upload(f"{service.origin}/storage/x", picture.media_type)
    assert service.at(GRANT)[0].json == {"file_type": file_type}
    [put] = service.at(PUT)
    assert put.headers["Content-Type"] == picture.media_type
    assert put.data == picture.data
    assert put.query == {"signature": "s"}
    assert "Authorization" not in put.headers
    assert KEY not in str(put.headers)


async def test_a_picture_of_another_kind_is_a_mistake_of_ours(images: GmiImages) -> None:
    with pytest.raises(ValueError, match="PNG and JPEG"):
        await images.upload(Picture.of(b"RIFF", "image/webp", (1, 1)))


@pytest.mark.parametrize(
    "refusal", [Say(status=403, body=b"<Error/>"), Say(status=400, body=b"<Error/>"), Say(cut=True)]
)
async def test_a_grant_that_is_not_taken_is_asked_for_anew_once(
    service: ScriptedService, images: GmiImages, refusal: Say
) -> None:
    service.says(GRANT, grant(service, "/storage/old"), grant(service))
    service.says("PUT /storage/old", refusal)
    service.says(PUT, Say())
    await images.upload(PNG)
    assert len(service.at(GRANT)) == 2


async def test_an_upload_that_is_never_taken_ends(service: ScriptedService, images: GmiImages) -> None:
    service.says(GRANT, grant(service))
    service.says(PUT, Say(status=403, body=b"<Error/>"))
    with pytest.raises(Unavailable) as failure:
        await images.upload(PNG)
    assert failure.value.failure.retry_after
    assert len(service.at(PUT)) == 2


async def test_an_upload_is_not_redirected(service: ScriptedService, images: GmiImages) -> None:
    service.says(GRANT, grant(service))
    service.says(PUT, Say(status=307, headers={"Location": f"{service.origin}/storage/elsewhere"}))
    with pytest.raises(Unavailable):
        await images.upload(PNG)
    assert service.at("PUT /storage/elsewhere") == []


@pytest.mark.parametrize(
    "host",
    [
        "http://169.254.169.254",
        "https://evil.example",
        "http://storage.googleapis.com",
        "ftp://x",
        "",
        "https://[",
        None,
    ],
)
@pytest.mark.parametrize("place", ["upload_url", "public_url"])
async def test_pictures_are_put_nowhere_but_on_the_storage(
    service: ScriptedService, images: GmiImages, host: Any, place: str
) -> None:
    told = dict(grant(service).body)
    told[place] = f"{host}/x" if isinstance(host, str) else host
    service.says(GRANT, Say(told))
    with pytest.raises(Unavailable):
        await images.upload(PNG)
    assert len(service.heard) == 1


@pytest.mark.parametrize("answer", [Say({}), Say([]), Say(b"<html>"), Say({"error": "no"}, 401)])
async def test_an_answer_that_is_no_grant_is_none(service: ScriptedService, images: GmiImages, answer: Say) -> None:
    service.says(GRANT, answer)
    with pytest.raises(Unavailable):
        await images.upload(PNG)


@pytest.mark.parametrize(
    ("head", "ranged", "readable"),
    [
        (Say(), None, True),
        (Say(status=404), None, False),
        (Say(status=410), None, False),
        (Say(status=302, headers={"Location": "https://evil.example"}), None, False),
        (Say(status=403), Say(status=403), False),
        (Say(status=403), Say(status=206), True),
        (Say(status=405), Say(), True),
        (Say(status=501), Say(status=404), False),
    ],
)
async def test_a_link_is_readable_when_it_answers(
    service: ScriptedService, images: GmiImages, head: Say, ranged: Say | None, *, readable: bool
) -> None:
    service.says("HEAD /storage/y", head)
    if ranged:
        service.says("GET /storage/y", ranged)
    assert await images.readable(f"{service.origin}/storage/y") is readable
    assert [call.headers.get("Range") for call in service.at("GET /storage/y")] == ["bytes=0-0"] * bool(ranged)
    assert not any("Authorization" in call.headers for call in service.heard)


@pytest.mark.parametrize("trouble", [Say(status=503), Say(status=429), Say(cut=True)], ids=["503", "429", "cut"])
async def test_a_storage_in_trouble_does_not_make_links_dead(
    service: ScriptedService, images: GmiImages, trouble: Say
) -> None:
    service.says("HEAD /storage/y", trouble)
    with pytest.raises(Unavailable):
        await images.readable(f"{service.origin}/storage/y")


@pytest.mark.parametrize(
    "link",
    ["https://evil.example/x", "gs://bucket/x", "", "https://", "http://[::1", "//x", "https://\ud800", "x" * 70_000],
    ids=["foreign", "gs", "none", "no host", "broken", "no scheme", "surrogate", "long"],
)
async def test_a_link_elsewhere_is_not_touched(service: ScriptedService, images: GmiImages, link: str) -> None:
    assert not await images.readable(link)
    with pytest.raises(Unavailable) as failure:
        await images.download(Output(link))
    assert failure.value.failure.reason is FailureReason.DAMAGED
    assert service.heard == []


@pytest.mark.parametrize(
    ("hosts", "link", "ours"),
    [
        (["storage.googleapis.com"], "https://storage.googleapis.com/x", True),
        (["Storage.GoogleApis.com"], "https://STORAGE.googleapis.com:443/x", True),
        (["storage.googleapis.com"], "https://storage.googleapis.com:8443/x", False),
        (["storage.googleapis.com:8443"], "https://storage.googleapis.com:8443/x", True),
        (["storage.googleapis.com"], "http://storage.googleapis.com/x", False),
        (["storage.googleapis.com:80"], "http://storage.googleapis.com/x", False),
        (["storage.googleapis.com"], "https://me@storage.googleapis.com/x", False),
        (["storage.googleapis.com"], "https://storage.googleapis.com.evil.example/x", False),
        (["storage.googleapis.com"], "https://evil.example\\@storage.googleapis.com/x", False),
        (["127.0.0.1:9000"], "http://127.0.0.1:9000/x", True),
        (["127.0.0.1"], "http://127.0.0.1:9000/x", False),
        (["[::1]:9000"], "http://[::1]:9000/x", True),
        (["localhost:9000"], "http://localhost:9000/x", True),
        (["10.0.0.1:9000"], "http://10.0.0.1:9000/x", False),
    ],
)
async def test_hosts_are_exact_and_speak_tls_unless_they_are_this_machine(
    hosts: list[str], link: str, *, ours: bool
) -> None:
    async with service_client() as client, Fetcher() as fetcher:
        queue = QueueClient(client, base_url="https://console.gmicloud.ai", key=KEY)
        assert Storage(queue, client, fetcher, hosts=hosts, pauses=()).owns(link) is ours


async def test_a_download_carries_no_key(service: ScriptedService, images: GmiImages) -> None:
    service.says("GET /storage/y", Say(b"bytes"))
    assert await images.download(Output(f"{service.origin}/storage/y")) == b"bytes"
    assert "Authorization" not in service.heard[0].headers


async def test_a_result_without_link_and_bytes_is_none(images: GmiImages) -> None:
    with pytest.raises(Unavailable):
        await images.download(Output())
