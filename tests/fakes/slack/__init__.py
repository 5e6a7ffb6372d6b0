"""A Slack on loopback: unmodified slack-bolt and slack-sdk connect to it through settings alone.

It knows Slack's rules and nothing of any app. A test arranges a workspace, acts as its people, and looks at what
they see::

    async with FakeSlack() as fake:                       # or the fixture `fake_slack`
        team = fake.workspace("Acme")
        alice = fake.person(team, "alice", locale="de-DE")
        general = fake.new_channel(team, "general", [alice])
        client = AsyncWebClient(team.bot_token, base_url=fake.api_url)
        ...                                               # connect the app: fake.app.app_token, .signing_secret
        await fake.slash(alice, general, "/imagine", "a fox")
        await fake.wait_for(lambda: fake.pictures(alice, general))
        await fake.press(alice, fake.channel(alice, general)[0].button("Again"))

Where to connect
    `fake.api_url` is the `base_url`; `fake.app` (`App`) holds client id, secrets, app token, subscriptions.
    Socket Mode unless `fake.app.request_url` is set: then signed HTTP. `fake.base_url` is also the only host of
    files, uploads and response_urls. `/oauth/v2/authorize` is not a page: see `approve`.

The world (`admin.py`)
    workspace(name, *, team_id="", enterprise=None, install=True, scopes=None) -> Workspace
    enterprise(name) -> Enterprise
    person(team, name, *, user_id="", locale="en-US", is_admin=False) -> User
    new_channel(team, name, members=None, *, channel_id="", private=False, with_bot=True, shared=False) -> Channel
    invite(channel, user=None), remove(channel, user=None)      None is the app's bot
    archive(channel), deactivate(user), tombstone(file)
    send_event(team, event) -> Delivery                         any event the double has no verb for
    team.storage_full, team.uploads_disabled, team.max_file_bytes

Installing
    install(team, *, scopes=None, org_wide=False) -> Token
    approve(url, installer, *, refused=frozenset(), org_wide=False) -> str      redirect with code and state
    uninstall(team) -> list[Delivery]                           tokens die, tokens_revoked and app_uninstalled

Acting as a person (`people.py`, `interacting.py`)
    async message(user, channel, typed="", *, files=None, thread=None) -> Message
    async mention(user, channel, typed="", *, files=None, thread=None) -> Message
    async edit(message, typed), async delete(message)
    async slash(user, channel, command, typed="") -> Delivery
    async press(user, message_or_view_or_Element, action_id="", *, value=None) -> Delivery
    async choose(user, message_or_view_or_Element, value, action_id="") -> Delivery
    element(place, action_id, *, value=None) -> Element          keep one to press it when it has gone
    async shortcut(user, callback_id), async message_shortcut(user, message, callback_id) -> Delivery
    modal(user) -> View | None
    async submit(user, values=None, *, files=None) -> Delivery   values and files by action_id
    async close_modal(user, *, everything=False) -> Delivery | None
    async open_home(user, tab="home") -> Delivery | None
    async open_assistant(user, *, looking_at=None) -> Message    root of the new agent thread
    async upload(user, Upload(name, data, mimetype=None, alt="", remote=False)) -> File

What a person sees (`screen.py`)
    channel(user, channel), thread(user, root, channel=None), everything(user, channel) -> list[Shown]
    look(user, message) -> Shown      text, fallback, files, images, pictures, buttons, button(name), private, replies
    pictures(user, channel) -> list[bytes]
    dm(user) -> Channel, home(user) -> View | None               View.blocks; press and choose work on it
    assistant_threads[(channel.id, ts)] -> AssistantThread       statuses, loading_messages, prompts, title
    assistant_status(root) -> str                                empty two minutes after it was set

What was exchanged
    requests, calls(method, *, team=None) -> list[Request]       also "upload", "download", "response_url"
    deliveries(name="") -> list[Delivery]                        attempts, acked, latency, answer, failed
    latencies(name="") -> list[float]
    violations: list[Violation]       blocks, texts and uploads that Slack refuses or advises against
    pings: list[Ping]                 whom the app's messages notified
    limits.over                       how often each rate limit was passed
    async wait_for(condition, *, timeout=5.0, what="")

Failures and time
    fail(method, *, times=1, drop=None, error=None, status=None, retry_after=None, delay=0.0, when=None)
    limits.enforce(*, channel_burst=1)
    clock.now(), clock.advance(seconds)                          retries, expiries and processing follow it
    files.hold(), files.release(), files.delay, files.heic_thumbs, files.redirect_to
    outbox.ack_timeout, outbox.again(delivery, *, number=1, reason="http_timeout")
    sockets.open, sockets.ever_opened, async sockets.refresh(reason="warning", *, close_after=10.0)
    async sockets.cut(*, number=None)

HTTP by hand (`http_delivery.py`)
    async post_signed(kind, payload, *, secret="", skew=0.0, tamper=False) -> Answered
    async post_raw(body, headers) -> Answered, async replay(delivery) -> Answered
    async verify_url() -> bool, async ssl_check() -> Answered
"""

from tests.fakes.slack.blocks import message_problems, view_problems
from tests.fakes.slack.delivery import Attempt, Delivery
from tests.fakes.slack.fake import FakeSlack
from tests.fakes.slack.faults import Request
from tests.fakes.slack.http_delivery import Answered
from tests.fakes.slack.interacting import Element
from tests.fakes.slack.model import (
    App,
    Channel,
    Enterprise,
    File,
    Message,
    Ping,
    Upload,
    User,
    View,
    Violation,
    Workspace,
)
from tests.fakes.slack.screen import Shown

__all__ = [
    "Answered",
    "App",
    "Attempt",
    "Channel",
    "Delivery",
    "Element",
    "Enterprise",
    "FakeSlack",
    "File",
    "Message",
    "Ping",
    "Request",
    "Shown",
    "Upload",
    "User",
    "View",
    "Violation",
    "Workspace",
    "message_problems",
    "view_problems",
]
