"""What the words of a turn stand for: `@names` become references, a style becomes words that are added.

The prompt itself stays as it was typed, wherever people see it; only the model is told the rest. Saved pictures are
numbered after all others (see `core.numbering`), those of the prompt before those of the style.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from core.library import Library
from core.names import folded, replaced, shown, spoken
from core.styles import NO_STYLE, Styles
from core.turns import Operation, Reference, Source, Turn

PARAGRAPH = "\n\n"
"""Between what a person wrote and what is put behind it for the model."""


@dataclass(frozen=True, slots=True)
class Wording:
    """Looks up what words stand for, when a turn is taken on."""

    library: Library
    styles: Styles

    async def settle(self, turn: Turn) -> Turn:
        """The turn with its style's words and its saved pictures. Raises `Declined` for a style that there is not.

        A channel's usual style is for new pictures: what is made from one has it already. An empty style is one that
        was asked to be none. What is made again keeps its style's words, whatever became of the style. A name without
        a picture is named with the reason where it had one. Settling what is settled changes nothing.
        """
        style, addition = await self._style(turn)
        names = [found.name for found in spoken(f"{turn.prompt}\n{addition}")]
        known = await self.library.references(turn.author, names)
        before = {name: reference for reference in turn.references if (name := name_of(reference)) and name in names}
        given = tuple(reference for reference in turn.references if reference.source is not Source.SAVED)
        saved = tuple(_with_change(reference, before.get(name)) for name, reference in known.items())
        removed = await self.library.removed(turn.author, [name for name in names if name not in known | before])
        missing = (*(reference for name, reference in before.items() if name not in known), *removed)
        references = (*given, *saved, *missing)
        return replace(turn, references=references, addition=addition, options=replace(turn.options, style=style))

    async def _style(self, turn: Turn) -> tuple[str | None, str]:
        asked, channel = turn.options.style, turn.thread.channel
        if turn.operation is Operation.AGAIN and asked and turn.addition:
            return asked, turn.addition
        if asked is None and turn.operation is Operation.IMAGINE:
            asked = await self.styles.default(turn.author, channel) or None
        if not asked or asked.strip().casefold() == NO_STYLE:
            return None if asked is None else "", ""
        style = await self.styles.named(turn.author, asked, channel=channel)
        return style.name, style.words


def _with_change(reference: Reference, before: Reference | None) -> Reference:
    """What a name stands for, with a mark where that was another picture when the turn was first asked for."""
    if before is None or not before.attachment:
        return reference
    return before if before.attachment == reference.attachment else replace(reference, changed=True)


def for_model(turn: Turn, used: Collection[Reference] | None = None) -> str:
    """The prompt as the model is told it: names read as words, each with its number where its picture is used.

    All are, unless `used` says which.
    """
    words: dict[str, str] = {}
    for number, reference in enumerate(turn.references, 1):
        if name := name_of(reference):
            goes_along = used is None or reference in used
            words[name] = shown(reference.name) + (f" (image {number})" if goes_along else "")
    return replaced(PARAGRAPH.join(filter(None, (turn.prompt, turn.addition))), words.get)


def name_of(reference: Reference) -> str | None:
    """The folded name of a saved picture; None for any other reference."""
    return folded(reference.name) if reference.source is Source.SAVED else None
