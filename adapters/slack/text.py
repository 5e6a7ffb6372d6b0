"""Words on their way to Slack and from it: people's text as plain text, whatever it tries to be, and within limits."""

import re

FALLBACK_CHARACTERS = 3000
"""What the top-level text may have; an edit of a message takes 4,000 once it is escaped."""
PROMPT_CHARACTERS = 1500
PLAIN_CHARACTERS = 3000
BUTTON_CHARACTERS = 75

_ENTITY_CUT = re.compile(r"&[a-z]{0,3}$")
_TOKEN = re.compile(r"<([^<>]*)>")
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")


def escaped(text: str) -> str:
    """Text that Slack shows as it is. Mentions, links and commands all begin with one of these three."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def fallback(text: str) -> str:
    """The top-level text of a message: what notifications and screen readers say. Never empty."""
    return fitting(escaped(" ".join(text.split())) or "…", FALLBACK_CHARACTERS)


def fitting(text: str, limit: int) -> str:
    """Text of at most `limit` characters, never cut in the middle of an escape."""
    if len(text) <= limit:
        return text
    return _ENTITY_CUT.sub("", text[: limit - 1]).rstrip() + "…"


def one_line(text: str, limit: int) -> str:
    """Text on one line, cut to at most `limit` characters."""
    return fitting(" ".join(text.split()), limit)


def typed(text: str, *, bot: str = "") -> str:
    """What a person typed, out of Slack's markup; mentions of the user id `bot` are dropped.

    Links come as `<address|words>`, and only `& < >` are escaped.
    """
    if bot:
        text = _MENTION.sub(lambda found: "" if found[1] == bot else found[0], text)
    text = _TOKEN.sub(_as_typed, text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def mentions(text: str, user: str) -> bool:
    """Whether a text as Slack writes it mentions a user id."""
    return any(found[1] == user for found in _MENTION.finditer(text))


def _as_typed(found: re.Match[str]) -> str:
    inside = found[1]
    if inside[:1] in ("@", "#", "!"):
        return found[0]
    address, _, words = inside.partition("|")
    return words or address
