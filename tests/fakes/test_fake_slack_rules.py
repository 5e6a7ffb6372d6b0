"""The Slack double keeps Slack's rules of posting: membership, scopes, blocks, limits, triggers, failures."""

import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import Channel, FakeSlack, User, Workspace, message_problems, view_problems
from tests.fakes.slack_samples import actions, button

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


async def test_a_commercial_app_reads_threads_once_a_minute_and_15_at_a_time(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    fake_slack.app.commercial = True
    for number in range(20):
        await fake_slack.message(alice, general, str(number))

    assert len((await client.conversations_history(channel=general.id, limit=200))["messages"]) == 15
    with pytest.raises(SlackApiError) as limited:
        await client.conversations_history(channel=general.id)
    assert limited.value.response.status_code == 429
    assert 0 < int(limited.value.response.headers["Retry-After"]) <= 60
    fake_slack.clock.advance(61)
    await client.conversations_history(channel=general.id)


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


BAD_BLOCKS: dict[str, list[dict[str, Any]]] = {
    "button text over 75": actions(button("x" * 76)),
    "button value over 2000": actions(button("Again", "x" * 2001)),
    "26 elements": actions(*[button(f"n{n}") for n in range(26)]),
    "no elements": actions(),
    "action_id twice": actions(button("Again"), button("Again")),
    "section over 3000": section("x" * 3001),
    "empty text": section(""),
    "alt over 2000": [{"type": "image", "image_url": "https://a.b/c.png", "alt_text": "x" * 2001}],
    "no alt": [{"type": "image", "image_url": "https://a.b/c.png"}],
    "both image sources": [
        {"type": "image", "alt_text": "x", "image_url": "https://a.b/c", "slack_file": {"id": "F1"}}
    ],
    "unknown file": [{"type": "image", "alt_text": "x", "slack_file": {"id": "F1"}}],
    "unknown block": [{"type": "picture"}],
    "unknown field": [{"type": "divider", "colour": "red"}],
    "markdown on a button": actions({"type": "button", "action_id": "a", "text": {"type": "mrkdwn", "text": "a"}}),
    "51 blocks": [{"type": "divider"}] * 51,
    "block_id twice": [{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}],
    "file_input in a message": [
        {
            "type": "input",
            "label": {"type": "plain_text", "text": "F"},
            "element": {"type": "file_input", "action_id": "f"},
        }
    ],
    "101 options": actions(
        {
            "type": "static_select",
            "action_id": "ratio",
            "options": [{"text": {"type": "plain_text", "text": f"{n}"}, "value": f"{n}"} for n in range(101)],
        }
    ),
    "empty rich text": [
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]}]}
    ],
}


@pytest.mark.parametrize("name", BAD_BLOCKS)
async def test_blocks_that_slack_refuses_are_refused_and_kept(
    fake_slack: FakeSlack, general: Channel, client: AsyncWebClient, name: str
) -> None:
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel=general.id, text="hello", blocks=BAD_BLOCKS[name])

    assert refused.value.response["error"] == "invalid_blocks"
    assert fake_slack.violations[0].method == "chat.postMessage"
    assert general.messages == {}


def test_blocks_that_slack_takes_have_no_problems() -> None:
    ratio = {
        "type": "static_select",
        "action_id": "ratio",
        "placeholder": {"type": "plain_text", "text": "Ratio"},
        "options": [{"text": {"type": "plain_text", "text": "16:9"}, "value": "16:9"}],
    }
    prompt = {"type": "rich_text_section", "elements": [{"type": "text", "text": "a fox"}]}
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "A fox"}},
        *section("by <@U1>"),
        {"type": "rich_text", "elements": [prompt]},
        {"type": "image", "image_url": "https://a.b/c.png", "alt_text": "a fox"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "took 3 s"}]},
        *actions(button("Again"), ratio),
    ]

    assert message_problems(blocks, lambda reference: None) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"title": {"type": "plain_text", "text": "x" * 25}}, "title"),
        ({"private_metadata": "x" * 3001}, "private_metadata"),
        ({"callback_id": "x" * 256}, "callback_id"),
        ({"type": "home"}, "type"),
        ({"blocks": []}, "blocks"),
        ({"private_metadata": "x" * 250_000}, "view_too_large"),
    ],
)
def test_views_that_slack_refuses_have_problems(change: dict[str, Any], problem: str) -> None:
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Hello"}, "blocks": section("hello")}
    assert view_problems(view, lambda reference: None, kind="modal") == []

    assert problem in " ".join(view_problems(view | change, lambda reference: None, kind="modal"))


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


async def test_limits_are_counted_always_and_enforced_on_request(
    fake_slack: FakeSlack, acme: Workspace, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    other = fake_slack.new_channel(acme, "other", [alice])
    await client.chat_postMessage(channel=general.id, text="1")
    await client.chat_postMessage(channel=general.id, text="2")
    assert fake_slack.limits.over[("chat.postMessage", acme.id, general.id)] == 1

    fake_slack.limits.enforce()
    fake_slack.clock.advance(2)
    await client.chat_postMessage(channel=general.id, text="3")
    with pytest.raises(SlackApiError) as limited:
        await client.chat_postMessage(channel=general.id, text="4")
    await client.chat_postMessage(channel=other.id, text="5")
    assert (limited.value.response.status_code, limited.value.response.headers["Retry-After"]) == (429, "1")


async def test_the_sdk_waits_out_a_limit_when_told_to(fake_slack: FakeSlack, alice: User, general: Channel) -> None:
    patient = AsyncWebClient(
        general.team.bot_token, base_url=fake_slack.api_url, retry_handlers=[AsyncRateLimitErrorRetryHandler()]
    )
    fake_slack.fail("chat.postMessage", retry_after=0)
    await patient.chat_postMessage(channel=general.id, text="hello")

    assert [request.status for request in fake_slack.calls("chat.postMessage")] == [429, 200]


async def test_a_connection_dropped_after_the_effect_makes_the_default_client_post_twice(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    default = AsyncWebClient(general.team.bot_token, base_url=fake_slack.api_url)
    fake_slack.fail("chat.postMessage", drop="after")
    await default.chat_postMessage(channel=general.id, text="hello")
    assert [shown.text for shown in fake_slack.channel(alice, general)] == ["hello", "hello"]

    fake_slack.fail("chat.postMessage", drop="after")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.chat_postMessage(channel=general.id, text="once")
    assert [shown.text for shown in fake_slack.channel(alice, general)] == ["hello", "hello", "once"]


async def test_failures_come_when_asked_and_only_to_the_calls_they_are_for(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    fake_slack.fail("chat.postMessage", status=500, when=lambda args: args["text"] == "bad")
    fake_slack.fail("chat.postMessage", error="fatal_error", when=lambda args: args["text"] == "worse")
    fake_slack.fail("chat.postMessage", drop="before", when=lambda args: args["text"] == "worst")

    await client.chat_postMessage(channel=general.id, text="good")
    for text, error in {"bad": SlackApiError, "worse": SlackApiError, "worst": aiohttp.ServerDisconnectedError}.items():
        with pytest.raises(error):
            await client.chat_postMessage(channel=general.id, text=text)
    await client.chat_postMessage(channel=general.id, text="bad")

    assert [shown.text for shown in fake_slack.channel(alice, general)] == ["good", "bad"]
    assert [r.fault for r in fake_slack.calls("chat.postMessage")] == ["", "500", "fatal_error", "drop before", ""]


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
