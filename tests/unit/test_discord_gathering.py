"""What Discord tells with a reply is believed; it is not asked for again."""

from typing import Any, cast

from adapters.discord.events import Message
from adapters.discord.gathering import replied_to
from core.turns import Source

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
