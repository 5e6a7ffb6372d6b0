"""Many workspaces: installing, renewing tokens, organisations, and going again."""

import io
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
from cryptography.fernet import Fernet, MultiFernet
from yarl import URL

from adapters.slack.installations import InstalledTokens, Kept
from adapters.slack.scopes import NEEDED
from adapters.slack.start import Client
from bot.logs import configure_logs
from bot.settings import Settings
from tests.e2e.slack_world import Bot, World
from tests.fakes.provider import FakeImages
from tests.fakes.slack import FakeSlack, User

pytest_plugins = ["tests.fakes.slack.fixtures"]
pytestmark = [
    pytest.mark.lasting_keys("imagine:1:slack:installation:", "imagine:1:slack:settings:"),
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),
]


class Installer:
    """A bot that nobody has installed yet, and people who do."""

    def __init__(self, fake: FakeSlack, bot: Bot, keys: list[Fernet]) -> None:
        self.fake = fake
        self.bot = bot
        self.keys = keys

    async def install(self, installer: User, *, org_wide: bool = False, forget_cookie: bool = False) -> int:
        """Walk through the pages; gives the last one's status."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as browser:
            async with browser.get(self.bot.address + "/slack/install") as page:
                html = await page.text()
                cookie = page.headers["Set-Cookie"].split(";")[0]
            link = html.split('<a href="', 1)[1].split('"', 1)[0].replace("&amp;", "&")
            back = self.fake.approve(link, installer, org_wide=org_wide)
            back = back or ""
            url = URL(self.bot.address + "/slack/oauth_redirect").with_query(dict(URL(back).query))
            headers = {} if forget_cookie else {"Cookie": cookie}
            async with browser.get(url, headers=headers) as done:
                self.last = (url, headers)
                return done.status

    async def come_back(self) -> int:
        """Load the last page once more."""
        url, headers = self.last
        async with aiohttp.ClientSession() as browser, browser.get(url, headers=headers) as page:
            return page.status

    def world(self, user: User, channel_id: str = "C0SAME") -> World:
        """A channel of this person's workspace."""
        channel = self.fake.new_channel(user.team, "general", [user], channel_id=channel_id)
        return World(self.fake, self.bot, user.team, channel, user)

    @property
    def tokens(self) -> InstalledTokens:
        held = self.bot.chat.api.tokens
        assert isinstance(held, InstalledTokens)
        return held


@pytest.fixture
async def installer(fake_slack: FakeSlack, redis_url: str) -> AsyncIterator[Installer]:
    keys = [Fernet(Fernet.generate_key())]
    client = Client(fake_slack.app.client_id, fake_slack.app.client_secret, MultiFernet(keys))
    bot = await Bot(fake_slack, redis_url, FakeImages(), client=client, http=True).open()
    yield Installer(fake_slack, bot, keys)
    await bot.close()


async def somebody(fake: FakeSlack, name: str, **options: object) -> User:
    team = fake.workspace(name, install=False, **options)  # type: ignore[arg-type]
    return fake.person(team, f"{name.lower()}-admin", is_admin=True)


async def test_two_workspaces_with_the_same_channel_ids_are_kept_apart(installer: Installer) -> None:
    ada, bob = await somebody(installer.fake, "Acme"), await somebody(installer.fake, "Bolts")
    assert await installer.install(ada) == 200
    assert await installer.install(bob) == 200
    first, second = installer.world(ada), installer.world(bob)
    await first.imagine("a fox")
    await second.imagine("a wolf")
    (fox,), (wolf,) = await first.pictures(), await second.pictures()
    assert (fox.files[0].name, wolf.files[0].name) == ("a-fox.png", "a-wolf.png")
    await first.reply("make it night", fox)
    await first.pictures(2)
    assert len(second.fake.pictures(bob, second.channel)) == 1


async def test_a_state_is_good_once_and_in_one_browser(installer: Installer) -> None:
    ada = await somebody(installer.fake, "Acme")
    assert await installer.install(ada, forget_cookie=True) == 400
    assert await installer.install(ada) == 200
    assert await installer.come_back() == 401


