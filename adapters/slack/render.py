"""What a turn looks like on Slack: top-level text and blocks, as the JSON of a message.

Pictures are not in blocks. The announced message gets them as its files, so that a picture, its words and its buttons
are one message: see `adapters.slack.outgoing`.

Everything that people typed is `plain_text` or `rich_text`, where no markup is understood and nobody is notified; the
top-level text is escaped.
"""

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

from adapters.slack.actions import Action, More
from adapters.slack.posts import short_key
from adapters.slack.text import BUTTON_CHARACTERS, PLAIN_CHARACTERS, PROMPT_CHARACTERS, fallback, fitting, one_line
from core.ports import Notice, Result, Stage
from core.replies import notice_text, particulars, say
from core.turns import Operation, Turn

Block: TypeAlias = dict[str, Any]
Body: TypeAlias = dict[str, Any]

MOST_RATIOS = 50
_CHANNEL = re.compile(r"<#([CG][A-Z0-9]+)>")


def plain_text(text: str, limit: int = PLAIN_CHARACTERS) -> Block:
    """Words that Slack shows as they are."""
    return {"type": "plain_text", "text": fitting(text, limit) or "…", "emoji": False}


def paragraph(text: str) -> Block:
    """Words as a block."""
    return {"type": "section", "text": plain_text(text)}


def small(text: str) -> Block:
    """Words in small print."""
    return {"type": "context", "elements": [plain_text(text)]}


def prose(*pieces: str | tuple[str, dict[str, bool]]) -> Block:
    """Words in which some are emphasised and none is markup."""
    elements: list[Block] = []
    for piece in pieces:
        text, style = piece if isinstance(piece, tuple) else (piece, {})
        if text:
            elements.append({"type": "text", "text": text, **({"style": style} if style else {})})
    elements = elements or [{"type": "text", "text": "…"}]
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}


def with_channels(text: str) -> Block:
    """Words in which `<#C…>` stands for a channel, and nothing else for anything."""
    elements: list[Block] = []
    for number, piece in enumerate(_CHANNEL.split(fitting(text, PLAIN_CHARACTERS))):
        if number % 2:
            elements.append({"type": "channel", "channel_id": piece})
        elif piece:
            elements.append({"type": "text", "text": piece})
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}


def linked(text: str, url: str) -> Block:
    """A sentence in which a line break stands for a link."""
    before, after = text.split("\n", 1)
    block = prose(before, after)
    elements: list[Block] = block["elements"][0]["elements"]
    elements.insert(1, {"type": "link", "url": url})
    return block


def button(action: str, value: str, label: str, *, primary: bool = False) -> Block:
    """A button. `value` is all that it knows."""
    style = {"style": "primary"} if primary else {}
    text = {"type": "plain_text", "text": fitting(label, BUTTON_CHARACTERS), "emoji": False}
    return {"type": "button", "action_id": action, "text": text, "value": value, **style}


def option(label: str, value: str) -> Block:
    """One of a menu's choices."""
    return {"text": {"type": "plain_text", "text": fitting(label, BUTTON_CHARACTERS), "emoji": False}, "value": value}


