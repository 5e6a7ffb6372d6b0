"""The Slack double lets people use an unmodified slack-bolt app over Socket Mode."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import Channel, FakeSlack, Upload, User, Workspace
from tests.fakes.slack_samples import actions, button, picture

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.fakes.slack_acme"]


MODAL: dict[str, Any] = {
    "type": "modal",
    "callback_id": "imagine",
    "notify_on_close": True,
    "title": {"type": "plain_text", "text": "Imagine"},
    "submit": {"type": "plain_text", "text": "Go"},
    "blocks": [
        {
            "type": "input",
            "block_id": "what",
            "label": {"type": "plain_text", "text": "Prompt"},
            "element": {"type": "plain_text_input", "action_id": "prompt", "initial_value": "a fox"},
        },
        {
            "type": "input",
            "block_id": "with",
            "optional": True,
            "label": {"type": "plain_text", "text": "References"},
            "element": {"type": "file_input", "action_id": "files", "max_files": 2},
        },
    ],
}


@pytest.fixture
async def connected(fake_slack: FakeSlack, bolt: AsyncApp) -> AsyncIterator[AsyncSocketModeHandler]:
    handler = AsyncSocketModeHandler(bolt, fake_slack.app.app_token, ping_interval=1)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await fake_slack.wait_for(lambda: fake_slack.sockets.open)
    yield handler
    await handler.close_async()  # type: ignore[no-untyped-call]


async def test_a_command_is_acknowledged_and_answered_in_the_channel(
    fake_slack: FakeSlack, alice: User, general: Channel, bolt: AsyncApp, connected: AsyncSocketModeHandler
) -> None:
    @bolt.command("/imagine")
    async def imagine(ack: Any, command: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.chat_postMessage(channel=command["channel_id"], text=command["text"])

    delivery = await fake_slack.slash(alice, general, "/imagine", "a fox & <friends>")

    assert delivery.acked
    assert delivery.latency is not None
    assert delivery.latency < 1
    await fake_slack.wait_for(lambda: fake_slack.channel(alice, general))
    assert fake_slack.channel(alice, general)[0].text == "a fox & <friends>"
    assert delivery.payload["text"] == "a fox &amp; &lt;friends&gt;"


async def test_what_the_acknowledgement_says_is_shown_to_the_person_alone(
    fake_slack: FakeSlack, acme: Workspace, alice: User, general: Channel, bolt: AsyncApp,
    connected: AsyncSocketModeHandler,
) -> None:  # fmt: skip
    @bolt.command("/imagine")
    async def imagine(ack: Any) -> None:
        await ack("not today")

    bob = fake_slack.person(acme, "bob")
    await fake_slack.slash(alice, general, "/imagine")

    (shown,) = fake_slack.channel(alice, general)
    assert (shown.text, shown.private) == ("not today", True)
    assert fake_slack.channel(bob, general) == []


async def test_an_unacknowledged_command_fails_for_the_person_and_is_not_sent_again(
    fake_slack: FakeSlack, alice: User, general: Channel, bolt: AsyncApp, connected: AsyncSocketModeHandler
) -> None:
    @bolt.command("/imagine")
    async def imagine() -> None:
        return None

    fake_slack.outbox.ack_timeout = 0.1
    delivery = await fake_slack.slash(alice, general, "/imagine")

    assert (delivery.acked, delivery.failed, len(delivery.attempts)) == (False, "operation_timeout", 1)


async def test_one_mention_arrives_as_message_and_as_app_mention(
    fake_slack: FakeSlack, alice: User, general: Channel, bolt: AsyncApp, connected: AsyncSocketModeHandler
) -> None:
    heard: list[dict[str, Any]] = []

    @bolt.event("message")
    async def message(event: dict[str, Any]) -> None:
        heard.append(event)

    @bolt.event("app_mention")
    async def mention(event: dict[str, Any]) -> None:
        heard.append(event)

    said = await fake_slack.mention(alice, general, "a fox", files=[Upload("cat.png", picture())])
    await fake_slack.wait_for(lambda: len(heard) == 2)

    assert {event["type"] for event in heard} == {"message", "app_mention"}
    assert {event["ts"] for event in heard} == {said.ts}
    message_event = next(event for event in heard if event["type"] == "message")
    assert message_event["subtype"] == "file_share"
    assert message_event["files"][0]["mimetype"] == "image/png"
    assert len({d.payload["event_id"] for d in fake_slack.deliveries()}) == 2


async def test_the_apps_own_messages_come_back_and_bolt_ignores_them(
    fake_slack: FakeSlack, general: Channel, bolt: AsyncApp, connected: AsyncSocketModeHandler, client: AsyncWebClient
) -> None:
    heard: list[object] = []

    @bolt.event("message")
    async def message(event: dict[str, Any]) -> None:
        heard.append(event)

    await client.chat_postMessage(channel=general.id, text="mine")
    await fake_slack.wait_for(lambda: [d for d in fake_slack.deliveries("message") if d.acked])

    assert heard == []


async def test_editing_and_deleting_are_told_with_what_was_there_before(
    fake_slack: FakeSlack, alice: User, general: Channel, bolt: AsyncApp, connected: AsyncSocketModeHandler
) -> None:
    heard: list[dict[str, Any]] = []

    @bolt.event("message")
    async def message(event: dict[str, Any]) -> None:
        heard.append(event)

    said = await fake_slack.message(alice, general, "a fox")
    await fake_slack.edit(said, "a wolf")
    await fake_slack.delete(said)
    await fake_slack.wait_for(lambda: len(heard) == 3)

    changed = next(e for e in heard if e.get("subtype") == "message_changed")
    assert (changed["previous_message"]["text"], changed["message"]["text"]) == ("a fox", "a wolf")
    assert changed["message"]["edited"]["user"] == alice.id
    deleted = next(e for e in heard if e.get("subtype") == "message_deleted")
    assert (deleted["deleted_ts"], deleted["previous_message"]["text"]) == (said.ts, "a wolf")


async def test_a_deleted_root_with_replies_leaves_a_tombstone(
    fake_slack: FakeSlack, alice: User, general: Channel
) -> None:
    root = await fake_slack.message(alice, general, "a fox")
    await fake_slack.message(alice, general, "blue", thread=root)

    await fake_slack.delete(root)

    assert [m.text for m in fake_slack.thread(alice, root)] == ["This message was deleted.", "blue"]
    assert fake_slack.deliveries()[-1].payload["event"]["message"]["subtype"] == "tombstone"


async def test_a_button_opens_a_modal_and_its_submission_carries_text_and_files(
    fake_slack: FakeSlack, alice: User, general: Channel, bolt: AsyncApp, connected: AsyncSocketModeHandler,
    client: AsyncWebClient,
) -> None:  # fmt: skip
    submitted: list[dict[str, Any]] = []

    @bolt.action("edit")
    async def edit(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @bolt.view("imagine")
    async def submission(ack: Any, view: dict[str, Any]) -> None:
        submitted.append(view["state"]["values"])
        if view["state"]["values"]["what"]["prompt"]["value"] == "nothing":
            await ack(response_action="errors", errors={"what": "say more"})
        else:
            await ack()

    await client.chat_postMessage(channel=general.id, text="a fox", blocks=actions(button("Edit")))
    await fake_slack.press(alice, fake_slack.channel(alice, general)[0].button("Edit"))
    await fake_slack.wait_for(lambda: fake_slack.modal(alice))

    await fake_slack.submit(alice, {"prompt": "nothing"})
    view = fake_slack.modal(alice)
    assert view is not None
    assert view.errors == {"what": "say more"}

    await fake_slack.submit(alice, {"prompt": "a wolf"}, files={"files": [Upload("cat.png", picture())]})
    assert fake_slack.modal(alice) is None
    assert submitted[-1]["what"]["prompt"] == {"type": "plain_text_input", "value": "a wolf"}
    (file,) = submitted[-1]["with"]["files"]["files"]
    assert file["name"] == "cat.png"
    assert (await client.files_info(file=file["id"]))["file"]["user"] == alice.id


async def test_shortcuts_home_and_assistant_reach_the_app(
    fake_slack: FakeSlack, alice: User, general: Channel, bolt: AsyncApp, connected: AsyncSocketModeHandler
) -> None:
    heard: list[str] = []

    @bolt.shortcut("imagine")
    async def imagine(ack: Any, shortcut: dict[str, Any]) -> None:
        await ack()
        heard.append(shortcut["type"])

    @bolt.event("app_home_opened")
    async def home(event: dict[str, Any], client: AsyncWebClient) -> None:
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    @bolt.event("assistant_thread_started")
    async def started(event: dict[str, Any], client: AsyncWebClient) -> None:
        thread = event["assistant_thread"]
        place = {"channel_id": thread["channel_id"], "thread_ts": thread["thread_ts"]}
        await client.assistant_threads_setStatus(**place, status="is drawing")
        await client.assistant_threads_setSuggestedPrompts(**place, prompts=[{"title": "Fox", "message": "a fox"}])

    said = await fake_slack.message(alice, general, "a fox")
    assert (await fake_slack.shortcut(alice, "imagine")).acked
    delivery = await fake_slack.message_shortcut(alice, said, "imagine")
    assert heard == ["shortcut", "message_action"]
    assert delivery.payload["message"]["text"] == "a fox"

    await fake_slack.open_home(alice)
    await fake_slack.wait_for(lambda: fake_slack.home(alice))
    assert fake_slack.homes[alice].blocks[0]["text"]["text"] == "hello"

    root = await fake_slack.open_assistant(alice, looking_at=general)
    await fake_slack.wait_for(lambda: (root.channel.id, root.ts) in fake_slack.assistant_threads)
    await fake_slack.wait_for(lambda: fake_slack.assistant_threads[root.channel.id, root.ts].prompts)
    assert fake_slack.assistant_threads[root.channel.id, root.ts].statuses == ["is drawing"]


async def test_closing_a_modal_is_told_when_the_view_asked_for_it(
    fake_slack: FakeSlack, alice: User, general: Channel, bolt: AsyncApp, connected: AsyncSocketModeHandler
) -> None:
    closed: list[str] = []

    @bolt.shortcut("imagine")
    async def imagine(ack: Any, shortcut: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=shortcut["trigger_id"], view=MODAL)

    @bolt.view_closed("imagine")
    async def dismissal(ack: Any, view: dict[str, Any]) -> None:
        closed.append(view["callback_id"])
        await ack()

    await fake_slack.shortcut(alice, "imagine")
    await fake_slack.wait_for(lambda: fake_slack.modal(alice))
    await fake_slack.close_modal(alice)

    assert closed == ["imagine"]
