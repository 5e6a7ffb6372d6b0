"""Pictures find their way to Discord within its limits, and back, by message when a link has died."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from adapters.discord.pictures import KEPT, LOOSE, MOST_FILES, REQUEST_BYTES, Pictures
from adapters.discord.rest import File, Refused
from core.errors import PlatformBusy, PlatformGone
from core.fetching import FetchFailed, FetchProblem
from core.pictures import Picture
from core.ports import Image
from core.turns import Reference

LIVE = "https://cdn.example/a.png?ex=ffffffff"
DEAD = "https://cdn.example/a.png?ex=1"
AT = Reference("a.png", DEAD, "c", "m", "7")
MESSAGE = {"id": "m", "channel_id": "c", "attachments": [{"id": "7", "filename": "a.png", "url": LIVE}]}


@dataclass
class Outside:
    """Discord's API, its files, our workshop and what we keep: each answers what a test laid out."""

    message: Any = field(default_factory=lambda: MESSAGE)
    problem: FetchProblem | None = None
    kept: tuple[str, list[File]] | None = None
    shrunk: list[int] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    async def call(self, method: str, path: str, **ids: str) -> Any:
        if isinstance(self.message, Exception):
            raise self.message
        return self.message

    async def fetch_trusted(self, url: str, hosts: Any) -> bytes:
        self.fetched.append(url)
        if self.problem:
            raise FetchFailed(self.problem)
        return b"bytes"

    async def files(self, name: str) -> tuple[str, list[File]] | None:
        return self.kept

    async def fit_for_post(self, picture: Picture, max_bytes: int) -> Picture:
        self.shrunk.append(max_bytes)
        if len(picture.data) <= max_bytes:
            return picture
        return Picture(b"small", "image/jpeg", 1, 1, "small")


def pictures(outside: Outside) -> Pictures:
    there = cast("Any", outside)
    return Pictures(there, there, there, there, ("cdn.example",))


def image(size: int, link: str = "https://store/1") -> Image:
    return Image(Picture(b"x" * size, "image/png", 1, 1, f"{size}"), "a fox", "a-fox.png", link)


async def test_a_live_link_is_followed_and_a_dead_one_is_asked_for_anew() -> None:
    outside = Outside()
    assert await pictures(outside).fetch(Reference("a.png", LIVE, "", LOOSE, "7")) == b"bytes"
    assert await pictures(outside).fetch(AT) == b"bytes"
    odd = Reference("a.png", "https://cdn.example/a.png?ex=never", "", LOOSE, "7")
    assert await pictures(outside).fetch(odd) == b"bytes"
    assert outside.fetched == [LIVE, LIVE, odd.url]


async def test_a_link_that_does_not_say_that_it_is_over_is_asked_for_anew_when_it_is() -> None:
    outside = Outside(problem=FetchProblem.GONE)
    with pytest.raises(PlatformGone):
        await pictures(outside).fetch(Reference("a.png", LIVE, "c", "m", "7"))
    assert outside.fetched == [LIVE, LIVE]


@pytest.mark.parametrize(
    ("reference", "outside", "reason"),
    [
        (Reference("a.png", DEAD, "", LOOSE, "7"), Outside(), "gone"),
        (Reference("a.png", LIVE, "", LOOSE, "7"), Outside(problem=FetchProblem.TOO_LARGE), "too_large_bytes"),
        (Reference("a.png", LIVE, "", LOOSE, "7"), Outside(problem=FetchProblem.NOT_ALLOWED), "not_allowed"),
        (AT, Outside(message=Refused(404, 10008, "GET")), "gone"),
        (AT, Outside(message=MESSAGE | {"attachments": []}), "gone"),
        (Reference("a.png", "", "", KEPT, "turn/0"), Outside(), "gone"),
    ],
)
async def test_a_picture_that_is_no_more_says_why(reference: Reference, outside: Outside, reason: str) -> None:
    with pytest.raises(PlatformGone) as gone:
        await pictures(outside).fetch(reference)
    assert gone.value.reason == reason
    assert "cdn.example" not in gone.value.operator


async def test_a_discord_that_cannot_be_reached_now_is_tried_again() -> None:
    with pytest.raises(PlatformBusy):
        await pictures(Outside(problem=FetchProblem.NETWORK)).fetch(AT)


async def test_a_kept_picture_is_found_where_it_is_kept() -> None:
    outside = Outside(kept=("words", [File("a.png", b"one", "image/png"), File("b.png", b"two", "image/png")]))
    assert await pictures(outside).fetch(Reference("b.png", "", "", KEPT, "turn/1")) == b"two"


async def test_pictures_fit_one_request_together_and_what_was_shrunk_is_linked() -> None:
    outside = Outside()
    limit = REQUEST_BYTES // 3
    files, links = await pictures(outside).fit((image(10), image(limit + 1), image(limit + 1, link="")), 50_000_000)
    assert outside.shrunk == [limit] * 3
    assert [file.name for file in files] == ["a-fox.png", "a-fox.jpg", "a-fox.jpg"]
    assert files[0].data == b"x" * 10
    assert links == ["https://store/1"]


async def test_one_message_has_ten_files_at_most() -> None:
    files, _ = await pictures(Outside()).fit((image(10),) * 12, 1_000_000)
    assert len(files) == MOST_FILES
