"""Acknowledging within three seconds, whatever else is slow, and saying what came of it: to that person alone.

What is asked for is recorded before it is acknowledged. Where the store hangs, it is acknowledged all the same before
Slack gives up, and what came of it is said later.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

import structlog
from redis.exceptions import RedisError

from adapters.slack.response_urls import respond
from adapters.slack.text import escaped
from adapters.slack.web_api import Refused, Unsure, WebApi
from core.errors import Declined, PlatformError, ProviderError
from core.replies import say

ACK_SECONDS = 1.7
"""How long an acknowledgement waits for the record: Slack shows an error after three."""
CLOSING_SECONDS = 5.0
AT_ONCE = 16
"""A burst is answered one after another rather than all late, and over few connections to the store."""

Saying: TypeAlias = Callable[[str], Coroutine[Any, Any, None]]
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
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


class Answers:
    """Turns what came of an event into a sentence, and brings it to the person."""

    def __init__(self, api: WebApi) -> None:
        self.api = api
        self.tasks = Tasks()
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def within(self, work: Coroutine[Any, Any, str], locale: str, later: Saying) -> str:
        """What came of it, if that is known before Slack has to be answered; else empty, and it is said `later`."""
        task = self.tasks.start(self._outcome(work, locale))
        done, _ = await asyncio.wait({task}, timeout=ACK_SECONDS)
        if done:
            return task.result()
        log.warning("acknowledging what is not recorded yet")
        self.tasks.start(self._later(task, later))
        return ""

    async def aside(self, work: Coroutine[Any, Any, str], locale: str, later: Saying) -> None:
        """The same where the acknowledgement carries no words."""
        if said := await self.within(work, locale, later):
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
            await respond(self.api.session, url, text, thread=thread)

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

    async def _outcome(self, work: Coroutine[Any, Any, str], locale: str) -> str:
        try:
            async with self._gate:
                return await work
        except Declined as refusal:
            return say(locale, refusal.reply, **refusal.details)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("the store does not answer", problem=type(error).__name__)
            return say(locale, "slack.store_down")
        except ProviderError as error:
            log.warning("the image service does not answer as it should", problem=type(error).__name__)
            return say(locale, "slack.service_down")
        except Refused as refused:
            log.warning("Slack did not take what a person asked for", why=str(refused))
            return _refused(locale, refused)
        except (Unsure, PlatformError) as error:
            log.warning("Slack did not answer as it should", problem=type(error).__name__)
            return say(locale, "slack.slack_down")
        except Exception:
            log.exception("an event could not be dealt with")
            return say(locale, "slack.broken")


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (problem := task.exception()):
        log.error("an event could not be dealt with", problem=type(problem).__name__)


def _refused(locale: str, refused: Refused) -> str:
    if refused.code == "missing_scope":
        return say(locale, "slack.missing_scope", scope=refused.needed)
    if refused.code in ("expired_trigger_id", "exchanged_trigger_id", "trigger_expired"):
        return say(locale, "slack.form_slow")
    if refused.code == "not_in_channel":
        return say(locale, "slack.not_in_channel")
    return say(locale, "slack.not_permitted")
