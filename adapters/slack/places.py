"""Where a turn is shown: in its thread, in a thread opened for it, else in the person's own messages with us."""

from dataclasses import dataclass, replace

import structlog

from adapters.slack import render
from adapters.slack.posting import Poster
from adapters.slack.posts import Post, short_key
from adapters.slack.web_api import Refused, Unsure, WebApi
from core.errors import PlatformBusy, PlatformGone
from core.ports import Notice
from core.replies import say
from core.turns import Turn

RETRY_SECONDS = 2.0
CLOSED = frozenset(
    {
        "not_in_channel",
        "channel_not_found",
        "is_archived",
        "is_inactive",
        "restricted_action",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "posting_to_channel_denied",
        "not_authorized",
        "no_permission",
        "access_denied",
        "thread_not_found",
        "cannot_reply_to_message",
    }
)
LOST = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "tombstone"})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Placed:
    """Where an announcement stands. `opened` says that the thread is ours."""

    channel: str
    root: str
    message: str
    opened: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """A message that had to be posted anew, and what it says there."""

    post: Post
    body: render.Body


class Places:
    """Finds the best place that takes a message."""

    def __init__(self, api: WebApi, poster: Poster) -> None:
        self._api = api
        self._poster = poster

    async def announce(self, turn: Turn, notice: Notice) -> Placed:
        """Post the announcement, and the root that it hangs on where there is none.

        Raises `Refused` where nobody takes it, `PlatformBusy` to be tried again.
        """
        if turn.options.private and not turn.thread.thread:
            return await self._in_direct(turn, notice)
        try:
            return await self._where_asked(turn, notice)
        except Refused as refused:
            if refused.code not in CLOSED:
                raise
            log.warning("a turn cannot be shown where it was asked for", why=str(refused))
            return await self._in_direct(turn, notice, _why(turn, refused))

    async def elsewhere(self, turn: Turn, post: Post, body: render.Body, part: str, refused: Refused) -> Moved | None:
        """Post in the thread what an announcement that has gone cannot show, else directly; None where that is no help.

        Raises as `announce`.
        """
        if refused.code not in CLOSED | LOST:
            return None
        log.warning("an announcement has gone; going on elsewhere", why=str(refused))
        name, workspace = short_key(turn.id), turn.thread.workspace
        if refused.code in LOST and post.root:
            try:
                ts = await self._poster.once(
                    name, f"{part}-again", workspace, post.channel, body, thread=post.root, locale=turn.locale
                )
                return Moved(replace(post, message=ts), body)
            except Refused as again:
                if again.code not in CLOSED:
                    raise
                refused = again
        channel = await self.direct(workspace, turn.author.user)
        body = render.noted(body, _why(turn, refused))
        ts = await self._poster.once(name, f"{part}-direct", workspace, channel, body, locale=turn.locale)
        return Moved(replace(post, channel=channel, root=ts, message=ts), body)

    async def direct(self, workspace: str, user: str) -> str:
        """The channel of our messages with a person. Raises `PlatformGone` where there cannot be one."""
        try:
            answer = await self._api.call(workspace, "conversations.open", users=user)
        except Unsure as unsure:
            raise PlatformBusy(RETRY_SECONDS) from unsure
        except Refused as refused:
            raise PlatformGone(f"a person cannot be written to: {refused}") from None
        return str(answer["channel"]["id"])

    async def _where_asked(self, turn: Turn, notice: Notice) -> Placed:
        channel, workspace = turn.thread.channel, turn.thread.workspace
        root, opened = turn.thread.thread or turn.reply_to, not turn.thread.thread
        if not root:
            root = await self._poster.once(
                short_key(turn.id), "root", workspace, channel, render.root(turn), locale=turn.locale
            )
        message = await self._announced(turn, channel, root, notice, "announcement")
        return Placed(channel, root, message, opened)

    async def _in_direct(self, turn: Turn, notice: Notice, *notes: str) -> Placed:
        workspace = turn.thread.workspace
        channel = await self.direct(workspace, turn.author.user)
        root = await self._poster.once(
            short_key(turn.id), "root-direct", workspace, channel, render.root(turn), locale=turn.locale
        )
        message = await self._announced(turn, channel, root, notice, "announcement-direct", *notes)
        return Placed(channel, root, message, opened=True)

    async def _announced(self, turn: Turn, channel: str, root: str, notice: Notice, part: str, *notes: str) -> str:
        body = render.announcement(turn, notice, *notes)
        name, workspace = short_key(turn.id), turn.thread.workspace
        return await self._poster.once(name, part, workspace, channel, body, thread=root, locale=turn.locale)


def _why(turn: Turn, refused: Refused) -> str:
    return say(turn.locale, "slack.not_in_channel" if refused.code == "not_in_channel" else "slack.moved")
