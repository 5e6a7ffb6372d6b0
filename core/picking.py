"""Which of several pictures a message means: "#2 at night", "make the second one darker", "image 2 without the hat".

The number is that of a picture among those that the parent's message shows. In words it counts only at the beginning,
and only where no other picture goes along: the pictures of a message have numbers of their own, see `core.numbering`.
Words that name none of them are words: "photo 4k", "image 16:9", "Bild 3D".
"""

import re
from dataclasses import replace

from core.conversation import Conversations
from core.errors import Declined
from core.names import spoken
from core.pointing import links_in
from core.turns import ImageRef, ThreadKey

_MARK = re.compile(r"#(\d{1,2})(?!\w)[\s,.:]*")
_ORDINALS = (
    ("first", "second", "third", "fourth"),
    ("erste", "zweite", "dritte", "vierte"),
    ("première", "deuxième", "troisième", "quatrième"),
    ("primera", "segunda", "tercera", "cuarta"),
    ("primeira", "segunda", "terceira", "quarta"),
)
_END = r"(?=\s*(?:[,.:;!…]|$))"
_BY_ORDINAL = (
    r"(?:(?:make|turn|change|take)\s+)?the\s+{}\s+(?:one|picture|image|photo)",
    r"(?:(?:mach|mache|nimm|ändere)\s+)?das\s+{}\s+(?:bild|foto)",
    rf"(?:(?:prends|modifie)\s+)?la\s+{{}}(?:\s+(?:image|photo)|{_END})",
    rf"(?:(?:toma|cambia)\s+)?la\s+{{}}(?:\s+(?:imagen|foto)|{_END})",
    rf"(?:(?:pegue|mude)\s+)?a\s+{{}}(?:\s+(?:imagem|foto)|{_END})",
)
_BY_NUMBER = r"(?:image|photo|bild|foto|imagen|imagem)\s+(\d{1,2})(?!\w|:\d|[.,]\d)"
# Its particles are letters too; a counter or a unit is none of them.
_BY_NUMBER_IN_JAPANESE = r"(?:画像|写真)(\d{1,2})(?!\d|[a-zａ-ｚ]|[:：.．]\d|(?:枚|倍)(?!目))"
_JAPANESE = r"([1-9])(?:番目|枚目|つ目)"


def _words() -> re.Pattern[str]:
    ordinals = (form.format(f"({'|'.join(words)})") for form, words in zip(_BY_ORDINAL, _ORDINALS, strict=True))
    return re.compile(
        rf"(?:{'|'.join(ordinals)})(?!\w)|{_BY_NUMBER}|{_BY_NUMBER_IN_JAPANESE}|{_JAPANESE}", re.IGNORECASE
    )


_WORDS = _words()


def which_of(count: int, words: str, *, alone: bool) -> tuple[int | None, str]:
    """The index of the picture, among `count`, that words begin with, and the words; None where they name none.

    `alone` says that no other picture goes along. The mark is taken off, other words stay. Raises `Declined` for a
    mark with a number that there is not.
    """
    if count < 2:  # noqa: PLR2004 - one is not to be chosen from
        return None, words
    if found := _MARK.match(words):
        number = int(found[1])
        if not 1 <= number <= count:
            raise Declined("declined.no_such_picture", {"number": number, "count": count})
        return number - 1, words[found.end() :]
    if alone and (found := _WORDS.match(words)):
        number = _number(next(filter(None, found.groups())))
        return number - 1 if 1 <= number <= count else None, words
    return None, words


async def picked(
    conversations: Conversations, thread: ThreadKey, parent: ImageRef, words: str, *, alone: bool
) -> tuple[ImageRef, str]:
    """The picture that a message goes on from, and its words. Raises `Declined` as `which_of`.

    `alone` says that the message brings no other picture, but for names and links in its words.
    Of several none of which is named, it is the current one, where that is among them. A mark on what stands alone
    counts the pictures of the nearest before it that does not: who read how to take another may have edited one since.
    """
    node = await conversations.node(thread, parent.node)
    here, count = parent, len(node.images) if node else 1
    if count == 1 and _MARK.match(words):
        async for before in conversations.ancestors(thread, parent.node):
            if len(before.images) > 1 and not before.removed:
                here, count = ImageRef(before.id), len(before.images)
                break
    alone = alone and not (any(spoken(words)) or links_in(words))
    index, words = which_of(count, words, alone=alone)
    if index is not None:
        return replace(here, index=index), words
    return await current_among(conversations, thread, parent), words


async def current_among(conversations: Conversations, thread: ThreadKey, parent: ImageRef) -> ImageRef:
    """Of the pictures of one turn the thread's current one, where that is among them; else the one that is given."""
    current = await conversations.head(thread)
    return current if current and current.node == parent.node else parent


def _number(said: str) -> int:
    if said.isdecimal():
        return int(said)
    return next(words.index(said.lower()) + 1 for words in _ORDINALS if said.lower() in words)