async def test_a_state_does_not_live_long(installer: Installer) -> None:
    ada = await somebody(installer.fake, "Acme")
    assert await installer.install(ada) == 200
    keys = [key async for key in installer.bot.core.redis.scan_iter("imagine:1:slack:state:*")]
    assert keys == []


async def test_tokens_are_kept_encrypted(installer: Installer) -> None:
    ada = await somebody(installer.fake, "Acme")
    await installer.install(ada)
    token = ada.team.bot_token
    async for name in installer.bot.core.redis.scan_iter("*"):
        if await installer.bot.core.redis.type(name) == b"string":
            assert token.encode() not in (await installer.bot.core.redis.get(name) or b"")
    found = await installer.tokens.of(ada.team.id)
    assert found is not None
    assert found.token == token
    assert token not in repr(found)


async def test_a_key_is_changed_by_putting_a_new_one_in_front(installer: Installer) -> None:
    ada = await somebody(installer.fake, "Acme")
    await installer.install(ada)
    fresh = Fernet(Fernet.generate_key())
    store = installer.tokens.installations
    store._keys = MultiFernet([fresh, *installer.keys])  # noqa: SLF001 - as a restart with the new setting would
    found = await store.find(ada.team.id)
    assert found is not None
    await store.keep(found)
    store._keys = MultiFernet([fresh])  # noqa: SLF001
    assert await store.find(ada.team.id) == found


async def test_an_organisation_installs_once_for_all_its_workspaces(installer: Installer) -> None:
    fake = installer.fake
    org = fake.enterprise("Big")
    ada = await somebody(fake, "North", enterprise=org)
    bob = await somebody(fake, "South", enterprise=org)
    assert await installer.install(ada, org_wide=True) == 200
    north, south = installer.world(ada, "C0NORTH"), installer.world(bob, "C0SOUTH")
    await north.imagine("a fox")
    await south.imagine("a wolf")
    await north.pictures()
    (wolf,) = await south.pictures()
    await south.fake.press(bob, wolf.button("Again"))
    await south.pictures(2)


async def test_a_token_is_renewed_before_it_expires_and_by_one_process(installer: Installer) -> None:
    fake = installer.fake
    fake.app.token_rotation = True
    ada = await somebody(fake, "Acme")
    await installer.install(ada)
    store, old = installer.tokens.installations, ada.team.bot_token
    kept = await store.find(ada.team.id)
    assert kept is not None
    assert kept.expires_at
    await store.keep(replace(kept, expires_at=int(time.time()) + 60))
    installer.tokens._cache.clear()  # noqa: SLF001 - half a minute later
    world = installer.world(ada)
    await world.imagine("a fox")
    await world.pictures()
    after = await store.find(ada.team.id)
    assert after is not None
    assert after.token != old
    assert after.expires_at > time.time() + 10_000
    refreshed = [r for r in fake.calls("oauth.v2.access") if r.args.get("grant_type") == "refresh_token"]
    assert len(refreshed) == 1


async def test_an_app_that_was_removed_forgets_the_workspace(installer: Installer) -> None:
    ada = await somebody(installer.fake, "Acme")
    await installer.install(ada)
    installer.fake.uninstall(ada.team)
    await installer.fake.wait_for(lambda: all(d.settled.is_set() for d in installer.fake.outbox.sent))
    assert await installer.tokens.of(ada.team.id) is None
    assert await installer.install(ada) == 200
    world = installer.world(ada)
    await world.imagine("a fox")
    await world.pictures()


async def test_late_word_of_a_removal_does_not_undo_a_new_installation(installer: Installer) -> None:
    ada = await somebody(installer.fake, "Acme")
    await installer.install(ada)
    event = {"type": "tokens_revoked", "tokens": {"bot": [ada.team.bot_user_id]}}
    delivery = installer.fake.send_event(ada.team, event)
    await delivery.settled.wait()
    assert await installer.tokens.of(ada.team.id) is not None


