"""The Slack double over HTTP: signed deliveries to an unmodified slack-bolt, retries, forgeries, OAuth."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth.installation_store import FileInstallationStore
from slack_sdk.oauth.state_store import FileOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.fakes.slack import Channel, FakeSlack, User, Workspace
from tests.fakes.slack_samples import actions, button

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.fakes.slack_acme"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Handler], Awaitable[str]]]:
    """Serves a handler on a free port and gives its address."""
    runners: list[web.AppRunner] = []

    async def start(handler: Handler) -> str:
        app = web.Application()
        app.router.add_post("/slack/events", handler)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def app(fake_slack: FakeSlack, client: AsyncWebClient, serve: Callable[[Handler], Awaitable[str]]) -> AsyncApp:
    """A Bolt app behind HTTP."""
    bolt = AsyncApp(client=client, signing_secret=fake_slack.app.signing_secret)

    async def handle(request: web.Request) -> web.StreamResponse:
        return await to_aiohttp_response(await bolt.async_dispatch(await to_bolt_request(request)))

    fake_slack.app.request_url = await serve(handle)
    return bolt


async def test_commands_events_and_buttons_arrive_signed(
    fake_slack: FakeSlack, alice: User, general: Channel, app: AsyncApp, client: AsyncWebClient
) -> None:
    heard: list[str] = []

    @app.command("/imagine")
    async def imagine(ack: Any) -> None:
        heard.append("command")
        await ack("yes")

    @app.event("message")
    async def message(event: dict[str, Any]) -> None:
        heard.append("message")

    @app.action("again")
    async def again(ack: Any) -> None:
        heard.append("button")
        await ack()

    assert (await fake_slack.slash(alice, general, "/imagine", "a fox")).answer == {"text": "yes"}
    said = await fake_slack.message(alice, general, "hello")
    await client.chat_postMessage(channel=general.id, text="a fox", blocks=actions(button("Again")))
    shown = next(s for s in fake_slack.channel(alice, general) if s.buttons)
    assert (await fake_slack.press(alice, shown.button("Again"))).acked
    await fake_slack.wait_for(lambda: len(heard) == 3)

    assert said.text == "hello"
    assert set(heard) == {"command", "message", "button"}


async def test_the_address_is_verified_and_probed(fake_slack: FakeSlack, acme: Workspace, app: AsyncApp) -> None:
    assert await fake_slack.verify_url()
    assert (await fake_slack.ssl_check()).status == 200


@pytest.mark.parametrize(
    "forgery", [{"secret": "someone else's"}, {"skew": -330}, {"skew": 330}, {"tamper": True}], ids=str
)
async def test_forged_and_stale_signatures_reach_a_strict_app_and_are_refused(
    fake_slack: FakeSlack, acme: Workspace, app: AsyncApp, forgery: dict[str, Any]
) -> None:
    payload = {"type": "event_callback", "token": "token", "team_id": acme.id, "event": {"type": "app_mention"}}

    assert (await fake_slack.post_signed("events_api", payload, **forgery)).status == 401


async def test_a_replay_is_the_same_bytes_with_the_same_signature(
    fake_slack: FakeSlack, alice: User, general: Channel, app: AsyncApp
) -> None:
    heard: list[str] = []

    @app.event("message")
    async def message(event: dict[str, Any]) -> None:
        heard.append(event["ts"])

    await fake_slack.message(alice, general, "a fox")
    await fake_slack.wait_for(lambda: fake_slack.deliveries()[0].acked)
    answered = await fake_slack.replay(fake_slack.deliveries()[0])
    await fake_slack.wait_for(lambda: len(heard) == 2)

    assert answered.status == 200
    assert len(set(heard)) == 1


async def test_a_failing_app_gets_an_event_four_times_at_slacks_pace(
    fake_slack: FakeSlack, alice: User, general: Channel, serve: Callable[[Handler], Awaitable[str]]
) -> None:
    tries: list[tuple[str | None, str | None]] = []

    async def broken(request: web.Request) -> web.StreamResponse:
        tries.append((request.headers.get("x-slack-retry-num"), request.headers.get("x-slack-retry-reason")))
        return web.Response(status=500)

    fake_slack.app.request_url = await serve(broken)
    await fake_slack.message(alice, general, "a fox")
    await fake_slack.wait_for(lambda: len(tries) == 2)
    fake_slack.clock.advance(59)
    assert len(tries) == 2
    fake_slack.clock.advance(2)
    await fake_slack.wait_for(lambda: len(tries) == 3)
    fake_slack.clock.advance(301)
    await fake_slack.wait_for(fake_slack.deliveries()[0].settled.is_set)

    assert tries == [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]
    assert fake_slack.deliveries()[0].failed == "http_error"


async def test_a_slow_app_gets_the_event_again_and_a_command_only_once(
    fake_slack: FakeSlack, alice: User, general: Channel, serve: Callable[[Handler], Awaitable[str]]
) -> None:
    tries: list[str | None] = []

    async def slow(request: web.Request) -> web.StreamResponse:
        tries.append(request.headers.get("x-slack-retry-reason"))
        if len(tries) == 1:
            await fake_slack.clock.sleep(3600)
        return web.Response()

    fake_slack.app.request_url = await serve(slow)
    fake_slack.outbox.ack_timeout = 0.1
    await fake_slack.message(alice, general, "a fox")
    await fake_slack.wait_for(lambda: fake_slack.deliveries()[0].acked)
    assert tries == [None, "http_timeout"]

    tries.clear()
    assert (await fake_slack.slash(alice, general, "/imagine")).failed == "operation_timeout"
    assert tries == [None]


async def test_a_response_url_works_five_times_within_thirty_minutes(
    fake_slack: FakeSlack, acme: Workspace, alice: User, app: AsyncApp
) -> None:
    @app.command("/imagine")
    async def imagine(ack: Any) -> None:
        await ack()

    elsewhere = fake_slack.new_channel(acme, "elsewhere", [alice], with_bot=False)
    webhook = AsyncWebhookClient((await fake_slack.slash(alice, elsewhere, "/imagine")).payload["response_url"])
    answers = [(await webhook.send(text=f"number {n}")).status_code for n in range(6)]
    assert answers == [200] * 5 + [404]
    assert [shown.private for shown in fake_slack.channel(alice, elsewhere)] == [True] * 5

    late = AsyncWebhookClient((await fake_slack.slash(alice, elsewhere, "/imagine")).payload["response_url"])
    fake_slack.clock.advance(1801)
    assert "expired_url" in (await late.send(text="too late")).body


async def test_a_message_is_replaced_and_deleted_through_its_response_url(
    fake_slack: FakeSlack, alice: User, general: Channel, app: AsyncApp
) -> None:
    @app.command("/imagine")
    async def imagine(ack: Any) -> None:
        await ack(text="sure?", blocks=actions(button("Yes")))

    @app.action("yes")
    async def yes(ack: Any, respond: Any) -> None:
        await ack()
        await respond(text="done", replace_original=True)

    await fake_slack.slash(alice, general, "/imagine")
    (asked,) = fake_slack.channel(alice, general)
    await fake_slack.press(alice, asked.button("Yes"))
    await fake_slack.wait_for(lambda: [s.text for s in fake_slack.channel(alice, general)] == ["done"])


async def test_a_response_url_speaks_in_the_channel_and_takes_a_message_away(
    fake_slack: FakeSlack, acme: Workspace, alice: User, general: Channel, app: AsyncApp, client: AsyncWebClient
) -> None:
    @app.action("share")
    async def share(ack: Any, respond: Any) -> None:
        await ack()
        await respond(text="look, everyone", response_type="in_channel", replace_original=False)
        await respond(delete_original=True)

    bob = fake_slack.person(acme, "bob")
    ask = actions(button("Share"))
    await client.chat_postEphemeral(channel=general.id, user=alice.id, text="share it?", blocks=ask)
    await fake_slack.press(alice, fake_slack.channel(alice, general)[0].button("Share"))
    await fake_slack.wait_for(lambda: len(fake_slack.calls("response_url")) == 2)

    assert [shown.text for shown in fake_slack.channel(alice, general)] == ["look, everyone"]
    assert [shown.text for shown in fake_slack.channel(bob, general)] == ["look, everyone"]


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
async def test_installing_exchanges_a_code_once_and_rotates_tokens(fake_slack: FakeSlack) -> None:
    fake_slack.app.token_rotation = True
    beta = fake_slack.workspace("Beta", install=False)
    admin = fake_slack.person(beta, "admin", is_admin=True)
    client = AsyncWebClient(base_url=fake_slack.api_url)
    ours = {"client_id": fake_slack.app.client_id, "client_secret": fake_slack.app.client_secret}

    where = (
        "https://slack.com/oauth/v2/authorize?scope=commands,chat:write,files:read&state=s1&redirect_uri=https://a.b/c"
    )
    back = fake_slack.approve(where, admin, refused=frozenset({"files:read"}))
    query = dict(parse_qsl(urlsplit(back).query))
    assert query["state"] == "s1"
    with pytest.raises(SlackApiError, match="bad_client_secret"):
        await client.oauth_v2_access(client_id=ours["client_id"], client_secret="wrong", code=query["code"])

    granted = await client.oauth_v2_access(**ours, code=query["code"], redirect_uri="https://a.b/c")
    assert granted["scope"] == "chat:write,commands"
    with pytest.raises(SlackApiError, match="invalid_code"):
        await client.oauth_v2_access(**ours, code=query["code"], redirect_uri="https://a.b/c")
    assert (await client.auth_test(token=granted["access_token"]))["team_id"] == beta.id

    refresh = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}
    renewed = await client.oauth_v2_access(**ours, **refresh)
    with pytest.raises(SlackApiError, match="invalid_refresh_token"):
        await client.oauth_v2_access(**ours, **refresh)
    fake_slack.clock.advance(43_201)
    with pytest.raises(SlackApiError, match="token_expired"):
        await client.auth_test(token=renewed["access_token"])


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
async def test_bolts_oauth_flow_installs_into_each_workspace(
    fake_slack: FakeSlack, tmp_path: Path, serve: Callable[[Handler], Awaitable[str]]
) -> None:
    settings = AsyncOAuthSettings(
        client_id=fake_slack.app.client_id,
        client_secret=fake_slack.app.client_secret,
        scopes=["commands", "chat:write"],
        installation_store=FileInstallationStore(base_dir=str(tmp_path), client_id=fake_slack.app.client_id),
        state_store=FileOAuthStateStore(expiration_seconds=60, base_dir=str(tmp_path)),
    )
    client = AsyncWebClient(base_url=fake_slack.api_url)
    flow = AsyncOAuthFlow(client=client, settings=settings)
    bolt = AsyncApp(client=client, oauth_flow=flow, signing_secret=fake_slack.app.signing_secret)

    @bolt.command("/imagine")
    async def imagine(ack: Any, client: AsyncWebClient, command: dict[str, Any]) -> None:
        await ack()
        await client.chat_postMessage(channel=command["channel_id"], text=f"hello {command['team_domain']}")

    async def handle(request: web.Request) -> web.StreamResponse:
        return await to_aiohttp_response(await bolt.async_dispatch(await to_bolt_request(request)))

    fake_slack.app.request_url = await serve(handle)
    for name in ("Beta", "Gamma"):
        team = fake_slack.workspace(name, install=False)
        admin = fake_slack.person(team, "admin", is_admin=True)
        page = await flow.handle_installation(AsyncBoltRequest(body="", query={}))
        authorize = page.headers.get("location", re.findall(r'href="(https://[^"]+)"', page.body))[0]
        back = fake_slack.approve(authorize.replace("&amp;", "&"), admin)
        cookie: dict[str, str | Sequence[str]] = {"cookie": page.headers["set-cookie"][0].partition(";")[0]}
        query = urlsplit(back).query
        done = await flow.handle_callback(AsyncBoltRequest(body="", query=query, headers=cookie))
        assert done.status == 200, done.body
        room = fake_slack.new_channel(team, "general", [admin])
        assert (await fake_slack.slash(admin, room, "/imagine")).acked
        await fake_slack.wait_for(lambda admin=admin, room=room: fake_slack.channel(admin, room))  # type: ignore[misc]
        assert [shown.text for shown in fake_slack.channel(admin, room)] == [f"hello {name.lower()}"]


async def test_an_org_wide_install_covers_every_workspace_of_the_enterprise(
    fake_slack: FakeSlack, app: AsyncApp
) -> None:
    grid = fake_slack.enterprise("Grid")
    east = fake_slack.workspace("East", enterprise=grid, install=False)
    west = fake_slack.workspace("West", enterprise=grid, install=False)
    token = fake_slack.install(east, org_wide=True)
    bob = fake_slack.person(west, "bob")
    room = fake_slack.new_channel(west, "room", [bob])
    client = AsyncWebClient(token.value, base_url=fake_slack.api_url)

    assert (await client.auth_test())["is_enterprise_install"] is True
    await client.chat_postMessage(channel=room.id, text="hello west")
    assert [shown.text for shown in fake_slack.channel(bob, room)] == ["hello west"]

    delivery = await fake_slack.slash(bob, room, "/imagine")
    assert delivery.payload["is_enterprise_install"] == "true"
    assert delivery.payload["enterprise_id"] == grid.id
    assert (await fake_slack.shortcut(bob, "any")).payload["team"] is None


async def test_uninstalling_ends_the_token_and_tells_the_app(
    fake_slack: FakeSlack, acme: Workspace, app: AsyncApp, client: AsyncWebClient
) -> None:
    sent = fake_slack.uninstall(acme)

    with pytest.raises(SlackApiError, match="account_inactive"):
        await client.auth_test()
    assert [delivery.name for delivery in sent] == ["tokens_revoked", "app_uninstalled"]
