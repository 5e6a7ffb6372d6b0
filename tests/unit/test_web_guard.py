"""Who gets at the web workspace: other pages in the same browser do not, and neither does a guessed password."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from yarl import URL

from adapters.web import WebSetup
from adapters.web.sessions import MOST_ATTEMPTS, Sessions, person_name
from core.errors import Declined
from tests.fakes.web_site import DAY, WebSite, web_site

PASSWORD = "correct horse battery"
SETUP = WebSetup(password=PASSWORD)


@pytest.fixture
async def site(redis: Redis, tmp_path: Path) -> AsyncIterator[WebSite]:
    async with web_site(redis, tmp_path) as site:
        yield site


@pytest.fixture
async def locked(redis: Redis, tmp_path: Path) -> AsyncIterator[WebSite]:
    async with web_site(redis, tmp_path, SETUP) as site:
        yield site


async def test_the_page_itself_needs_no_session(site: WebSite) -> None:
    browser = site.browser()
    for path in ("/", "/static/js/page.js", "/static/css/base.css", "/static/icons.svg"):
        assert (await browser.ask("GET", path)).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/api/start",
        "/api/channels/general/models",
        "/api/channels/general/messages",
        "/api/events",
        "/pictures/" + "0" * 64,
    ],
)
async def test_everything_else_needs_one(site: WebSite, path: str) -> None:
    response = await site.browser().ask("GET", path)
    assert response.status == 401
    assert "signed in" in (await response.json())["notice"]


async def test_a_made_up_session_is_none(site: WebSite) -> None:
    for token in ("x", "A" * 43, "../" * 10, "ключ"):
        headers = {"Cookie": f"imagine_session={token}"}
        assert (await site.browser().ask("GET", "/api/start", headers=headers)).status == 401


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(site: WebSite) -> None:
    cookie = (await site.browser().enter()).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "127.1.2.3"])
async def test_this_machine_is_known_by_its_names(site: WebSite, host: str) -> None:
    port = site.base.rpartition(":")[2]
    assert (await site.browser().ask("GET", "/", headers={"Host": f"{host}:{port}"})).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "0x7f.1", "192.168.0.7", "[::1", ""]
)
async def test_a_name_that_is_made_to_point_here_is_turned_away(site: WebSite, host: str) -> None:
    response = await site.browser().ask("GET", "/", headers={"Host": host})
    assert response.status in (400, 421)
    assert b"<!doctype" not in await response.read()


async def test_with_a_password_any_name_will_do(locked: WebSite) -> None:
    assert (await locked.browser().ask("GET", "/", headers={"Host": "imagine.example"})).status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://localhost", ""])
async def test_another_page_cannot_act_here(site: WebSite, origin: str) -> None:
    browser = await site.somebody()
    response = await browser.post("/api/channels", {"name": "mine"}, headers={"Origin": origin})
    assert response.status == 403
    assert "mine" not in (await browser.get("/api/start"))["channels"]


async def test_a_request_that_does_not_say_where_it_is_from_cannot_act_here(site: WebSite) -> None:
    browser = await site.somebody()
    url = f"{site.base}/api/session"
    assert (await browser.session.delete(url)).status == 403
    assert (await browser.session.delete(url, headers={"Sec-Fetch-Site": "cross-site"})).status == 403
    assert (await browser.session.delete(url, headers={"Sec-Fetch-Site": "same-origin"})).status == 200


async def test_a_form_of_another_site_is_not_read(site: WebSite) -> None:
    browser = await site.somebody()
    response = await browser.ask("POST", "/api/channels", data={"name": "mine"})
    assert response.status == 415


async def test_every_answer_forbids_what_the_page_does_not_need(site: WebSite) -> None:
    browser = await site.somebody()
    for path in ("/", "/api/start", "/nowhere", "/static/js/page.js"):
        headers = (await browser.ask("GET", path)).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static/..%2fserver.py", "/static//etc/passwd"]
)
async def test_nothing_but_the_pages_own_files_is_served(site: WebSite, path: str) -> None:
    response = await site.browser().session.get(URL(site.base + path, encoded=True))
    assert response.status in (403, 404)
    assert b"import" not in await response.read()


async def test_the_right_password_lets_in(locked: WebSite) -> None:
    browser = await locked.somebody("Ada", PASSWORD)
    assert (await browser.get("/api/session"))["name"] == "Ada"


async def test_a_wrong_password_does_not(locked: WebSite) -> None:
    browser = locked.browser()
    for wrong in ("", "Correct horse battery", PASSWORD + " ", PASSWORD[:-1], "пароль"):
        response = await browser.enter("Ada", wrong)
        assert response.status == 422
        assert (await response.json())["notice"] == "That is not the password."
    assert (await browser.ask("GET", "/api/start")).status == 401


async def test_guessing_is_stopped_and_the_right_password_waits_too(locked: WebSite) -> None:
    browser = locked.browser()
    for _ in range(MOST_ATTEMPTS):
        await browser.enter("Eve", "guess")
    response = await browser.enter("Eve", PASSWORD)
    assert response.status == 422
    assert "Too many" in (await response.json())["notice"]


async def test_a_good_start_forgives_wrong_passwords(locked: WebSite) -> None:
    browser = locked.browser()
    for _ in range(3):
        for _ in range(MOST_ATTEMPTS - 1):
            await browser.enter("Ada", "a typo")
        assert (await browser.enter("Ada", PASSWORD)).ok


async def test_a_new_password_ends_every_session(redis: Redis) -> None:
    token = await Sessions(redis, ttl=DAY, password=PASSWORD).open("Ada", PASSWORD, "")
    assert await Sessions(redis, ttl=DAY, password=PASSWORD).find(token)
    assert await Sessions(redis, ttl=DAY, password="another one").find(token) is None
    assert await Sessions(redis, ttl=DAY).find(token) is None


async def test_the_token_is_not_kept(redis: Redis) -> None:
    token = await Sessions(redis, ttl=DAY).open("Ada", "", "")
    keys = [key.decode() async for key in redis.scan_iter()]
    assert keys
    assert not any(token in key for key in keys)


async def test_signing_out_ends_the_session(site: WebSite) -> None:
    browser = await site.somebody()
    token = next(cookie.value for cookie in browser.session.cookie_jar)
    assert (await browser.ask("DELETE", "/api/session")).ok
    assert (await site.browser().ask("GET", "/api/start", headers={"Cookie": f"imagine_session={token}"})).status == 401


async def test_a_setup_does_not_show_its_password() -> None:
    assert PASSWORD not in repr(SETUP)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Ada", "Ada"),
        ("  Ada \n Lovelace ", "Ada Lovelace"),
        ("A\u202eda\u200b\x00", "Ada"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("👩\u200d🎨", "👩\u200d🎨"),
        ("<b>Ada</b>", "<b>Ada</b>"),
    ],
)
def test_a_name_is_one_visible_line(typed: str, shown: str) -> None:
    assert person_name(typed) == shown


@pytest.mark.parametrize("typed", ["", "   ", "\u200b", "\u200d", "x" * 41])
def test_a_name_is_needed(typed: str) -> None:
    with pytest.raises(Declined):
        person_name(typed)
