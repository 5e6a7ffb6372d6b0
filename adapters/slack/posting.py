"""One message that is posted once, however often it is tried.

Slack has no key that would make a post idempotent. So an attempt is written down before it is made; one whose end is
not known (a broken connection, a crash) is looked for by the metadata that every message of ours carries, and only
where it is not found is it made again.
"""

import time
from collections.abc import AsyncIterator
from typing import Any

import structlog

from adapters.slack.posts import Attempt, Posts
from adapters.slack.render import Body, noted
from adapters.slack.throttle import Throttle
from adapters.slack.web_api import UNSURE_SECONDS, Refused, Unsure, WebApi
from core.errors import PlatformBusy
from core.replies import say

EVENT_TYPE = "imagine_turn"
PAGE, PAGES = 15, 20
"""15 is the most that some apps are given, once a minute."""
CLOCK_MARGIN_SECONDS = 120.0

log = structlog.get_logger()


class Poster:
    """Posts with the app's own hand."""

    def __init__(self, api: WebApi, posts: Posts, throttle: Throttle) -> None:
        self.api = api
        self._posts = posts
        self._throttle = throttle

    async def once(
        self, name: str, part: str, workspace: str, channel: str, body: Body, *, thread: str = "", locale: str = ""
    ) -> str:
        """Post a message and give its ts; `name` and `part` are what makes it the same post.

        Where an attempt's end is not known and nobody lets us look, it is posted with a word, in `locale`, that it may
        stand there twice: a turn that says nothing at all would be worse.

        Raises `Refused` where Slack will not have it, `PlatformBusy` where it is to be tried again.
        """
        earlier = await self._posts.attempt(name, part)
        if earlier is not None:
            try:
                ts = earlier.ts or await self._look(name, part, workspace, channel, thread, since=earlier.at)
            except Refused as refused:
                log.warning("what was posted cannot be looked for: it may appear twice", why=str(refused))
                ts, body = "", noted(body, say(locale, "slack.maybe_twice"))
            if ts:
                await self._posts.note_attempt(name, part, Attempt(earlier.at, ts))
                return ts
        await self._throttle.wait_to_post(workspace, channel)
        attempt = Attempt(time.time())
        await self._posts.note_attempt(name, part, attempt)
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"key": name, "part": part}}
        try:
            answer = await self.api.call(
                workspace, "chat.postMessage", channel=channel, thread_ts=thread or None, metadata=metadata, **body
            )
        except (Refused, PlatformBusy):
            await self._posts.forget_attempt(name, part)
            raise
        except Unsure as unsure:
            raise PlatformBusy(UNSURE_SECONDS) from unsure
        ts = str(answer["ts"])
        await self._posts.note_attempt(name, part, Attempt(attempt.at, ts))
        return ts

    async def _look(self, name: str, part: str, workspace: str, channel: str, thread: str, *, since: float) -> str:
        """The ts of a message of ours with this key, written since the attempt; empty where there is none.

        Raises `Refused` where the place may not be read.
        """
        log.info("looking for a post whose end is not known", key=name, part=part)
        async for message in self._written(workspace, channel, thread, since - CLOCK_MARGIN_SECONDS):
            payload = (message.get("metadata") or {}).get("event_payload") or {}
            if payload.get("key") == name and payload.get("part") == part:
                return str(message["ts"])
        return ""

    async def _written(self, workspace: str, channel: str, thread: str, oldest: float) -> AsyncIterator[dict[str, Any]]:
        method = "conversations.replies" if thread else "conversations.history"
        cursor = None
        for _ in range(PAGES):
            page = await self.api.call(
                workspace,
                method,
                channel=channel,
                ts=thread or None,
                oldest=f"{oldest:.6f}",
                limit=PAGE,
                cursor=cursor,
                include_all_metadata=True,
            )
            for message in page.get("messages", ()):
                yield message
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not page.get("has_more") or not cursor:
                return
