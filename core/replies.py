"""Every sentence that a person reads, in their language.

The sentences are in `core/languages/<language>.toml`, by section and name; adding a language is adding a file (and, for
the names of Discord's commands, Discord's code for it). What is said is plain text: an adapter escapes it for its
platform.
"""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from core.ports import Notice, Stage
from core.turns import Operation, Turn

HALF_A_CENT = 5_000
LANGUAGES = Path(__file__).parent / "languages"
_OF_FIRST = {Operation.EDIT: "note.first_picture", Operation.VARIATIONS: "note.first_varied"}


@cache
def languages() -> tuple[str, ...]:
    """The languages that have a file, as their codes (`en`, `pt-BR`)."""
    return tuple(sorted(path.stem for path in LANGUAGES.glob("*.toml")))


@cache
def sentences(language: str) -> Mapping[str, str]:
    """The sentences of one language, by `section.name`."""
    sections = tomllib.loads((LANGUAGES / f"{language}.toml").read_text(encoding="utf-8"))
    return {f"{section}.{name}": text for section, named in sections.items() for name, text in named.items()}


@cache
def language_for(locale: str) -> str:
    """The best language there is for a platform's locale (`de`, `es-419`, `ja_JP`), English at last."""
    wanted = locale.replace("_", "-")
    for candidate in (wanted, wanted.split("-", maxsplit=1)[0]):
        if candidate in languages():
            return candidate
    return "en"


def say(locale: str, name: str, /, **values: object) -> str:
    """The sentence `section.name` in the person's language, with its blanks filled in."""
    text = sentences(language_for(locale)).get(name) or sentences("en")[name]
    return text.format(**values)


def notice_text(notice: Notice, locale: str) -> str:
    """What an announcement says: where the turn is and, while it is on its way, its estimate; then its remarks."""
    where = _stage_text(notice, locale)
    if notice.price and not notice.stage.final:
        where = f"{where} {cost_estimate(notice.price)}"
    return "\n".join((where, *notice.remarks))


def _stage_text(notice: Notice, locale: str) -> str:
    name = f"stage.{notice.stage}"
    if notice.stage is Stage.WAITING and notice.seconds is None:
        name = "stage.waiting_unknown"
    if notice.stage in (Stage.WAITING, Stage.CANCELLED) and notice.cause:
        return notice.cause
    seconds = notice.seconds if notice.seconds is not None else (notice.usual or 0)
    return say(
        locale,
        name,
        position=notice.position,
        seconds=max(1, round(seconds)),
        model=notice.model,
        cause=notice.cause,
    )


def particulars(turn: Turn) -> str:
    """What stands behind a turn's prompt: which of several pictures it goes on from, and its style. Empty for neither.

    The first of several is also what somebody gets who names none, so it comes with the way to the others.
    """
    said = []
    if turn.parent is not None and turn.among > 1:
        name = "note.picture" if turn.parent.index else _OF_FIRST.get(turn.operation, "note.picture")
        restore = say(turn.locale, "button.restore")
        said.append(say(turn.locale, name, number=turn.parent.index + 1, count=turn.among, restore=restore))
    if turn.options.style:
        said.append(say(turn.locale, "note.style", name=turn.options.style))
    return " · ".join(said)


def first_of(items: Sequence[str], most: int, locale: str) -> str:
    """Items side by side, at most so many of them, and how many more there are."""
    shown, left = ", ".join(items[:most]), len(items) - most
    return f"{shown} {say(locale, 'list.more', count=left)}" if left > 0 else shown


def cost_estimate(micro_dollars: int) -> str:
    """What something is expected to cost, for the eye."""
    return f"≈ {money(micro_dollars)}" if micro_dollars >= HALF_A_CENT else "≤ $0.01"


def money(micro_dollars: int) -> str:
    """An amount for the eye."""
    return f"${micro_dollars / 1_000_000:.2f}"
