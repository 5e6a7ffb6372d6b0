"""What a prompt points at besides its attachments: addresses in it, and "this".

"This" is taken for the newest picture around only where a prompt begins by pointing: "this as a watercolour", "make
that photo darker", "dieses Bild bei Nacht". Anywhere else ("a man in this image", "this is fine") it is a word.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import urlsplit

from core.turns import Reference, Source

MOST_LINKS = 10
TOO_MANY_LINKS = "too_many_links"
POINTED_MESSAGES = 15
POINTED_SECONDS = 30 * 60.0
"""What "this" can mean is among this many messages and no older: what stands there for longer is not pointed at."""


class _Tongue(NamedTuple):
    """How one language points: "this picture", unless it goes on to tell what that shows, or "this" and what follows.

    Either may stand behind a verb.
    """

    verbs: str
    picture: str
    tells: str
    this: str
    follows: str


_TONGUES = (
    _Tongue(
        "make|turn|change|redraw|redo|edit|use|take",
        r"(?:this|that)\s+(?:picture|image|photo|photograph|drawing|sketch|screenshot)",
        "is|shows|should|must|has|needs|depicts|contains",
        "this|that",
        "as|into|like|but|with|without|at|by|in|a|an|look|more|less",
    ),
    _Tongue(
        "mach|mache|nimm|nehme|verwandle|ändere|zeichne",
        r"(?:dies|dieses|das)\s+(?:hier\s+|da\s+)?(?:bild|foto|zeichnung|skizze)",
        "ist|zeigt|soll|sollte|muss|hat|enthält",
        "das|dies",
        "hier|da|als|aber|nur",
    ),
    _Tongue(
        "transforme|prends|modifie|utilise|fais de",
        r"cette\s+(?:image|photo|illustration)",
        "est|montre|doit|devrait|contient",
        "ça|ceci|cela",
        "en|comme|mais|avec|sans",
    ),
    _Tongue(
        "convierte|haz|usa|toma|cambia",
        r"(?:esta|esa)\s+(?:imagen|foto|fotografía|ilustración)",
        "es|muestra|debe|debería|contiene",
        "esto|eso",
        "como|en|pero|con|sin",
    ),
    _Tongue(
        "transforme|faça|use|pegue|mude",
        r"(?:esta|essa)\s+(?:imagem|foto|ilustração)",
        "é|mostra|deve|deveria|contém",
        "isto|isso",
        "como|em|mas|com|sem",
    ),
)
_JAPANESE = r"(?:この|その)(?:画像|写真|絵|イラスト)(?:を|で|に|の)|(?:これ|それ)を"


def _beginning(tongue: _Tongue) -> str:
    picture = rf"(?:{tongue.picture})\b(?!\s+(?:{tongue.tells})\b)"
    this = rf"(?:{tongue.this})(?:\s+(?:{tongue.follows})\b|(?=\s*(?:[,.:;!…]|$)))"
    return rf"(?:(?:{tongue.verbs})\s+)?(?:{picture}|{this})"


_POINTING = re.compile(
    rf"\s*(?:(?:please|bitte)\s+)?(?:{'|'.join(map(_beginning, _TONGUES))}|{_JAPANESE})", re.IGNORECASE
)
_LINK = re.compile(r"https?://[^\s<>\"'`|{}\\^\[\]（）「」、。]{3,2000}", re.IGNORECASE)
_AFTER_A_LINK = ".,;:!?)*_~…"


def points(prompt: str) -> bool:
    """Whether the prompt begins by pointing at a picture."""
    return _POINTING.match(prompt) is not None


def links_in(prompt: str, known: Sequence[Reference] = ()) -> tuple[Reference, ...]:
    """The addresses in a prompt as references, each once, without those that are `known` already.

    Past `MOST_LINKS`, with the known, they are refused.
    """
    urls = dict.fromkeys(_trimmed(link[0]) for link in _LINK.finditer(prompt))
    before = {reference.url for reference in known}
    found = [Reference(_short(url), url, source=Source.LINK) for url in urls if url not in before]
    room = max(0, MOST_LINKS - sum(reference.source is Source.LINK for reference in known))
    return (*found[:room], *(replace(link, refused=TOO_MANY_LINKS) for link in found[room:]))


def _trimmed(link: str) -> str:
    """Without the end of the sentence that it stands in. A bracket that it opened itself is its own."""
    while link[-1] in _AFTER_A_LINK and not (link[-1] == ")" and "(" in link):
        link = link[:-1]
    return link


def _short(url: str) -> str:
    """An address for the eye: its host and its file, and nothing of its query, which may be a signature."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return url.partition("?")[0]
    file = parts.path.rpartition("/")[2]
    return f"{host}/{file}" if file else host
