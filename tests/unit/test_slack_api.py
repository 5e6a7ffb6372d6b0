"""What Slack's answers mean for what is done next: try again, never again, or look first."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from redis.asyncio import Redis

from adapters.slack.files import Files
from adapters.slack.offers import Offers
from adapters.slack.people import People
from adapters.slack.places import Places
from adapters.slack.posting import Poster
from adapters.slack.posts import Posts
from adapters.slack.throttle import Throttle
from adapters.slack.tokens import OneWorkspace
from adapters.slack.uploads import Uploads
from adapters.slack.web_api import Refused, Unsure, WebApi, make_client
from core.errors import AnswerLost, PlatformBusy, PlatformGone
from core.fetching import Fetcher
from core.pictures import Picture
from core.ports import Capabilities, Image
from core.turns import Reference, Source
from tests.fakes.provider import FakeImages, png
from tests.fakes.slack import FakeSlack, Upload, Workspace

pytest_plugins = ["tests.fakes.slack.fixtures"]


@pytest.fixture
def team(fake_slack: FakeSlack) -> Workspace:
    return fake_slack.workspace("Acme")


@pytest.fixture
async def api(fake_slack: FakeSlack, team: Workspace, redis: Redis) -> AsyncIterator[WebApi]:
    async with aiohttp.ClientSession() as session:
        tokens = OneWorkspace(make_client(session, fake_slack.api_url), team.bot_token)
        yield WebApi(session, fake_slack.api_url, tokens, redis)


def image(name: str = "fox.png") -> Image:
    return Image(Picture.of(png(), "image/png", (48, 48)), "a fox", name)


# -- the Web API


async def test_a_read_that_breaks_is_tried_again_and_a_write_is_not(
    api: WebApi, fake_slack: FakeSlack, team: Workspace
) -> None:
    channel = fake_slack.new_channel(team, "general", [])
    fake_slack.fail("chat.postMessage", drop="after")
    with pytest.raises(Unsure):
        await api.call(team.id, "chat.postMessage", channel=channel.id, text="once")
    assert len(fake_slack.calls("chat.postMessage")) == 1
    fake_slack.fail("conversations.history", drop="before")
    page = await api.call(team.id, "conversations.history", channel=channel.id)
    assert [message["text"] for message in page["messages"]] == ["once"]


async def test_a_read_that_slack_cannot_answer_now_is_for_later(
    api: WebApi, fake_slack: FakeSlack, team: Workspace
) -> None:
    fake_slack.fail("conversations.history", status=503, times=9)
    channel = fake_slack.new_channel(team, "general", [])
    with pytest.raises(PlatformBusy):
        await api.call(team.id, "conversations.history", channel=channel.id)
    fake_slack.fail("conversations.replies", drop="before", times=9)
    with pytest.raises(PlatformBusy):
        await api.call(team.id, "conversations.replies", channel=channel.id, ts="1.1")


async def test_a_long_rate_limit_is_kept_to_by_everybody_without_asking_again(
    api: WebApi, fake_slack: FakeSlack, team: Workspace, redis: Redis
) -> None:
    channel = fake_slack.new_channel(team, "general", [])
    fake_slack.fail("chat.postMessage", retry_after=30)
    with pytest.raises(PlatformBusy) as busy:
        await api.call(team.id, "chat.postMessage", channel=channel.id, text="hello")
    assert busy.value.retry_after == 30
    other = WebApi(api.session, api.base_url, api.tokens, redis)
    with pytest.raises(PlatformBusy) as again:
        await other.call(team.id, "chat.postMessage", channel=channel.id, text="hello")
    assert 25 < (again.value.retry_after or 0) <= 30
    assert len(fake_slack.calls("chat.postMessage")) == 1
    await other.call(team.id, "conversations.history", channel=channel.id)


async def test_a_slack_that_cannot_be_reached_did_nothing(team: Workspace, api: WebApi, redis: Redis) -> None:
    await api.installation(team.id)
    away = WebApi(api.session, "http://127.0.0.1:1/api/", api.tokens, redis)
    with pytest.raises(PlatformBusy):
        await away.call(team.id, "chat.postMessage", channel="C1", text="hello")


async def test_a_dead_token_is_not_believed_in_any_longer(api: WebApi, fake_slack: FakeSlack, team: Workspace) -> None:
    await api.installation(team.id)
    fake_slack.uninstall(team)
    with pytest.raises(Refused):
        await api.call(team.id, "users.info", user="U1")
    with pytest.raises(Refused, match="not_installed"):
        await api.installation(team.id)


async def test_a_bot_that_cannot_ask_who_it_is_asks_later(api: WebApi, fake_slack: FakeSlack, team: Workspace) -> None:
    fake_slack.fail("auth.test", drop="before", times=9)
    with pytest.raises(PlatformBusy):
        await api.installation(team.id)


async def test_one_workspace_is_not_another(api: WebApi, fake_slack: FakeSlack) -> None:
    other = fake_slack.workspace("Bolts")
    with pytest.raises(Refused, match="not_installed"):
        await api.call(other.id, "users.info", user="U1")


# -- uploads


@pytest.fixture
def uploads(api: WebApi, fake_slack: FakeSlack, redis: Redis) -> Uploads:
    return Uploads(api, redis, [fake_slack.base_url.split("//")[1]])


async def test_bytes_go_to_no_host_that_is_not_slacks(api: WebApi, team: Workspace, redis: Redis) -> None:
    strict = Uploads(api, redis, ["files.slack.com"])
    with pytest.raises(Refused, match="unknown_upload_host"):
        await strict.bring("k", team.id, [image()])


@pytest.mark.parametrize("step", ["files.getUploadURLExternal", "upload", "files.completeUploadExternal"])
async def test_an_upload_that_broke_is_one_file_in_the_end(
    uploads: Uploads, fake_slack: FakeSlack, team: Workspace, step: str
) -> None:
    fake_slack.fail(step, drop="after")
    with pytest.raises(PlatformBusy):
        await uploads.bring("k", team.id, [image()])
    (shown,) = await uploads.bring("k", team.id, [image()])
    assert await uploads.bring("k", team.id, [image()]) == (shown,)
    # Begun anew until it is written down that its bytes have arrived; nobody sees what is not complete.
    expected = {"files.getUploadURLExternal": (2, 1, 1), "upload": (2, 2, 1), "files.completeUploadExternal": (1, 1, 2)}
    assert [len(fake_slack.calls(method)) for method in expected] == list(expected[step])


async def test_an_upload_that_slack_has_forgotten_is_begun_anew(
    uploads: Uploads, fake_slack: FakeSlack, team: Workspace
) -> None:
    fake_slack.fail("files.completeUploadExternal", error="file_not_found", times=2)
    fake_slack.fail("files.info", error="file_not_found", times=2)
    with pytest.raises(PlatformBusy):
        await uploads.bring("k", team.id, [image()])
    await uploads.bring("k", team.id, [image()])
    assert len(fake_slack.calls("upload")) == 2


async def test_an_upload_that_slack_will_not_have_is_given_up(
    uploads: Uploads, fake_slack: FakeSlack, team: Workspace
) -> None:
    fake_slack.fail("upload", status=403)
    with pytest.raises(Refused, match="http_403"):
        await uploads.bring("k", team.id, [image()])
    fake_slack.fail("files.completeUploadExternal", error="restricted_action")
    with pytest.raises(Refused, match="restricted_action"):
        await uploads.bring("k", team.id, [image()])


# -- files


@pytest.fixture
async def files(api: WebApi, fake_slack: FakeSlack) -> AsyncIterator[Files]:
    async with Fetcher() as fetcher:
        yield Files(api, fetcher, [fake_slack.base_url.split("//")[1]])


def reference(file: str = "F0NONE", url: str = "") -> Reference:
    return Reference("cat.png", url, "C1", "1.1", file)


@pytest.mark.parametrize(
    ("described", "reason"),
    [
        ("file_not_found", "gone"),
        ("missing_scope", "login_page"),
    ],
)
async def test_a_file_that_is_not_shown_to_us_says_why(
    files: Files, fake_slack: FakeSlack, team: Workspace, described: str, reason: str
) -> None:
    fake_slack.fail("files.info", error=described)
    with pytest.raises(PlatformGone) as gone:
        await files.fetch(reference(), team.id)
    assert gone.value.reason == reason


async def test_a_file_of_a_workspace_that_we_have_left_is_gone(files: Files, fake_slack: FakeSlack) -> None:
    with pytest.raises(PlatformGone) as gone:
        await files.fetch(reference(url=fake_slack.base_url + "/files/x"), "T0ELSE")
    assert gone.value.reason == "gone"


async def test_a_link_to_another_host_is_never_followed(files: Files, team: Workspace) -> None:
    with pytest.raises(PlatformGone) as gone:
        await files.fetch(reference(url="https://example.com/cat.png"), team.id)
    assert gone.value.reason == "not_allowed"


async def test_a_download_that_slack_cannot_serve_now_is_for_later(
    files: Files, fake_slack: FakeSlack, team: Workspace
) -> None:
    alice = fake_slack.person(team, "alice")
    file = await fake_slack.upload(alice, Upload("cat.png", png()))
    file.given_to_app = True
    url = fake_slack.files.describe(file, fake_slack.base_url)["url_private"]
    fake_slack.fail("download", status=503, times=9)
    with pytest.raises(PlatformBusy):
        await files.fetch(reference(file.id, url), team.id)


async def test_a_link_that_has_died_is_found_again_by_the_id_of_its_file(
    files: Files, fake_slack: FakeSlack, team: Workspace
) -> None:
    alice = fake_slack.person(team, "alice")
    file = await fake_slack.upload(alice, Upload("cat.png", png()))
    file.given_to_app = True
    dead = fake_slack.base_url + f"/files-pri/{team.id}-F0NONE/cat.png"
    assert await files.fetch(reference(file.id, dead), team.id) == png()
    fake_slack.tombstone(file)
    with pytest.raises(PlatformGone) as gone:
        await files.fetch(reference(file.id, dead), team.id)
    assert gone.value.reason == "gone"


async def test_a_file_that_is_kept_outside_slack_says_so(files: Files, fake_slack: FakeSlack, team: Workspace) -> None:
    alice = fake_slack.person(team, "alice")
    file = await fake_slack.upload(alice, Upload("drive.png", png(), remote=True))
    file.given_to_app = True
    with pytest.raises(PlatformGone) as gone:
        await files.fetch(reference(file.id), team.id)
    assert gone.value.reason == "elsewhere"


async def test_an_avatar_comes_from_slacks_own_hosts_alone(files: Files, team: Workspace) -> None:
    avatar = Reference("bob", "https://example.com/bob.png", source=Source.AVATAR)
    with pytest.raises(PlatformGone) as gone:
        await files.fetch(avatar, team.id)
    assert gone.value.reason == "not_allowed"


# -- people, places, offers


async def test_somebody_whom_slack_does_not_tell_of_is_still_answered(
    api: WebApi, fake_slack: FakeSlack, team: Workspace, redis: Redis
) -> None:
    people = People(api, redis)
    fake_slack.fail("users.info", error="user_not_found")
    assert (await people.of(team.id, "U0NONE")).locale == "en-US"
    alice = fake_slack.person(team, "alice", locale="de-DE")
    assert (await people.of(team.id, alice.id)).locale == "de-DE"
    await people.close()


async def test_somebody_who_is_asked_about_when_we_stop_holds_nothing_up(
    api: WebApi, fake_slack: FakeSlack, team: Workspace, redis: Redis
) -> None:
    people = People(api, redis)
    fake_slack.fail("users.info", delay=600)
    assert (await people.of(team.id, "U1")).name == ""
    await asyncio.wait_for(people.close(), 5)


async def test_direct_messages_that_may_have_been_opened_are_opened_again(
    api: WebApi, fake_slack: FakeSlack, team: Workspace, redis: Redis
) -> None:
    alice = fake_slack.person(team, "alice")
    places = Places(api, Poster(api, Posts(redis, ttl=60), Throttle(redis)))
    fake_slack.fail("conversations.open", drop="after")
    with pytest.raises(PlatformBusy):
        await places.direct(team.id, alice.id)
    assert await places.direct(team.id, alice.id) == fake_slack.dm(alice).id
    fake_slack.deactivate(alice)
    with pytest.raises(PlatformGone):
        await places.direct(team.id, alice.id)


class Silent(FakeImages):
    """A service that does not answer questions."""

    async def models(self) -> list[str]:
        raise AnswerLost

    async def capabilities(self, model: str) -> Capabilities:
        raise AnswerLost


async def test_a_form_needs_no_answer_of_the_image_service() -> None:
    silent = Offers(Silent(), default_model="m1", most_images=4)
    assert await silent.models() == ("m1",)
    assert await silent.ratios("m1") == ()


async def test_what_can_be_chosen_is_asked_for_once_in_a_while() -> None:
    images = FakeImages()
    offers = Offers(images, default_model="m2", most_images=4)
    assert await offers.models() == ("m2", "m1")
    assert await offers.models() == ("m2", "m1")
    assert await offers.ratios("unknown") == ()
