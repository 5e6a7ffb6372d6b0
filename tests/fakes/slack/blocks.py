"""What Slack accepts as blocks and views: slack_sdk's models, and a walk into what those do not look at."""

import copy
import json
from collections import Counter
from collections.abc import Callable

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.basic_objects import JsonObject
from slack_sdk.models.blocks import Block
from slack_sdk.models.blocks.block_elements import BlockElement
from slack_sdk.models.views import View

from tests.fakes.slack.model import Json
from tests.fakes.slack.text import objects

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
VIEW_BYTES = 250_000

_LEAVES = {"text", "link", "user", "usergroup", "broadcast", "emoji", "channel", "date", "color", "team"}
_BOXES = {"rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"}
_TEXTS = {"plain_text", "mrkdwn"}

ImageCheck = Callable[[Json], str | None]
"""Tells what is wrong with a `slack_file` object for whoever sends it, or None."""


def message_problems(blocks: object, image: ImageCheck) -> list[str]:
    """Everything wrong with a message's blocks, empty when Slack would take them."""
    if not isinstance(blocks, list) or not _are_blocks(blocks):
        return ["blocks must be an array of objects"]
    found = [] if len(blocks) <= MESSAGE_BLOCKS else [f"no more than {MESSAGE_BLOCKS} items allowed [/blocks]"]
    return found + _all_problems(blocks, image, surface="message")


def view_problems(view: object, image: ImageCheck, *, kind: str) -> list[str]:
    """Everything wrong with a modal (`kind="modal"`) or Home tab (`kind="home"`)."""
    if not isinstance(view, dict) or not _are_blocks(view.get("blocks")):
        return ["view must be an object with blocks"]
    if view.get("type") != kind:
        return [f"type must be {kind} [/view/type]"]
    found = _model_problems(lambda: View(**copy.deepcopy(view)), "/view")
    if len(view["blocks"]) > VIEW_BLOCKS:
        found.append(f"no more than {VIEW_BLOCKS} items allowed [/view/blocks]")
    if len(json.dumps(view)) > VIEW_BYTES:
        found.append("view_too_large [/view]")
    for part, needed in (("title", kind == "modal"), ("submit", False), ("close", False)):
        found += _plain_text(view.get(part), 24, f"/view/{part}", needed=needed)
    if kind == "modal" and "submit" not in view and any(b.get("type") == "input" for b in view["blocks"]):
        found.append("submit is required when there are input blocks [/view/submit]")
    return found + _all_problems(view["blocks"], image, surface=kind)


def _are_blocks(blocks: object) -> bool:
    return isinstance(blocks, list) and all(isinstance(block, dict) for block in blocks)


def _all_problems(blocks: list[Json], image: ImageCheck, surface: str) -> list[str]:
    found: list[str] = []
    for number, block in enumerate(blocks):
        try:
            found += block_problems(block, f"/blocks/{number}", surface)
        except (AttributeError, KeyError, TypeError, ValueError) as wrong:
            found.append(f"malformed: {wrong} [/blocks/{number}]")
        found += [
            f"{problem} [/blocks/{number}/slack_file]"
            for item in objects(block)
            if isinstance(item.get("slack_file"), dict) and (problem := image(item["slack_file"]))
        ]
    ids = Counter(str(block["block_id"]) for block in blocks if "block_id" in block)
    return found + [f"block_id {name!r} already exists [/blocks]" for name, count in ids.items() if count > 1]


def block_problems(block: Json, where: str, surface: str) -> list[str]:
    """What is wrong with one block and everything nested in it."""
    parsed = _parsed(block)
    if parsed is None or isinstance(parsed, str):
        return [f"{parsed or 'unsupported block type'} {block.get('type')!r} [{where}]"]
    found = _model_problems(lambda: parsed, where)
    if extra := set(block) - set(parsed.attributes):
        found.append(f"unknown fields {sorted(extra)} [{where}]")
    kind = block["type"]
    if kind in {"actions", "context"} and not block.get("elements"):
        found.append(f"elements must not be empty [{where}]")
    if kind == "header":
        found += _plain_text(block.get("text"), 150, f"{where}/text")
    if kind == "section":
        found += [f"field over 2000 [{where}/fields]" for f in block.get("fields", []) if len(f.get("text", "")) > 2000]
    if kind == "input":
        found += _input_problems(block, where, surface)
    if kind == "image" and ("image_url" in block) == ("slack_file" in block):
        found.append(f"an image needs image_url or slack_file, one of them [{where}]")
    if kind == "rich_text":
        found += _rich_text_problems(block, where)
        return found
    for nested in objects([value for value in block.values() if isinstance(value, (dict, list))]):
        found += element_problems(nested, where)
    actions = Counter(item["action_id"] for item in objects(block) if "action_id" in item)
    return found + [f"action_id {name!r} used twice [{where}]" for name, count in actions.items() if count > 1]