async def test_an_app_that_is_removed_in_the_middle_of_a_turn_ends_it(installer: Installer) -> None:
    ada = await somebody(installer.fake, "Acme")
    await installer.install(ada)
    world = installer.world(ada)
    installer.bot.images.held = True
    await world.imagine("a fox")
    await world.until(lambda: installer.bot.images.sent)
    installer.fake.uninstall(ada.team)
    await world.until(lambda: all(delivery.settled.is_set() for delivery in installer.fake.outbox.sent))
    installer.bot.images.release.set()
    await world.quiet()
    assert len(installer.bot.images.made) == 1
    assert installer.fake.pictures(ada, world.channel) == []
    assert await installer.tokens.of(ada.team.id) is None
    assert await installer.install(ada) == 200
    await world.imagine("a wolf")
    assert len(await world.pictures()) == 1, "nothing of before comes late"


async def test_the_install_page_asks_for_what_is_needed(installer: Installer) -> None:
    async with aiohttp.ClientSession() as browser, browser.get(installer.bot.address + "/slack/install") as page:
        html = await page.text()
    assert all(scope in html for scope in NEEDED)
    assert page.headers["X-Frame-Options"] == "DENY"


async def test_behind_a_proxy_people_are_sent_back_to_the_public_address(installer: Installer) -> None:
    await installer.bot.close()
    public = "https://imagine.example.com"
    client = installer.bot.client
    installer.bot = await Bot(
        installer.fake, installer.bot.redis_url, FakeImages(), client=client, http=True, public_url=public
    ).open()
    async with aiohttp.ClientSession() as browser, browser.get(installer.bot.address + "/slack/install") as page:
        html = await page.text()
    link = URL(html.split('<a href="', 1)[1].split('"', 1)[0].replace("&amp;", "&"))
    assert link.query["redirect_uri"] == f"{public}/slack/oauth_redirect"
    ada = await somebody(installer.fake, "Acme")
    assert await installer.install(ada) == 200, "the code is exchanged with the same address"


@pytest.mark.usefixtures("_logging_restored")
@pytest.mark.parametrize("http", [True, False], ids=["http", "sockets"])
async def test_no_secret_is_logged_however_much_is_logged(fake_slack: FakeSlack, redis_url: str, *, http: bool) -> None:
    """An installation, a command, a button and a renewed token, with everything logged that there is."""
    fake, app = fake_slack, fake_slack.app
    app.token_rotation = True
    log = io.StringIO()
    settings = Settings(
        slack_client_id=app.client_id,
        slack_client_secret=app.client_secret,
        slack_signing_secret=app.signing_secret,
        slack_app_token=app.app_token,
        log_level="debug",
        log_format="json",
    )
    configure_logs(settings, log)
    client = Client(app.client_id, app.client_secret, MultiFernet([Fernet(Fernet.generate_key())]))
    bot = await Bot(fake, redis_url, FakeImages(), client=client, http=True).open()
    installer = Installer(fake, bot, [])
    ada = await somebody(fake, "Acme")
    assert await installer.install(ada) == 200
    if not http:
        await bot.close()
        fake.app.request_url = None
        installer.bot = bot = await Bot(fake, redis_url, FakeImages(), client=client).open()
    kept = await installer.tokens.installations.find(ada.team.id)
    assert kept is not None
    await installer.tokens.installations.keep(replace(kept, expires_at=int(time.time()) + 60))
    await installer.tokens.died(ada.team.id, kept.token)
    world = installer.world(ada)
    picture = await world.first_picture()
    await fake.press(ada, picture.button("Again"))
    await world.pictures(2)
    await bot.close()
    asked = [request.args for request in fake.calls("oauth.v2.access")]
    answers = [request.answer for request in fake.calls("oauth.v2.access")]
    assert [args.get("grant_type") for args in asked] == [None, "refresh_token"]
    secrets = {
        *(app.client_secret, app.signing_secret, app.app_token),
        *(str(answer[name]) for answer in answers for name in ("access_token", "refresh_token")),
        *(str(args["code"]) for args in asked if "code" in args),
        *(name.rpartition("/")[2] for name in fake.response_urls),
    }
    assert len(secrets) >= 9
    assert '"level": "debug"' in log.getvalue(), "everything is logged"
    assert [line for line in log.getvalue().splitlines() if any(secret in line for secret in secrets)] == []


def test_an_installation_shows_no_token() -> None:
    assert "xoxb" not in repr(Kept("xoxb-secret", "U", "B", refresh="xoxe-1-secret"))
