"""Files of Slack: found again by their id when a link has died, and why not is told apart."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.slack.files import LOOSE, Files, references_of
from adapters.slack.web_api import Refused
from core.errors import PlatformBusy, PlatformGone
from core.fetching import FetchFailed, FetchProblem
from core.turns import Reference, Source

OLD, NEW = "https://files.slack.com/old.png", "https://files.slack.com/new.png"
AVATAR = "https://avatars.slack-edge.com/ada.png"
FILE = Reference("fox.png", OLD, "C", "1.2", "F1")


@dataclass
class Outside:
    """Slack's side of fetching: what `files.info` says, and which links do not answer."""

    described: Any = field(default_factory=lambda: {"id": "F1", "url_private": NEW})
    problems: dict[str, FetchProblem] = field(default_factory=dict)
    installed: bool = True
    fetched: list[tuple[str, Any]] = field(default_factory=list)

    async def installation(self, workspace: str) -> Any:
        if not self.installed:
            raise Refused("auth.test", "account_inactive")
        return SimpleNamespace(token=f"xoxb-{workspace}")

    async def call(self, workspace: str, method: str, **given: str) -> dict[str, Any]:
        assert (method, given) == ("files.info", {"file": "F1"})
        if isinstance(self.described, Refused):
            raise self.described
        return {"file": self.described}

    async def fetch_trusted(self, url: str, hosts: Any, *, headers: Any = None) -> bytes:
        self.fetched.append((url, headers))
        if problem := self.problems.get(url):
            raise FetchFailed(problem)
        return b"bytes"


async def fetched(outside: Outside, reference: Reference = FILE) -> bytes:
    there = cast("Any", outside)
    return await Files(there, there, ("files.slack.com",), ("avatars.slack-edge.com",)).fetch(reference, "T1")


@pytest.mark.parametrize("problem", [FetchProblem.GONE, FetchProblem.LOGIN_PAGE, FetchProblem.DENIED])
async def test_a_link_that_has_died_is_asked_for_anew_by_its_file(problem: FetchProblem) -> None:
    outside = Outside(problems={OLD: problem})
    assert await fetched(outside) == b"bytes"
    token = {"Authorization": "Bearer xoxb-T1"}
    assert outside.fetched == [(OLD, token), (NEW, token)]


async def test_an_avatar_is_fetched_without_a_token() -> None:
    outside = Outside()
    await fetched(outside, Reference("ada.png", AVATAR, source=Source.AVATAR))
    assert outside.fetched == [(AVATAR, None)]


@pytest.mark.parametrize(
    ("outside", "reason"),
    [
        (Outside({"id": "F1", "mode": "tombstone"}, {OLD: FetchProblem.GONE}), "gone"),
        (Outside({"id": "F1"}, {OLD: FetchProblem.GONE}), "gone"),
        (Outside({"id": "F1", "is_external": True}, {OLD: FetchProblem.GONE}), "elsewhere"),
        (Outside(Refused("files.info", "file_not_found"), {OLD: FetchProblem.GONE}), "gone"),
        (Outside(Refused("files.info", "missing_scope"), {OLD: FetchProblem.GONE}), "login_page"),
        (Outside(problems={OLD: FetchProblem.GONE, NEW: FetchProblem.LOGIN_PAGE}), "login_page"),
        (Outside(problems={OLD: FetchProblem.TOO_LARGE}), "too_large_bytes"),
        (Outside(installed=False), "gone"),
    ],
    ids=str,
)
async def test_a_file_that_is_not_to_be_had_says_why(outside: Outside, reason: str) -> None:
    with pytest.raises(PlatformGone) as gone:
        await fetched(outside)
    assert gone.value.reason == reason
    assert "slack.com" not in gone.value.operator


@pytest.mark.parametrize(
    ("problems", "reference"),
    [
        ({OLD: FetchProblem.NETWORK}, FILE),
        ({OLD: FetchProblem.GONE, NEW: FetchProblem.NETWORK}, FILE),
        ({AVATAR: FetchProblem.NETWORK}, Reference("ada.png", AVATAR, source=Source.AVATAR)),
    ],
)
async def test_a_slack_that_does_not_answer_now_is_asked_again(
    problems: dict[str, FetchProblem], reference: Reference
) -> None:
    with pytest.raises(PlatformBusy):
        await fetched(Outside(problems=problems), reference)


def test_only_what_is_a_file_counts_as_one_and_only_slacks_own_keeps_its_link() -> None:
    own = {"id": "F1", "name": "fox.png", "url_private": OLD}
    said = [own, None, "F2", {"name": "no id"}, own | {"id": "F3", "is_external": True}, {"id": "F4", "title": "a cat"}]
    assert references_of(said) == (
        Reference("fox.png", OLD, "", LOOSE, "F1"),
        Reference("fox.png", "", "", LOOSE, "F3"),
        Reference("a cat", "", "", LOOSE, "F4"),
    )
    assert references_of(None) == ()
