"""What a person is told when something goes wrong: a sentence, never an exception's text."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as StoreLost

from adapters.slack.answers import Answers
from adapters.slack.response_urls import ResponseUrls, keys_from
from adapters.slack.tokens import OneWorkspace
from adapters.slack.web_api import Refused, Unsure, WebApi, make_client
from core.errors import AnswerLost, Declined, PlatformBusy
from core.replies import say
from tests.fakes.slack import FakeSlack

pytest_plugins = ["tests.fakes.slack.fixtures"]


@pytest.fixture
async def answers(fake_slack: FakeSlack, redis: Redis) -> AsyncIterator[Answers]:
    team = fake_slack.workspace("Acme")
    async with aiohttp.ClientSession() as session:
        tokens = OneWorkspace(make_client(session, fake_slack.api_url), team.bot_token)
        urls = ResponseUrls(redis, keys_from("xoxb-1"), session, [urlsplit(fake_slack.base_url).netloc])
        answers = Answers(WebApi(session, fake_slack.api_url, tokens, redis), urls)
        yield answers
        await answers.tasks.close()


async def english() -> str:
    return "en"


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (Declined("slack.no_channel"), "slack.no_channel"),
        (StoreLost("redis://:secret@host"), "slack.store_down"),
        (AnswerLost(), "slack.service_down"),
        (Unsure("chat.postMessage"), "slack.slack_down"),
        (PlatformBusy(), "slack.slack_down"),
        (Refused("views.open", "expired_trigger_id"), "slack.form_slow"),
        (Refused("chat.postMessage", "not_in_channel"), "slack.not_in_channel"),
        (Refused("chat.postMessage", "restricted_action"), "slack.not_permitted"),
        (ValueError("secret"), "slack.broken"),
    ],
    ids=repr,
)
async def test_every_problem_has_its_sentence(answers: Answers, problem: Exception, sentence: str) -> None:
    async def fails() -> str:
        raise problem

    async def never(text: str) -> None:
        raise AssertionError(text)

    assert await answers.within(fails(), english, never) == say("en", sentence)


async def test_a_missing_scope_is_named(answers: Answers) -> None:
    async def fails() -> str:
        raise Refused("conversations.open", "missing_scope", "im:write")

    async def never(text: str) -> None:
        raise AssertionError(text)

    assert "im:write" in await answers.within(fails(), english, never)


async def test_what_comes_late_is_said_later(answers: Answers) -> None:
    said: list[str] = []
    ready, spoken = asyncio.Event(), asyncio.Event()

    async def slow() -> str:
        await ready.wait()
        return "at last"

    async def later(text: str) -> None:
        said.append(text)
        spoken.set()

    assert await answers.within(slow(), english, later) == ""
    ready.set()
    await spoken.wait()
    assert said == ["at last"]


async def test_an_answer_by_a_dead_response_url_harms_nobody(answers: Answers, fake_slack: FakeSlack) -> None:
    await answers.by_url(f"{fake_slack.base_url}/commands/none")("hello")
    await answers.by_url("http://127.0.0.1:1/none")("hello")


async def test_who_cannot_be_whispered_to_is_written_to(answers: Answers, fake_slack: FakeSlack) -> None:
    (team,) = fake_slack.teams.values()
    alice = fake_slack.person(team, "alice")
    await answers.by_post(team.id, "", alice.id)("1 < 2")
    (shown,) = fake_slack.channel(alice, fake_slack.dm(alice))
    assert shown.text == "1 < 2"


async def test_what_fails_quietly_is_told_to_slack_so_that_it_comes_again(answers: Answers) -> None:
    async def fails() -> None:
        raise StoreLost

    with pytest.raises(StoreLost):
        await answers.soon(fails())


async def test_a_token_is_asked_about_once_and_again_after_it_died(fake_slack: FakeSlack) -> None:
    team = fake_slack.workspace("Acme")
    async with aiohttp.ClientSession() as session:
        tokens = OneWorkspace(make_client(session, fake_slack.api_url), team.bot_token)
        found: Any = await asyncio.gather(*(tokens.of(team.id) for _ in range(5)))
        assert {one.bot_user for one in found} == {team.bot_user_id}
        assert len(fake_slack.calls("auth.test")) == 1
        assert await tokens.of("T-another") is None
        await tokens.died(team.id, team.bot_token)
        fake_slack.uninstall(team)
        assert await tokens.of(team.id) is None
