"""What a turn looks like on Discord: content, buttons and names, as the JSON of a message."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from adapters.discord.components import (
    LINK_CHARACTERS,
    Action,
    Component,
    More,
    Style,
    button,
    control_id,
    link_button,
    row,
    select,
)
from adapters.discord.posts import short_key
from adapters.discord.words import PROMPT_CHARACTERS, fitting, one_line, plain
from core.ports import Notice, Result, Stage
from core.replies import notice_text, particulars, say
from core.turns import Operation, Turn

Body: TypeAlias = dict[str, Any]

NO_PINGS = {"parse": [], "replied_user": False}
SUPPRESS_EMBEDS, PRIVATE = 1 << 2, 1 << 6


def message(content: str, components: Sequence[Component] = (), *, private: bool = False) -> Body:
    """A message that pings nobody and unfolds no link."""
    return {
        "content": fitting(content),
        "components": list(components),
        "allowed_mentions": NO_PINGS,
        "flags": SUPPRESS_EMBEDS | (PRIVATE if private else 0),
    }


def without_flags(body: Body) -> Body:
    """The same for an edit, which takes no flags for what they are now."""
    return {name: value for name, value in body.items() if name != "flags"}


def reply_to(body: Body, message_id: str, *, ping: bool = False) -> Body:
    """The same as an answer to a message, which may have gone."""
    reference = {"message_id": message_id, "fail_if_not_exists": False}
    mentions = NO_PINGS | {"replied_user": ping}
    return body | {"message_reference": reference, "allowed_mentions": mentions}


def announcement(turn: Turn, notice: Notice) -> Body:
    """The message that stands for a turn, at any of its stages."""
    key = short_key(turn.id)
    rows: list[Component] = []
    if not notice.stage.final:
        rows = [row(button(Action.CANCEL, key, say(turn.locale, "button.cancel")))]
    elif notice.may_retry:
        rows = [row(button(Action.AGAIN, key, say(turn.locale, "button.again")))]
    said = plain(notice_text(notice, turn.locale))
    return message(f"{_heading(turn)}\n{said}", [*rows, *_originals(notice.links, turn.locale)])


def face(notice: Notice) -> str:
    """What of a notice a person would see change: preparing, sent and drawing look alike."""
    on_the_way = notice.stage in (Stage.PREPARING, Stage.QUEUED, Stage.DRAWING)
    return f"{'drawing' if on_the_way else notice.stage}:{notice.position}:{len(notice.remarks)}"


def result(turn: Turn, outcome: Result, *, ratios: Sequence[str], links: Sequence[str], hint: str = "") -> Body:
    """The message with the pictures. `links` lead to originals that were too large to post."""
    locale, key = turn.locale, short_key(turn.id)
    lines = [_heading(turn)]
    lines += [plain(note) for note in outcome.notes]
    if outcome.using:
        lines += [f"-# {plain(outcome.using)}"]
    lines += [f"-# {plain(outcome.model)}" + (f" · {plain(hint)}" if hint else "")]
    return message("\n".join(lines), result_controls(turn, key, locale, ratios, links))


def result_controls(
    turn: Turn, key: str, locale: str, ratios: Sequence[str] = (), links: Sequence[str] = ()
) -> list[Component]:
    """The buttons and the menu under a result."""
    first = [
        button(Action.EDIT, key, say(locale, "button.edit"), Style.PRIMARY),
        *(() if turn.uprooted else (button(Action.AGAIN, key, say(locale, "button.again")),)),
        button(Action.VARIATIONS, key, say(locale, "button.variations")),
    ]
    if turn.parent is not None:
        first.append(button(Action.UNDO, key, say(locale, "button.undo")))
    if turn.options.private:
        first.append(button(Action.PUBLISH, key, say(locale, "discord.publish")))
    else:
        first.append(button(Action.DELETE, key, say(locale, "discord.delete"), Style.DANGER))
    rows = [row(*first)]
    if ratios and not turn.uprooted:
        rows.append(row(select(control_id(Action.RATIO, key), say(locale, "button.ratio"), ratios)))
    rows.append(row(select(control_id(Action.MORE, key), say(locale, "button.more"), *_more(turn, locale))))
    return [*rows, *_originals(links, locale)]


def _originals(links: Sequence[str], locale: str) -> list[Component]:
    """A row that leads to originals, as far as Discord takes their addresses."""
    fitting_links = [link for link in links if link.startswith("https://") and len(link) <= LINK_CHARACTERS]
    buttons = [link_button(link, say(locale, "button.original")) for link in fitting_links[:5]]
    return [row(*buttons)] if buttons else []


def _more(turn: Turn, locale: str) -> tuple[Sequence[str], Sequence[str]]:
    """What else can be done in the tree, by value and by label."""
    offered = [More.PATH, More.COMPARE, More.COMPARE_WITH, More.RESTORE]
    if turn.parent is None:
        offered.remove(More.COMPARE)
    if not turn.options.private and "direct" not in turn.address:
        offered += [More.FORK, More.FORK_TO]
    return offered, [say(locale, f"button.{what}") for what in offered]


def _heading(turn: Turn) -> str:
    """Who asked, and for what. The mention names the person and, as nothing is parsed, does not call them."""
    words = turn.prompt if turn.operation is not Operation.VARIATIONS else say(turn.locale, "button.variations")
    said = f"<@{turn.author.user}> · {plain(one_line(words, PROMPT_CHARACTERS))}"
    return f"{said} · {plain(more)}" if (more := particulars(turn)) else said
