"""The Slack double keeps Slack's rules of reading and posting: arguments, membership, scopes, texts, triggers."""

import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import Channel, FakeSlack, User, Workspace

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.fakes.slack_acme"]


def section(text: str) -> list[dict[str, Any]]:
    return [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]


@pytest.mark.parametrize("body", ["query", "form", "json", "multipart"])
async def test_arguments_are_taken_however_they_are_sent(
    fake_slack: FakeSlack, acme: Workspace, alice: User, general: Channel, body: str
) -> None:
    args = {"channel": general.id, "text": "hello", "blocks": json.dumps(section("hello"))}
    headers = {"Authorization": f"Bearer {acme.bot_token}"}
    multipart = aiohttp.FormData(default_to_multipart=True)
    for name, value in args.items():
        multipart.add_field(name, value)
    ways: dict[str, dict[str, Any]] = {
        "query": {"params": args},
        "form": {"data": args},
        "json": {"json": args},
        "multipart": {"data": multipart},
    }
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(fake_slack.api_url + "chat.postMessage", **ways[body]) as answer:
            assert (await answer.json())["ok"] is True
            assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")
        async with session.get(
            fake_slack.api_url + "users.info", params={"user": alice.id, "include_locale": "1"}
        ) as got:
            assert (await got.json())["user"]["locale"] == "de-DE"

    assert [shown.text for shown in fake_slack.channel(alice, general)] == ["hello"]


