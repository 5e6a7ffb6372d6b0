"""The Slack double's further surfaces with unmodified slack-bolt: agents, stacked modals, old buttons, broadcasts."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp, AsyncAssistant
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import Channel, FakeSlack, Upload, User, Workspace
from tests.fakes.slack_samples import actions, button, picture

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.fakes.slack_acme"]


def modal(callback_id: str, *blocks: dict[str, Any]) -> dict[str, Any]:
    title = {"type": "plain_text", "text": "Imagine"}
    go_on = {"type": "section", "text": {"type": "mrkdwn", "text": callback_id}}
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": title,
        "submit": title,
        "blocks": list(blocks) or [go_on],
    }


@pytest.fixture
async def connected(fake_slack: FakeSlack, bolt: AsyncApp) -> AsyncIterator[AsyncSocketModeHandler]:
    handler = AsyncSocketModeHandler(bolt, fake_slack.app.app_token, ping_interval=1)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await fake_slack.wait_for(lambda: fake_slack.sockets.open)
    yield handler
    await handler.close_async()  # type: ignore[no-untyped-call]


async def test_bolts_assistant_works_in_an_agent_thread(
    fake_slack: FakeSlack, alice: User, general: Channel, bolt: AsyncApp, connected: AsyncSocketModeHandler
) -> None:
    assistant = AsyncAssistant()

    @assistant.thread_started
    async def started(say: Any, set_suggested_prompts: Any) -> None:
        await say("What shall I draw?")
        await set_suggested_prompts(prompts=[{"title": "Fox", "message": "a fox"}])

    @assistant.user_message
    async def asked(payload: dict[str, Any], set_status: Any, set_title: Any, say: Any) -> None:
        await set_title(payload["text"])
        await set_status("is drawing")
        if payload["text"] == "a fox":
            await say("here it is")

    bolt.assistant(assistant)
    root = await fake_slack.open_assistant(alice, looking_at=general)
    await fake_slack.wait_for(lambda: len(fake_slack.thread(alice, root)) == 2)

    await fake_slack.message(alice, root.channel, "a fox", thread=root)
    await fake_slack.wait_for(lambda: fake_slack.thread(alice, root)[-1].text == "here it is")
    thread = fake_slack.assistant_threads[root.channel.id, root.ts]
    assert (thread.title, thread.statuses) == ("a fox", ["is drawing"])
    assert fake_slack.assistant_status(root) == ""

    await fake_slack.message(alice, root.channel, "a slow wolf", thread=root)
    await fake_slack.wait_for(lambda: fake_slack.assistant_status(root) == "is drawing")
    fake_slack.clock.advance(121)
    assert fake_slack.assistant_status(root) == ""


async def test_modals_are_pushed_updated_and_cleared(
    fake_slack: FakeSlack, alice: User, bolt: AsyncApp, connected: AsyncSocketModeHandler, client: AsyncWebClient
) -> None:
    @bolt.shortcut("begin")
    async def begin(ack: Any, shortcut: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=shortcut["trigger_id"], view=modal("first", *actions(button("More"))))

    @bolt.action("more")
    async def more(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_push(trigger_id=body["trigger_id"], view=modal("second"))

    @bolt.view("second")
    async def second(ack: Any) -> None:
        await ack(response_action="push", view=modal("third"))

    @bolt.view("third")
    async def third(ack: Any) -> None:
        await ack(response_action="clear")

    def shown() -> str | None:
        view = fake_slack.modal(alice)
        return str(view.content["callback_id"]) if view else None

    await fake_slack.shortcut(alice, "begin")
    await fake_slack.wait_for(lambda: shown() == "first")
    view = fake_slack.modal(alice)
    assert view is not None
    updated = await client.views_update(view_id=view.id, hash=view.hash, view=modal("first", *actions(button("More"))))
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=view.id, hash="old", view=modal("first"))
    assert updated["view"]["id"] == view.id

    await fake_slack.press(alice, view, "more")
    await fake_slack.wait_for(lambda: shown() == "second")
    await fake_slack.submit(alice)
    assert shown() == "third"
    await fake_slack.submit(alice)
    assert fake_slack.modal(alice) is None
    assert fake_slack.violations == []


async def test_an_event_can_be_delivered_again_after_it_was_acknowledged(
    fake_slack: FakeSlack, alice: User, general: Channel, bolt: AsyncApp, connected: AsyncSocketModeHandler
) -> None:
    seen: list[tuple[str, list[str]]] = []

    @bolt.event("message")
    async def message(body: dict[str, Any], request: Any) -> None:
        seen.append((body["event_id"], request.headers["x-slack-retry-num"]))

    await fake_slack.message(alice, general, "a fox")
    await fake_slack.wait_for(lambda: len(seen) == 1)
    fake_slack.outbox.again(fake_slack.deliveries("message")[0], number=2)
    await fake_slack.wait_for(lambda: len(seen) == 2)

    assert [number for _, number in seen] == [["0"], ["2"]]
    assert len({event_id for event_id, _ in seen}) == 1


async def test_an_old_button_can_be_pressed_after_the_message_lost_it(
    fake_slack: FakeSlack, alice: User, general: Channel, bolt: AsyncApp, connected: AsyncSocketModeHandler,
    client: AsyncWebClient,
) -> None:  # fmt: skip
    pressed: list[str] = []

    @bolt.action("again")
    async def again(ack: Any, action: dict[str, Any]) -> None:
        pressed.append(action["value"])
        await ack()

    @bolt.action("ratio")
    async def ratio(ack: Any, action: dict[str, Any]) -> None:
        pressed.append(action["selected_option"]["value"])
        await ack()

    options = [{"text": {"type": "plain_text", "text": name}, "value": name} for name in ("1:1", "16:9")]
    choice = {"type": "static_select", "action_id": "ratio", "options": options}
    blocks = actions(button("Again", "v1"), choice)
    ts = (await client.chat_postMessage(channel=general.id, text="a fox", blocks=blocks))["ts"]
    shown = fake_slack.look(alice, general.messages[ts])
    await fake_slack.choose(alice, shown.message, "16:9", "ratio")
    await client.chat_update(channel=general.id, ts=ts, text="a fox")
    await fake_slack.press(alice, shown.button("Again"))

    assert pressed == ["16:9", "v1"]
    with pytest.raises(LookupError, match="again"):
        fake_slack.element(general.messages[ts], "again")


async def test_a_broadcast_reply_is_seen_in_the_channel_too(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    root = await fake_slack.message(alice, general, "a fox")
    await client.chat_postMessage(channel=general.id, thread_ts=root.ts, text="loud", reply_broadcast=True)
    await client.chat_postMessage(channel=general.id, thread_ts=root.ts, text="quiet")

    assert [shown.text for shown in fake_slack.channel(alice, general)] == ["a fox", "loud"]
    assert [shown.text for shown in fake_slack.thread(alice, root)] == ["a fox", "loud", "quiet"]


async def test_an_edit_can_add_files_to_a_message(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    ts = (await client.chat_postMessage(channel=general.id, text="drawing"))["ts"]
    await client.files_upload_v2(filename="fox.png", file=(data := picture()))
    (file,) = fake_slack.files.by_id.values()
    await fake_slack.wait_for(lambda: file.processed)
    await client.chat_update(channel=general.id, ts=ts, text="done", file_ids=[file.id])

    assert [(s.text, s.pictures) for s in fake_slack.channel(alice, general)] == [("done", [data])]


async def test_a_person_from_another_company_is_told_apart_in_slack_connect(
    fake_slack: FakeSlack, acme: Workspace, alice: User
) -> None:
    partner = fake_slack.workspace("Partner", install=False)
    bob = fake_slack.person(partner, "bob")
    shared = fake_slack.new_channel(acme, "partners", [alice, bob], shared=True)
    await fake_slack.message(bob, shared, "hello", files=[Upload("cat.png", picture())])

    payload = fake_slack.deliveries("message")[0].payload
    assert (payload["is_ext_shared_channel"], payload["team_id"]) == (True, acme.id)
    assert payload["event"]["user_team"] == partner.id


async def test_the_app_is_told_when_it_is_put_out_of_a_channel(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    fake_slack.app.events |= {"channel_left"}
    fake_slack.remove(general)
    await fake_slack.mention(alice, general, "are you there?")

    assert [delivery.name for delivery in fake_slack.deliveries()] == ["channel_left"]
    with pytest.raises(SlackApiError, match="not_in_channel"):
        await client.chat_postMessage(channel=general.id, text="no")


async def test_acknowledgements_of_a_burst_are_measured(
    fake_slack: FakeSlack, alice: User, general: Channel, bolt: AsyncApp, connected: AsyncSocketModeHandler
) -> None:
    @bolt.command("/imagine")
    async def imagine(ack: Any) -> None:
        await ack()

    await asyncio.gather(*(fake_slack.slash(alice, general, "/imagine", str(n)) for n in range(50)))

    assert len(fake_slack.latencies("/imagine")) == 50
    assert all(latency < fake_slack.outbox.ack_timeout for latency in fake_slack.latencies())
