"""Slack's text: escaping as its clients do it, what a reader sees, and who a text notifies."""

import re
from collections.abc import Iterator

from tests.fakes.slack.model import Json

_TOKEN = re.compile(r"<(?:@[UW]\w+|#C\w+|![\w^{}:/ .-]+|(?:https?|mailto):[^<>\s|]+)(?:\|[^<>]*)?>")
_ENTITY = re.compile(r"&(?:amp|lt|gt);")
_PING = re.compile(r"<(?:!(channel|here|everyone)|@([UW]\w+)|!subteam\^(\w+))(?:\|[^<>]*)?>")
_NAMED = re.compile(r"(?<![\w<!])@(channel|here|everyone)\b")


def escape(typed: str) -> str:
    """What Slack makes of text typed by a person: `& < >` escaped, mentions and links kept."""
    parts, end = [], 0
    for token in _TOKEN.finditer(typed):
        parts += [_escape(typed[end : token.start()]), token.group()]
        end = token.end()
    return "".join([*parts, _escape(typed[end:])])


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def is_escaped(text: str) -> bool:
    """Whether every `&` and `<` is Slack's own: an entity, a mention or a link."""
    rest = _ENTITY.sub("", _TOKEN.sub("", text))
    return "<" not in rest and "&" not in rest


def rich_text(text: str) -> list[Json]:
    """The `rich_text` block that Slack's clients send along with a person's message."""
    elements: list[Json] = []
    end = 0
    for token in re.finditer(r"<@([UW]\w+)(?:\|[^<>]*)?>", text):
        if before := text[end : token.start()]:
            elements.append({"type": "text", "text": unescape(before)})
        elements.append({"type": "user", "user_id": token.group(1)})
        end = token.end()
    if rest := text[end:]:
        elements.append({"type": "text", "text": unescape(rest)})
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": "b0", "elements": [section]}]


def pings(text: str, blocks: list[Json], *, linked_names: bool = False) -> list[tuple[str, str]]:
    """Everyone (kind, id) whom a message notifies, in `text` or in any block that understands markup.

    `plain_text` never notifies; bare `@channel` only with `parse=full` or `link_names`.
    """
    found = [pair for piece in [text, *markup(blocks)] for pair in _inmarkup(piece, linked_names=linked_names)]
    return found + list(_in_rich_text(blocks))


def _inmarkup(text: str, *, linked_names: bool) -> Iterator[tuple[str, str]]:
    for match in _PING.finditer(text):
        broadcast, user, group = match.groups()
        if broadcast:
            yield broadcast, ""
        elif user:
            yield "user", user
        else:
            yield "usergroup", group
    if linked_names:
        for match in _NAMED.finditer(text):
            yield match.group(1), ""


def objects(node: object) -> Iterator[Json]:
    """Every JSON object inside, outermost first."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from objects(value)
    elif isinstance(node, list):
        for item in node:
            yield from objects(item)


def markup(blocks: list[Json]) -> Iterator[str]:
    """Every text in the blocks that understands Slack's markup."""
    for item in objects(blocks):
        if item.get("type") in {"mrkdwn", "markdown"} and isinstance(item.get("text"), str):
            yield item["text"]


def _in_rich_text(blocks: list[Json]) -> Iterator[tuple[str, str]]:
    for block in blocks:
        if block.get("type") != "rich_text":
            continue
        for item in objects(block):
            if item.get("type") == "user":
                yield "user", str(item.get("user_id"))
            elif item.get("type") == "usergroup":
                yield "usergroup", str(item.get("usergroup_id"))
            elif item.get("type") == "broadcast":
                yield str(item.get("range")), ""


def readable(blocks: list[Json]) -> str:
    """The words that the blocks show, top to bottom, without those on buttons and selects."""
    lines: list[str] = []
    for block in blocks:
        words = [_words(item) for item in objects(_without_controls(block)) if _words(item)]
        lines += ["".join(words)] if block.get("type") == "rich_text" else words
    return "\n".join(lines)


def _without_controls(node: object) -> object:
    if isinstance(node, dict):
        return {key: _without_controls(value) for key, value in node.items() if not _is_control(value)}
    if isinstance(node, list):
        return [_without_controls(item) for item in node if not _is_control(item)]
    return node


def _is_control(node: object) -> bool:
    return isinstance(node, dict) and "action_id" in node


def _words(item: Json) -> str:
    kind, text = item.get("type"), item.get("text")
    if not isinstance(text, str) or kind not in {"mrkdwn", "plain_text", "markdown", "text"}:
        return ""
    return unescape(text) if kind == "mrkdwn" else text