def message(text: str, *blocks: Block) -> Body:
    """A message that unfolds no link. Without blocks its words are plain all the same."""
    return {
        "text": fallback(text),
        "blocks": list(blocks) or [paragraph(text)],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def root(turn: Turn) -> Body:
    """The message in the channel that credits the person and holds the thread."""
    prompt = _quoted(turn)
    name = turn.author.name or turn.author.user
    more = _particulars(turn)
    return message(f"{name}: {prompt}{more}", prose((name, {"bold": True}), f": {prompt}", more))


def announcement(turn: Turn, notice: Notice, *notes: str) -> Body:
    """The message that stands for a turn, at any of its stages before there are pictures."""
    key, said = short_key(turn.id), notice_text(notice, turn.locale)
    said = "\n".join((said, *notes))
    controls: list[Block] = []
    if not notice.stage.final:
        controls = [button(Action.CANCEL, key, say(turn.locale, "button.cancel"))]
    elif notice.may_retry:
        controls = [button(Action.AGAIN, key, say(turn.locale, "button.again"))]
    rows = [{"type": "actions", "elements": controls}] if controls else []
    rows = [*_originals(notice.links, turn.locale), *rows]
    return message(f"{_quoted(turn)} – {said}", _heading(turn), paragraph(said), *rows)


def _originals(links: Sequence[str], locale: str) -> list[Block]:
    """A line that leads to originals."""
    label = say(locale, "button.original")
    named = [{"type": "link", "url": link, "text": f"{label} {number}"} for number, link in enumerate(links, 1)]
    spaced = [piece for link in named for piece in ({"type": "text", "text": " "}, link)][1:]
    return [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": spaced}]}] if links else []


def noted(body: Body, note: str) -> Body:
    """The same message with one more sentence below its heading."""
    heading, *rest = body["blocks"]
    return {**body, "text": f"{body['text']}\n{fallback(note)}", "blocks": [heading, paragraph(note), *rest]}


def face(notice: Notice) -> str:
    """What of a notice a person would see change: preparing, sent and drawing look alike."""
    on_the_way = notice.stage in (Stage.PREPARING, Stage.QUEUED, Stage.DRAWING)
    return f"{'drawing' if on_the_way else notice.stage}:{notice.position}:{len(notice.remarks)}"


def result(turn: Turn, outcome: Result, *, ratios: Sequence[str], notes: Sequence[str] = ()) -> Body:
    """The message with the pictures, but for its files."""
    said = "\n".join((*outcome.notes, *notes))
    blocks = [_heading(turn)]
    if said:
        blocks.append(paragraph(said))
    if outcome.using:
        blocks.append(small(outcome.using))
    blocks.append(small(outcome.model or "–"))
    return message(_quoted(turn), *blocks, controls(turn, ratios))


def controls(turn: Turn, ratios: Sequence[str]) -> Block:
    """The buttons and the menu under a result, in one row."""
    locale, key = turn.locale, short_key(turn.id)
    row = [
        button(Action.EDIT, key, say(locale, "button.edit"), primary=True),
        *(() if turn.uprooted else (button(Action.AGAIN, key, say(locale, "button.again")),)),
        button(Action.VARIATIONS, key, say(locale, "button.variations")),
    ]
    if turn.parent is not None:
        row.append(button(Action.UNDO, key, say(locale, "button.undo")))
    if turn.options.private:
        row.append(button(Action.SHARE, key, say(locale, "slack.share")))
    if ratios and not turn.uprooted:
        choices = [option(ratio, f"{key}|{ratio}") for ratio in ratios[:MOST_RATIOS]]
        placeholder = {"type": "plain_text", "text": say(locale, "button.ratio"), "emoji": False}
        row.append({"type": "static_select", "action_id": Action.RATIO, "placeholder": placeholder, "options": choices})
    offered = [More.PATH, More.COMPARE, More.COMPARE_WITH, More.RESTORE, More.FORK_TO]
    if turn.parent is None:
        offered.remove(More.COMPARE)
    if turn.options.private:
        offered.remove(More.FORK_TO)
    choices = [option(say(locale, f"button.{what}"), f"{key}|{what}") for what in offered]
    row.append({"type": "overflow", "action_id": Action.MORE, "options": choices})
    return {"type": "actions", "elements": row}


def _heading(turn: Turn) -> Block:
    style = {"italic": True} if turn.operation is Operation.VARIATIONS else {}
    return prose((_quoted(turn), style), _particulars(turn))


def _particulars(turn: Turn) -> str:
    return f" · {note}" if (note := particulars(turn)) else ""


def _quoted(turn: Turn) -> str:
    return one_line(turn.prompt, PROMPT_CHARACTERS) if len(turn.prompt) > PROMPT_CHARACTERS else turn.prompt
