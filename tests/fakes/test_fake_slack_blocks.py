"""The Slack double takes the blocks and views that Slack takes, and refuses the others in words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import Channel, FakeSlack, message_problems, view_problems
from tests.fakes.slack_samples import actions, button

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.fakes.slack_acme"]


def section(text: str) -> list[dict[str, Any]]:
    return [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]


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


TYPES = st.sampled_from(["section", "actions", "image", "input", "rich_text", "button", "static_select", "mrkdwn", "x"])

KEYS = st.sampled_from(["type", "text", "elements", "element", "options", "value", "label", "alt_text", "slack_file",
                        "block_id", "action_id", "fields", "confirm", "placeholder", "title", "url"])  # fmt: skip

WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | TYPES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


@given(st.lists(WILD, max_size=3) | WILD)
def test_wild_blocks_are_refused_in_words(blocks: object) -> None:
    assert all(isinstance(problem, str) for problem in message_problems(blocks, lambda reference: None))
    view = {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": blocks}
    assert all(isinstance(problem, str) for problem in view_problems(view, lambda reference: None, kind="modal"))
