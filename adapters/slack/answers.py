"""Acknowledging within three seconds, whatever else is slow, and saying what came of it: to that person alone.

What is asked for is recorded before it is acknowledged. Where the store hangs, it is acknowledged all the same before
Slack gives up, and what came of it is said later.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeAlias, TypeVar

import structlog
from redis.exceptions import RedisError

from adapters.slack.response_urls import ResponseUrls
from adapters.slack.text import escaped
from adapters.slack.web_api import Refused, Unsure, WebApi
from core.background import stop
from core.errors import Declined, PlatformError, ProviderError
from core.replies import say

ACK_SECONDS = 1.7
"""How long an acknowledgement waits for the record: Slack shows an error after three."""
CLOSING_SECONDS = 5.0
AT_ONCE = 16
"""A burst is answered one after another rather than all late, and over few connections to the store."""

Saying: TypeAlias = Callable[[str], Coroutine[Any, Any, None]]
Language: TypeAlias = Callable[[], Awaitable[str]]
"""Finds out, once there is something to say, in which language."""
T = TypeVar("T")
log = structlog.get_logger()


class Tasks:
    """What goes on after the acknowledgement."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Go on with something beside what is done now."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def close(self) -> None:
        """Wait a little for what is under way, then give it up."""
        if self._running:
            await asyncio.wait(self._running, timeout=CLOSING_SECONDS)
        await stop(*self._running)


class Answers:
    """Turns what came of an event into a sentence, and brings it to the person."""

    def __init__(self, api: WebApi, response_urls: ResponseUrls) -> None:
        self.api = api
        self.response_urls = response_urls
        self.tasks = Tasks()
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def within(self, work: Coroutine[Any, Any, str], language: Language, later: Saying) -> str:
        """What came of it, if that is known before Slack has to be answered; else empty, and it is said `later`."""
        task = self.tasks.start(self._outcome(work, language))
        done, _ = await asyncio.wait({task}, timeout=ACK_SECONDS)
        if done:
            return task.result()
        log.warning("acknowledging what is not recorded yet")
        self.tasks.start(self._later(task, later))
        return ""

    async def aside(self, work: Coroutine[Any, Any, str], language: Language, later: Saying) -> None:
        """The same where the acknowledgement carries no words."""
        if said := await self.within(work, language, later):
            self.tasks.start(later(said))

    async def soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what answers nobody; what takes its time goes on after the acknowledgement. Raises what it raises."""
        task = self.tasks.start(work)
        done, _ = await asyncio.wait({task}, timeout=ACK_SECONDS)
        if done:
            task.result()
        else:
            log.warning("acknowledging what is not recorded yet")
            task.add_done_callback(_log_failure)

    def by_url(self, url: str, *, thread: str = "") -> Saying:
        """Through a `response_url`, which works wherever the person is."""

        async def speak(text: str) -> None:
            await self.response_urls.respond(url, text, thread=thread)

        return speak

    def by_post(self, workspace: str, channel: str, user: str, *, thread: str = "") -> Saying:
        """By a message that only this person sees, else by a direct one."""

        async def speak(text: str) -> None:
            words = escaped(text)
            try:
                try:
                    await self.api.call(
                        workspace,
                        "chat.postEphemeral",
                        channel=channel or user,
                        user=user,
                        thread_ts=thread or None,
                        text=words,
                    )
                except Refused:
                    await self.api.call(workspace, "chat.postMessage", channel=user, text=words)
            except (Refused, Unsure, PlatformError, RedisError, OSError) as error:
                log.warning("a person could not be answered", problem=str(error) or type(error).__name__)

        return speak

    async def _later(self, task: asyncio.Task[str], later: Saying) -> None:
        if said := await task:
            await later(said)

    async def _outcome(self, work: Coroutine[Any, Any, str], language: Language) -> str:
        try:
            async with self._gate:
                return await work
        except Exception as error:  # noqa: BLE001 - whatever it was, the person is told something
            reply, details = _meaning(error)
        return say(await language(), reply, **details)


def _meaning(error: Exception) -> tuple[str, Mapping[str, str | int]]:
    """The sentence that tells a person of a problem, and what fills it in; the log is told the rest."""
    kind = type(error).__name__
    match error:
        case Declined():
            return error.reply, error.details
        case Refused():
            log.warning("Slack did not take what a person asked for", why=str(error))
            return _refused(error)
        case ProviderError():
            log.warning("the image service does not answer as it should", problem=kind)
            return "slack.service_down", {}
        case Unsure() | PlatformError():
            log.warning("Slack did not answer as it should", problem=kind)
            return "slack.slack_down", {}
        case RedisError() | OSError() | TimeoutError():
            log.warning("the store does not answer", problem=kind)
            return "slack.store_down", {}
        case _:
            log.error("an event could not be dealt with", exc_info=error)
            return "slack.broken", {}


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (problem := task.exception()):
        log.error("an event could not be dealt with", problem=type(problem).__name__)


def _refused(refused: Refused) -> tuple[str, Mapping[str, str | int]]:
    if refused.code == "missing_scope":
        return "slack.missing_scope", {"scope": refused.needed}
    if refused.code in ("expired_trigger_id", "exchanged_trigger_id", "trigger_expired"):
        return "slack.form_slow", {}
    if refused.code == "not_in_channel":
        return "slack.not_in_channel", {}
    return "slack.not_permitted", {}
