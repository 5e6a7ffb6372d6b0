"""Pictures in and out of the web workspace: hostile files, limits, and what a browser is told of them."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from yarl import URL

from adapters.web import WebSetup
from adapters.web.files import Files
from core.errors import ImagineError
from core.pictures import Picture
from core.pictures.identify import media_type_of
from tests.fakes import web_site as fakes
from tests.fakes.picture_files import hostile_files, noise, packed, real_files
from tests.fakes.web_site import WebSite, web_site

LIMIT = 1_000_000
PNG = packed(noise(30, 20), "PNG")
REFUSED = [name for name in hostile_files() if name != "JPEG with 2000 scans"]


@pytest.fixture
async def site(redis: Redis, tmp_path: Path) -> AsyncIterator[WebSite]:
    async with web_site(redis, tmp_path / "pictures", WebSetup(max_upload_bytes=LIMIT)) as site:
        yield site


def files_in(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def kept(site: WebSite) -> list[Path]:
    return files_in(site.directory)


@pytest.mark.parametrize("kind", real_files())
async def test_every_kind_of_picture_is_taken_and_shown_small(site: WebSite, kind: str) -> None:
    browser = await site.somebody()
    data = real_files()[kind]
    picture = await browser.uploaded(data, f"a {kind}")
    whole = await browser.ask("GET", f"/pictures/{picture['digest']}")
    assert await whole.read() == data
    assert whole.content_type == media_type_of(data)
    small = await browser.ask("GET", f"/thumbnails/{picture['digest']}")
    assert small.content_type in ("image/jpeg", "image/png")


@pytest.mark.parametrize("kind", REFUSED)
async def test_what_is_no_good_picture_is_refused_with_its_name_and_a_reason(site: WebSite, kind: str) -> None:
    browser = await site.somebody()
    data, _ = hostile_files()[kind]
    response = await browser.upload(data, "odd.png")
    assert response.status == 422
    assert (await response.json())["notice"].startswith("Left out odd.png: ")
    assert kept(site) == []


async def test_an_upload_is_cut_off_at_the_limit(site: WebSite) -> None:
    browser = await site.somebody()
    response = await browser.upload(PNG + bytes(LIMIT), "big.png")
    assert response.status == 422
    assert (await response.json())["notice"] == "big.png is larger than 1 MB, and that is the most."
    assert kept(site) == []


async def test_a_picture_at_the_limit_is_taken(site: WebSite) -> None:
    browser = await site.somebody()
    data = packed(noise(100, 100), "PNG")
    data += bytes(LIMIT - len(data))
    assert (await browser.uploaded(data))["digest"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\me.png", "me.png"),
        ("a\u202eb\u200e.png", "ab.png"),
        ("x" * 500 + ".png", "x" * 116 + ".png"),
        ("фото.heic", "фото.heic"),
        ("..", "picture"),
    ],
)
async def test_a_file_name_is_only_a_name(site: WebSite, name: str, shown: str) -> None:
    browser = await site.somebody()
    assert (await browser.uploaded(PNG, name))["name"] == shown
    assert all(path.parent.parent == site.directory for path in kept(site))


@pytest.mark.parametrize(
    "path", ["..%2f..%2fetc%2fpasswd", "A" * 64, "0" * 63, "0" * 65, "%00" * 64, "0" * 64, "small%2f" + "0" * 64]
)
async def test_no_path_leads_out_of_the_folder(site: WebSite, path: str) -> None:
    browser = await site.somebody()
    for folder in ("pictures", "thumbnails"):
        url = URL(f"{site.base}/{folder}/{path}", encoded=True)
        assert (await browser.session.get(url)).status == 404


async def test_a_picture_is_nothing_but_a_picture_to_a_browser(site: WebSite) -> None:
    browser = await site.somebody()
    digest = (await browser.uploaded(PNG))["digest"]
    headers = (await browser.ask("GET", f"/pictures/{digest}")).headers
    assert headers["Content-Type"] == "image/png"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_the_same_picture_is_kept_once(site: WebSite) -> None:
    browser = await site.somebody()
    first = await browser.uploaded(PNG, "a.png")
    assert (await browser.uploaded(PNG, "b.png"))["digest"] == first["digest"]
    assert len(kept(site)) == 2


async def test_without_thumbnails_a_picture_is_taken_all_the_same(
    site: WebSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def closed(_: object, data: bytes, side: int) -> Picture:
        raise ImagineError

    monkeypatch.setattr(fakes.Thumbnailer, "thumbnail", closed)
    browser = await site.somebody()
    digest = (await browser.uploaded(PNG))["digest"]
    assert (await browser.ask("GET", f"/thumbnails/{digest}")).status == 404
    monkeypatch.undo()
    assert (await browser.ask("GET", f"/thumbnails/{digest}")).status == 200


@pytest.mark.parametrize("body", [b"", b"--x--\r\n", b"garbage", b"--x\r\n\r\nno end"])
async def test_a_broken_form_is_refused(site: WebSite, body: bytes) -> None:
    browser = await site.somebody()
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    response = await browser.ask("POST", "/api/uploads", data=body, headers=headers)
    assert response.status in (400, 422)
    assert "notice" in await response.json()


async def test_something_else_than_a_form_is_refused(site: WebSite) -> None:
    browser = await site.somebody()
    assert (await browser.ask("POST", "/api/uploads", data=PNG)).status == 415


async def test_what_nobody_asks_for_any_more_is_removed(tmp_path: Path) -> None:
    files = Files(tmp_path, ttl=1000)
    old, used = [await files.put(data) for data in (b"old", b"used")]
    for digest in (old, used):
        await files.put_small(digest, b"small")
    litter = tmp_path / old[:2] / ".part"
    litter.touch()
    for path in (tmp_path / old[:2] / old, tmp_path / used[:2] / used, litter):
        os.utime(path, (0, 0))
    assert await files.get(used) == b"used"
    assert await files.prune() == 2
    assert [await files.has(digest) for digest in (old, used)] == [False, True]
    assert not litter.exists()


async def test_a_picture_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = Files(tmp_path, ttl=1000)

    def full(_: int) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="space"):
        await files.put(b"a picture")
    assert files_in(tmp_path) == []
