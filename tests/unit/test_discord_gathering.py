"""What Discord tells with a message is believed; what it does not tell is asked for, and missed in words."""

import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.discord.events import Message
from adapters.discord.gathering import gathered, replied_to
from adapters.discord.rest import Refused
from core.errors import Declined, PlatformBusy
from core.pointing import POINTED_SECONDS
from core.turns import Source

GET = "GET"
MESSAGES = "/channels/{channel_id}/messages"
MESSAGE = f"{MESSAGES}/{{message_id}}"
WATERCOLOUR = "this as a watercolour"

PHOTO = {"id": "7", "filename": "photo.heic", "url": "https://cdn.example/photo.heic", "content_type": "image/heic"}
NOTES = {"id": "8", "filename": "notes.txt", "url": "https://cdn.example/notes.txt", "content_type": "text/plain"}


async def test_the_message_that_comes_with_a_reply_needs_no_call() -> None:
    told = {
        "id": "2",
        "channel_id": "1",
        "message_reference": {"message_id": "3", "channel_id": "1"},
        "referenced_message": {
            "id": "3",
            "channel_id": "1",
            "author": {"id": "9", "username": "bob"},
            "attachments": [PHOTO, NOTES],
        },
    }
    (reference,) = await replied_to(cast("Any", None), Message.model_validate(told))
    assert (reference.name, reference.message, reference.attachment) == ("photo.heic", "3", "7")
    assert (reference.source, reference.owner) == (Source.REPLIED, "bob")


async def test_a_message_that_replies_to_nothing_means_nothing_else() -> None:
    assert await replied_to(cast("Any", None), Message.model_validate({"id": "2", "channel_id": "1"})) == ()


def snowflake(*, ago: float) -> str:
    return str((int((time.time() - ago) * 1000) - 1_420_070_400_000) << 22)


def posted(*attachments: dict[str, Any], ago: float = 60.0, **more: Any) -> dict[str, Any]:
    author = {"id": "9", "username": "bob"}
    return {"id": snowflake(ago=ago), "channel_id": "1", "author": author, "attachments": attachments} | more


@dataclass
class Rest:
    """What Discord answers, by path; what is raised is raised."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def call(self, method: str, path: str, **given: Any) -> Any:
        assert method == GET
        self.asked.append(path)
        answer = self.answers[path]
        if isinstance(answer, Exception):
            raise answer
        return answer


def desk(rest: Rest, *, plain_messages: bool = True) -> Any:
    return SimpleNamespace(rest=rest, chat=SimpleNamespace(plain_messages=plain_messages))


def written(**more: Any) -> Message:
    return Message.model_validate({"id": snowflake(ago=0), "channel_id": "1"} | more)


REPLY = {"message_reference": {"message_id": "3", "channel_id": "1"}}


async def test_a_message_that_did_not_come_with_its_reply_is_read() -> None:
    rest = Rest({MESSAGE: posted(PHOTO, NOTES, id="3")})
    (reference,) = await replied_to(desk(rest), written(**REPLY))
    assert (reference.name, reference.message, reference.owner) == ("photo.heic", "3", "bob")


@pytest.mark.parametrize("problem", [Refused(403, 50001, GET), Refused(404, 10008, GET), PlatformBusy()], ids=repr)
async def test_a_message_that_cannot_be_read_holds_nothing_up_but_what_points_at_it(problem: Exception) -> None:
    rest = Rest({MESSAGE: problem})
    assert await gathered(desk(rest), written(**REPLY), "a fox in the snow") == ()
    with pytest.raises(Declined) as refusal:
        await gathered(desk(rest), written(**REPLY), WATERCOLOUR)
    assert refusal.value.reply == "declined.nothing_pointed_at"


async def test_who_sees_too_little_says_so_instead_of_that_there_is_nothing() -> None:
    rest = Rest({MESSAGES: [posted()]})
    with pytest.raises(Declined) as refusal:
        await gathered(desk(rest, plain_messages=False), written(), WATERCOLOUR)
    assert refusal.value.reply == "discord.cannot_look"


@pytest.mark.parametrize("path", [MESSAGES, "/guilds/{guild_id}", "/channels/{channel_id}"])
@pytest.mark.parametrize("problem", [Refused(403, 50001, GET), PlatformBusy()], ids=repr)
async def test_where_discord_does_not_let_us_look_nothing_is_guessed(path: str, problem: Exception) -> None:
    everybody = {"id": "5", "permissions": str(1 << 10 | 1 << 16)}
    answers: dict[str, Any] = {
        "/guilds/{guild_id}": {"id": "5", "owner_id": "2", "roles": [everybody]},
        "/channels/{channel_id}": {"id": "1", "type": 0},
        MESSAGES: [posted(PHOTO)],
    }
    asks = written(guild_id="5", author={"id": "9", "username": "bob"}, member={"roles": []})
    (reference,) = await gathered(desk(Rest(answers)), asks, WATERCOLOUR)
    assert reference.name == "photo.heic"
    with pytest.raises(Declined) as refusal:
        await gathered(desk(Rest(answers | {path: problem})), asks, WATERCOLOUR)
    assert refusal.value.reply == "discord.cannot_look"


async def test_in_direct_messages_this_is_what_was_sent_there_and_nobody_is_asked_who_may_read() -> None:
    rest = Rest({MESSAGES: [posted(NOTES), posted(PHOTO)]})
    (reference,) = await gathered(desk(rest), written(), WATERCOLOUR)
    assert (reference.name, reference.source, reference.owner) == ("photo.heic", Source.NEWEST, "bob")
    assert rest.asked == [MESSAGES]


async def test_what_is_old_or_was_shown_to_one_person_alone_is_not_what_this_means() -> None:
    for other in (posted(PHOTO, flags=1 << 6), posted(PHOTO, ago=POINTED_SECONDS + 60)):
        with pytest.raises(Declined) as refusal:
            await gathered(desk(Rest({MESSAGES: [other]})), written(), WATERCOLOUR)
        assert refusal.value.reply == "declined.nothing_pointed_at"
