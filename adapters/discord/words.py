"""Words for Discord: people's text as plain text, whatever it tries to be, and within Discord's limits."""

import re

CONTENT_CHARACTERS = 2000
THREAD_NAME_CHARACTERS = 100
ALT_CHARACTERS = 1024
PROMPT_CHARACTERS = 300

_MARKUP = re.compile(r"([\\*_~|`<>\[\]#])")
_MASS_MENTION = re.compile(r"@(?=everyone|here)", re.IGNORECASE)
_CHANNEL = re.compile(r"\\<\\#(\d{15,20})\\>")
_CUT_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\$")


def plain(text: str) -> str:
    """Text that Discord shows as it is: no markup, no mention of anybody, no masked link."""
    return _MASS_MENTION.sub("@\u200b", _MARKUP.sub(r"\\\1", text))


def with_channels(shown: str) -> str:
    """Text made plain in which `<#…>` is a channel after all: that notifies nobody, and shows nobody what is in it."""
    return _CHANNEL.sub(r"<#\1>", shown)


def one_line(text: str, limit: int) -> str:
    """Text on one line, cut to at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def fitting(content: str) -> str:
    """A message's content within Discord's limit, never cut in the middle of an escape."""
    if len(content) <= CONTENT_CHARACTERS:
        return content
    return _CUT_ESCAPE.sub(r"\1", content[: CONTENT_CHARACTERS - 1]) + "…"


def thread_name(prompt: str) -> str:
    """The name of the thread that a turn opens."""
    return one_line(prompt, THREAD_NAME_CHARACTERS) or "…"
