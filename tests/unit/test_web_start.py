"""What a page begins with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from adapters.web import WebSetup
from adapters.web.server import STATIC
from tests.fakes.web_site import WebSite, web_site

NO_RETRY = Retry(NoBackoff(), 0)
MODULES = [path.name for path in (STATIC / "js").glob("*.js")]


@pytest.fixture
async def site(redis: Redis, tmp_path: Path) -> AsyncIterator[WebSite]:
    async with web_site(redis, tmp_path) as site:
        yield site


async def test_the_first_channels_are_there(site: WebSite) -> None:
    start = await (await site.somebody()).get("/api/start")
    assert start["channels"] == ["general", "design", "random"]
    assert start["labels"]["again"] == "Again"


async def test_a_page_learns_what_the_models_take(site: WebSite) -> None:
    models = (await (await site.somebody()).get("/api/channels/general/models"))["models"]
    assert [(model["id"], model["ratios"], model["max_references"]) for model in models] == [
        ("m1", ["1:1", "16:9", "9:16"], 3),
        ("m2", ["1:1", "16:9", "9:16"], 3),
    ]


async def test_the_service_is_not_asked_for_every_page(site: WebSite) -> None:
    ada = await site.somebody()
    for _ in range(3):
        await ada.get("/api/channels/general/models")
    assert site.models.asked == 1


async def test_a_page_works_while_the_service_is_away(site: WebSite) -> None:
    ada = await site.somebody()
    site.models.away = True
    assert (await ada.get("/api/channels/general/models"))["models"] == []
    site.models.away = False
    assert len((await ada.get("/api/channels/general/models"))["models"]) == 2


@pytest.mark.parametrize("simulated", [True, False])
async def test_the_page_says_whether_pictures_are_simulated(redis: Redis, tmp_path: Path, simulated: bool) -> None:
    async with web_site(redis, tmp_path, WebSetup(simulated=simulated)) as site:
        said = (await site.browser().get("/api/session"))["simulated"]
    assert bool(said) is simulated
    assert not simulated or "nothing is charged" in said


@pytest.mark.parametrize("path", [path for path in STATIC.rglob("*") if path.is_file()], ids=lambda path: path.name)
def test_the_page_refers_to_nothing_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
    for outside in ("http:", "https:", '"//', "@import", "url("):
        assert outside not in text


async def test_every_module_of_the_page_is_there(site: WebSite) -> None:
    browser = site.browser()
    page = await (await browser.ask("GET", "/")).text()
    assert 'src="/static/js/page.js"' in page
    for name in MODULES:
        response = await browser.ask("GET", f"/static/js/{name}")
        assert response.content_type.endswith("/javascript")
    assert (await browser.ask("GET", "/static/icons.svg")).content_type == "image/svg+xml"


async def test_a_store_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    async with (
        Redis(unix_socket_path=str(tmp_path / "nowhere"), retry=NO_RETRY) as redis,
        web_site(redis, tmp_path) as site,
    ):
        response = await site.browser().enter("Ada")
        assert response.status == 503
        assert "Nothing you wrote is lost" in (await response.json())["notice"]
        assert (await site.browser().ask("GET", "/")).status == 200
