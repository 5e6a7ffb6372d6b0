"""A conversation that is begun anew, because its history cannot go back to the service.

It is too long, or another model's, or some of its pictures are gone. What stays is one rule, for every service: the
edited picture, those that the turn itself names, the thread's first picture and the references used since, the
latest first, go along as pictures, in this order and as far as the model takes them; the first request and the last
ones go along in words.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.numbering import one_line
from core.turns import ImageRef, Node, Reference

LAST_REQUESTS = 6
REQUEST_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Story:
    """How a picture came about. `requests` are oldest first; `first` is None where it is the picture itself."""

    requests: tuple[str, ...] = ()
    first: Reference | None = None
    references: tuple[Reference, ...] = ()
    """Each once, those used last first."""

    def pictures(self, named: Sequence[Reference]) -> list[tuple[Reference, str]]:
        """What else goes along, in its order, beside what the turn names; each with what the model is told it is."""
        given = {reference.place for reference in named}
        first = [(self.first, "the picture that all this began with")] if self.first else []
        used = [one for one in self.references if one.place not in given]
        return [*first, *((reference, f"“{one_line(reference.name)}”, used before") for reference in used)]


def story_of(image: ImageRef, ancestors: Sequence[Node]) -> Story:
    """How a picture came about. `ancestors` are its node, that node's parent and so on."""
    references: dict[tuple[str, ...], Reference] = {}
    first, here = None, image
    for node in ancestors:
        for reference in node.references:
            references.setdefault(reference.place, reference)
        if here.index < len(node.images):
            first = node.images[here.index].shown if node is not ancestors[0] else None
        here = node.parent or here
    return Story(tuple(node.prompt for node in reversed(ancestors)), first, tuple(references.values()))


def retold(requests: Sequence[str], room: int) -> str:
    """The requests so far in one paragraph for the model: the first and the last, as many as fit `room` characters."""
    for chosen in _choices([_quoted(request) for request in requests]):
        text = f"The picture to change came about by these requests, oldest first: {'; '.join(chosen)}."
        if len(text) <= room:
            return text
    return ""


def _choices(requests: Sequence[str]) -> Iterator[Sequence[str]]:
    first, rest = requests[:1], requests[1:][-LAST_REQUESTS:]
    for start in range(len(rest) + 1 if first else 0):
        yield [*first, *rest[start:]]


def _quoted(request: str) -> str:
    text = " ".join(request.split())
    return f"“{text if len(text) <= REQUEST_CHARACTERS else text[: REQUEST_CHARACTERS - 1] + '…'}”"
