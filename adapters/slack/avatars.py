"""Avatars of people whom a prompt mentions, unless they do not want that."""

import re
from hashlib import sha256

from adapters.slack.actions import PLATFORM
from adapters.slack.desk import Actor, Desk
from adapters.slack.files import LOOSE
from core.turns import Person, Reference, Source

MOST_MENTIONED = 10
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")


def mentions_somebody(words: str) -> bool:
    """Whether words mention people, whose avatars may go along."""
    return _MENTION.search(words) is not None


async def mentioned(desk: Desk, actor: Actor, prompt: str) -> tuple[str, tuple[Reference, ...]]:
    """The prompt with names for mentions, and the avatars of the mentioned where operator and workspace let them along.

    Who refuses, or has none, is named when the turn is prepared.
    """
    ids = list(dict.fromkeys(_MENTION.findall(prompt)))[:MOST_MENTIONED]
    known = {user: await desk.people.of(actor.workspace, user) for user in ids}
    found = {user: profile for user, profile in known.items() if profile.name}
    words = _MENTION.sub(lambda mention: found[mention[1]].name if mention[1] in found else mention[0], prompt)
    allowed = found and desk.avatars.mentioned and (await desk.settings.of(actor.workspace)).avatars
    if not allowed:
        return words, ()
    references = []
    for user, profile in found.items():
        refused = "" if profile.avatar else "no_avatar"
        if not await desk.avatars.allows(Person(PLATFORM, actor.workspace, user)):
            refused = "avatar_refused"
        references.append(
            Reference(
                f"{profile.name}.png",
                profile.avatar,
                "",
                LOOSE,
                sha256(f"{user} {profile.avatar}".encode()).hexdigest()[:16],
                source=Source.AVATAR,
                owner=profile.name,
                refused=refused,
                face=user,
            )
        )
    return words, tuple(references)
