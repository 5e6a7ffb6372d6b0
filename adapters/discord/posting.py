"""One post that is made once, however often it is tried.

Discord returns the earlier message for a nonce of the past few minutes. After that, or when the answer was lost with
the process, our own message is found by the keys in its buttons among what was written since.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import structlog
from pydantic import TypeAdapter

from adapters.discord.components import Action
from adapters.discord.events import Message
from adapters.discord.render import Body
from adapters.discord.rest import File, Refused, Rest

MESSAGES = "/channels/{channel_id}/messages"
MESSAGE = MESSAGES + "/{message_id}"
THREADS = MESSAGE + "/threads"
NONCE_CHARACTERS = 25
PAGES = 5
PAGE = 100
DENIED = frozenset({50001, 50013})
BAD_REFERENCE = frozenset({160002, 50035})
ANNOUNCING = frozenset({Action.CANCEL})
SHOWING = frozenset({Action.EDIT, Action.SHOW})

_MESSAGES: TypeAdapter[list[Message]] = TypeAdapter(list[Message])
log = structlog.get_logger()


def nonce_of(*parts: str) -> str:
    """The nonce of one intended post."""
    return sha256("\n".join(parts).encode()).hexdigest()[:NONCE_CHARACTERS]


class Poster:
    """Posts with the bot's own hand."""

    def __init__(self, rest: Rest) -> None:
        self.rest = rest

    async def post(self, channel: str, body: Body, *identity: str, files: Sequence[File] = ()) -> Message:
        """Post a message; `identity` is what makes it the same post. Raises `Refused` and `PlatformBusy`."""
        once = body | {"nonce": nonce_of(channel, *identity), "enforce_nonce": True}
        try:
            answer = await self.rest.call("POST", MESSAGES, once, files=files, channel_id=channel)
        except Refused as refused:
            if refused.code not in BAD_REFERENCE or "message_reference" not in once:
                raise
            # What it answers has gone, or we may not read what was written here.
            once.pop("message_reference")
            answer = await self.rest.call("POST", MESSAGES, once, files=files, channel_id=channel)
        return Message.model_validate(answer)

    async def find(self, channel: str, key: str, actions: frozenset[Action], *, after: str) -> Message | None:
        """Our message with a control of this key, written after the id `after`."""
        wanted = {f"{action}:{key}" for action in actions}
        try:
            for _ in range(PAGES):
                query = {"after": after, "limit": str(PAGE)}
                page = _MESSAGES.validate_python(await self.rest.call("GET", MESSAGES, query=query, channel_id=channel))
                for message in page:
                    if message.author.id == self.rest.user and wanted & set(_controls(message.components)):
                        return message
                if len(page) < PAGE:
                    break
                after = str(max(int(message.id) for message in page))
        except Refused as refused:
            if refused.code in DENIED:
                log.warning("reading the history is not permitted: a post may appear twice", channel=channel)
        return None


def _controls(components: Sequence[dict[str, Any]]) -> list[str]:
    found: list[str] = []
    for component in components:
        if name := component.get("custom_id"):
            found.append(str(name))
        found += _controls(component.get("components") or ())
    return found