def _parsed(block: Json) -> Block | str | None:
    try:
        return Block.parse(copy.deepcopy(block))
    except (TypeError, ValueError, AttributeError, SlackObjectFormationError) as wrong:
        return str(wrong)


def _model_problems(build: Callable[[], JsonObject], where: str) -> list[str]:
    try:
        build().validate_json()
    except (TypeError, ValueError, AttributeError, KeyError, SlackObjectFormationError) as wrong:
        return [f"{wrong} [{where}]"]
    return []


def element_problems(item: Json, where: str) -> list[str]:
    """The rules of one nested object: a text, an option, a confirmation or an element."""
    kind = item.get("type")
    if kind in _TEXTS:
        return _text_problems(item, where)
    if kind is None:
        return _option_problems(item, where) if {"text", "value"} <= set(item) else []
    found: list[str] = []
    element = BlockElement.parse(copy.deepcopy(item)) if isinstance(kind, str) and kind != "text" else None
    if element is not None:
        found += _model_problems(lambda: element, where)
        if extra := set(item) - set(element.attributes):
            found.append(f"unknown fields {sorted(extra)} in {kind} [{where}]")
    if kind == "button":
        found += _plain_text(item.get("text"), 75, f"{where}/text")
    if kind == "image" and not isinstance(item.get("alt_text"), str):
        found.append(f"alt_text missing [{where}]")
    if kind in {"static_select", "multi_static_select", "overflow", "radio_buttons", "checkboxes"}:
        found += _choice_problems(item, where)
    if "placeholder" in item:
        found += _plain_text(item["placeholder"], 150, f"{where}/placeholder")
    if "confirm" in item:
        found += _confirm_problems(item["confirm"], f"{where}/confirm")
    return found


def _text_problems(item: Json, where: str) -> list[str]:
    text = item.get("text")
    if not isinstance(text, str) or not text:
        return [f"must be more than 0 characters [{where}/text]"]
    return [f"must be less than 3001 characters [{where}/text]"] if len(text) > 3000 else []


def _plain_text(item: object, most: int, where: str, *, needed: bool = True) -> list[str]:
    if item is None:
        return [f"missing [{where}]"] if needed else []
    if not isinstance(item, dict) or item.get("type") != "plain_text":
        return [f"must be plain_text [{where}]"]
    length = len(item.get("text", ""))
    return [] if 0 < length <= most else [f"must be 1 to {most} characters, is {length} [{where}]"]


def _option_problems(item: Json, where: str) -> list[str]:
    found = []
    if len(item["text"].get("text", "") if isinstance(item["text"], dict) else str(item["text"])) > 75:
        found.append(f"option text over 75 [{where}]")
    if len(str(item["value"])) > 150:
        found.append(f"option value over 150 [{where}]")
    return found


def _choice_problems(item: Json, where: str) -> list[str]:
    options = [*item.get("options", []), *(o for g in item.get("option_groups", []) for o in g.get("options", []))]
    most = {"overflow": 5, "radio_buttons": 10, "checkboxes": 10}.get(item["type"], 100)
    found = [] if 0 < len(options) <= most else [f"1 to {most} options, not {len(options)} [{where}]"]
    chosen = item.get("initial_option")
    if chosen is not None and chosen not in options:
        found.append(f"initial_option is not among the options [{where}]")
    return found


def _confirm_problems(item: Json, where: str) -> list[str]:
    found = [p for part, most in (("title", 100), ("confirm", 30), ("deny", 30))
             for p in _plain_text(item.get(part), most, f"{where}/{part}")]  # fmt: skip
    too_long = len(item.get("text", {}).get("text", "")) > 300
    return [*found, f"text over 300 [{where}]"] if too_long else found


def _input_problems(block: Json, where: str, surface: str) -> list[str]:
    found = _plain_text(block.get("label"), 2000, f"{where}/label")
    element = block.get("element")
    if not isinstance(element, dict):
        return [*found, f"element missing [{where}]"]
    if element.get("type") == "file_input":
        if surface != "modal":
            found.append(f"file_input is for modals only [{where}]")
        if not 1 <= element.get("max_files", 10) <= 10:
            found.append(f"max_files must be 1 to 10 [{where}]")
    return found


def _rich_text_problems(block: Json, where: str) -> list[str]:
    found: list[str] = []
    for box in block.get("elements", []):
        if box.get("type") not in _BOXES:
            found.append(f"unknown rich text {box.get('type')!r} [{where}]")
        for item in objects(box.get("elements", [])):
            kind = item.get("type")
            if kind == "text" and not item.get("text"):
                found.append(f"empty text in rich text [{where}]")
            elif kind is not None and kind not in _LEAVES | _BOXES:
                found.append(f"unknown rich text element {kind!r} [{where}]")
    return found