async def test_a_thread_is_read_in_pages_with_its_metadata(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    root = await fake_slack.message(alice, general, "a fox")
    ours = {"event_type": "turn", "event_payload": {"key": "k1"}}
    await client.chat_postMessage(channel=general.id, text="drawing", thread_ts=root.ts, metadata=ours)
    await client.chat_postMessage(channel=general.id, text="done", thread_ts=root.ts)

    page = await client.conversations_replies(channel=general.id, ts=root.ts, limit=2, include_all_metadata=True)
    assert [message["text"] for message in page["messages"]] == ["a fox", "drawing"]
    assert page["messages"][0]["reply_count"] == 2
    assert page["messages"][1]["metadata"] == ours
    assert page["messages"][1]["parent_user_id"] == alice.id
    cursor = page["response_metadata"]["next_cursor"]
    rest = await client.conversations_replies(channel=general.id, ts=root.ts, limit=2, cursor=cursor)
    assert [message["text"] for message in rest["messages"]] == ["done"]
    top = await client.conversations_history(channel=general.id)
    assert [message["text"] for message in top["messages"]] == ["a fox"]
    assert "metadata" not in top["messages"][0]


async def test_where_the_app_may_not_post(
    fake_slack: FakeSlack, acme: Workspace, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    public = fake_slack.new_channel(acme, "public", [alice], with_bot=False)
    secret = fake_slack.new_channel(acme, "secret", [alice], with_bot=False, private=True)
    gone = fake_slack.person(acme, "gone")
    fake_slack.deactivate(gone)
    fake_slack.archive(general)

    refusals = {public.id: "not_in_channel", secret.id: "channel_not_found", "C0UNKNOWN": "channel_not_found"}
    for place, error in {**refusals, general.id: "is_archived", gone.id: "channel_not_found"}.items():
        with pytest.raises(SlackApiError, match=error):
            await client.chat_postMessage(channel=place, text="hello")
    with pytest.raises(SlackApiError, match="user_disabled"):
        await client.conversations_open(users=gone.id)
    fake_slack.invite(public)
    with pytest.raises(SlackApiError, match="user_not_in_channel"):
        await client.chat_postEphemeral(channel=public.id, user=gone.id, text="hello")


async def test_a_dm_is_opened_and_seen_by_its_person(
    fake_slack: FakeSlack, alice: User, client: AsyncWebClient
) -> None:
    channel = (await client.conversations_open(users=alice.id))["channel"]["id"]
    await client.chat_postMessage(channel=channel, text="for you")

    assert [shown.text for shown in fake_slack.channel(alice, fake_slack.dm(alice))] == ["for you"]


async def test_a_missing_scope_is_named(fake_slack: FakeSlack) -> None:
    poor = fake_slack.workspace("Poor", scopes=frozenset({"commands", "chat:write"}))
    client = AsyncWebClient(poor.bot_token, base_url=fake_slack.api_url)

    with pytest.raises(SlackApiError) as refused:
        await client.files_getUploadURLExternal(filename="a.png", length=5)

    assert refused.value.response["error"] == "missing_scope"
    assert (refused.value.response["needed"], refused.value.response["provided"]) == (
        "files:write",
        "chat:write,commands",
    )


async def test_events_need_their_scope_and_membership(fake_slack: FakeSlack, acme: Workspace, alice: User) -> None:
    deaf = fake_slack.workspace("Deaf", scopes=frozenset({"chat:write", "app_mentions:read"}))
    bob = fake_slack.person(deaf, "bob")
    await fake_slack.mention(bob, fake_slack.new_channel(deaf, "general", [bob]), "a fox")
    assert [delivery.name for delivery in fake_slack.deliveries()] == ["app_mention"]

    await fake_slack.mention(alice, fake_slack.new_channel(acme, "apart", [alice], with_bot=False), "a fox")
    assert len(fake_slack.deliveries()) == 1


async def test_two_workspaces_may_use_the_same_channel_id(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    beta = fake_slack.workspace("Beta")
    bob = fake_slack.person(beta, "bob", user_id=alice.id)
    twin = fake_slack.new_channel(beta, "general", [bob], channel_id=general.id)

    await client.chat_postMessage(channel=general.id, text="for Acme")
    await AsyncWebClient(beta.bot_token, base_url=fake_slack.api_url).chat_postMessage(channel=twin.id, text="for Beta")

    assert [shown.text for shown in fake_slack.channel(alice, general)] == ["for Acme"]
    assert [shown.text for shown in fake_slack.channel(bob, twin)] == ["for Beta"]


async def test_a_text_too_long_to_edit_in_is_refused(
    fake_slack: FakeSlack, general: Channel, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel=general.id, text="x" * 4001)

    with pytest.raises(SlackApiError, match="msg_too_long"):
        await client.chat_update(channel=general.id, ts=posted["ts"], text="x" * 4001)
    with pytest.raises(SlackApiError, match="msg_too_long"):
        await client.chat_postMessage(channel=general.id, text="x" * 40_001)


@pytest.mark.parametrize("text", ["a & b", "1 < 2", "<script>", "see <javascript:alert(1)>"])
async def test_text_that_is_not_escaped_is_a_violation(
    fake_slack: FakeSlack, general: Channel, client: AsyncWebClient, text: str
) -> None:
    escaped = "&amp; &lt;b&gt; <@U1> <#C1|general> <https://a.b/c?d=e|link> <!date^1^{date}|then> <mailto:a@b.c>"
    await client.chat_postMessage(channel=general.id, text=escaped, blocks=section(escaped))
    assert fake_slack.violations == []

    await client.chat_postMessage(channel=general.id, text="hello", blocks=section(text))
    assert [violation.problem for violation in fake_slack.violations] == ["text is not escaped"]


async def test_an_edit_keeps_blocks_only_without_new_text(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    ours = {"event_type": "turn", "event_payload": {}}
    ts = (await client.chat_postMessage(channel=general.id, text="t", blocks=section("b"), metadata=ours))["ts"]
    await client.api_call("chat.update", json={"channel": general.id, "ts": ts, "blocks": section("c")})
    assert (general.messages[ts].text, fake_slack.violations[0].problem) == ("t", "blocks without a top-level text")
    assert fake_slack.channel(alice, general)[0].text == "c"
    await client.chat_update(channel=general.id, ts=ts, text="u")
    assert fake_slack.channel(alice, general)[0].text == "u"
    assert general.messages[ts].metadata == ours
    await client.chat_update(channel=general.id, ts=ts, text="u", metadata={})
    assert general.messages[ts].metadata is None

    theirs = await fake_slack.message(alice, general, "mine")
    with pytest.raises(SlackApiError, match="cant_update_message"):
        await client.chat_update(channel=general.id, ts=theirs.ts, text="ours")
    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_update(channel=general.id, ts="1.000000", text="ours")


@pytest.mark.parametrize(
    ("text", "blocks", "extra", "kinds"),
    [
        ("hi <!channel>", None, {}, ["channel"]),
        ("hi <!here|here> <@U1> <!subteam^S1>", None, {}, ["here", "user", "usergroup"]),
        ("hi &lt;!channel&gt; @channel", None, {}, []),
        ("hi @channel", None, {"parse": "full"}, ["channel"]),
        ("hi @here", None, {"link_names": True}, ["here"]),
        ("hi", section("<!everyone>"), {}, ["everyone"]),
        ("hi", [{"type": "section", "text": {"type": "plain_text", "text": "<!channel>"}}], {}, []),
    ],
)
async def test_whom_a_text_notifies_is_known(
    fake_slack: FakeSlack,
    general: Channel,
    client: AsyncWebClient,
    text: str,
    blocks: Any,
    extra: Any,
    kinds: list[str],
) -> None:
    await client.chat_postMessage(channel=general.id, text=text, blocks=blocks, **extra)

    assert [ping.kind for ping in fake_slack.pings] == kinds


async def test_naming_a_reply_instead_of_its_parent_is_a_violation(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    root = await fake_slack.message(alice, general, "a fox")
    reply = await fake_slack.message(alice, general, "blue", thread=root)
    await client.chat_postMessage(channel=general.id, text="hello", thread_ts=reply.ts)

    assert [shown.text for shown in fake_slack.thread(alice, root)] == ["a fox", "blue", "hello"]
    assert "thread_ts" in fake_slack.violations[0].problem


async def test_a_trigger_opens_one_modal_within_three_seconds(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Hello"}, "blocks": section("hello")}
    trigger = fake_slack.new_trigger(alice)
    await client.views_open(trigger_id=trigger, view=view)
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await client.views_open(trigger_id=trigger, view=view)
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        await client.views_open(trigger_id="1.2.abc", view=view)
    late = fake_slack.new_trigger(alice)
    fake_slack.clock.advance(3.1)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await client.views_open(trigger_id=late, view=view)


async def test_the_remaining_methods_answer(
    fake_slack: FakeSlack, acme: Workspace, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    said = await fake_slack.message(alice, general, "a fox")
    await client.reactions_add(channel=general.id, timestamp=said.ts, name="eyes")
    link = (await client.chat_getPermalink(channel=general.id, message_ts=said.ts))["permalink"]

    assert link.endswith(f"/archives/{general.id}/p{said.ts.replace('.', '')}")
    assert general.messages[said.ts].reactions == {"eyes": [acme.bot_user_id]}
    assert (await client.conversations_members(channel=general.id))["members"] == sorted(general.members)
    assert (await client.conversations_info(channel=general.id))["channel"]["is_member"] is True
    assert (await client.bots_info(bot=acme.bot_id))["bot"]["user_id"] == acme.bot_user_id
    assert (await client.team_info())["team"]["name"] == "Acme"
    assert {user["name"] for user in (await client.users_list())["members"]} == {"alice", "imagine"}
    assert (await client.auth_revoke())["revoked"] is True
    with pytest.raises(SlackApiError, match="token_revoked"):
        await client.auth_test()


async def test_a_message_for_one_person_is_seen_by_nobody_else(
    fake_slack: FakeSlack, acme: Workspace, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    bob = fake_slack.person(acme, "bob")
    fake_slack.invite(general, bob)
    root = await fake_slack.message(bob, general, "a fox")
    await client.chat_postEphemeral(channel=general.id, user=alice.id, text="only you")
    await client.chat_postEphemeral(channel=general.id, user=alice.id, text="here too", thread_ts=root.ts)

    assert [shown.text for shown in fake_slack.channel(alice, general)] == ["a fox", "only you"]
    assert [shown.text for shown in fake_slack.thread(alice, root)] == ["a fox", "here too"]
    assert [shown.text for shown in fake_slack.everything(bob, general)] == ["a fox"]


async def test_only_the_apps_own_messages_can_be_deleted_by_it(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    theirs = await fake_slack.message(alice, general, "mine")
    ours = (await client.chat_postMessage(channel=general.id, text="ours"))["ts"]
    await client.chat_delete(channel=general.id, ts=ours)

    with pytest.raises(SlackApiError, match="cant_delete_message"):
        await client.chat_delete(channel=general.id, ts=theirs.ts)
    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_delete(channel=general.id, ts=ours)
    assert [shown.text for shown in fake_slack.channel(alice, general)] == ["mine"]
