"""Slack behind the core's port.

Where pictures are shown: the announced message in the thread gets them. They are uploaded without a place, then
`chat.update` gives the message their `file_ids` together with its last words and its buttons. Of the forms there are:

- A file message (`completeUploadExternal` with a channel) appears whenever Slack has processed it, out of order,
  carries no metadata to be found by, and leaves the announcement standing beside it.
- An `image` block with `slack_file` takes PNG, JPEG and GIF only, is refused while the file is processed, and stays
  broken for everybody but us unless the file is shared there as well, where it is then seen twice.
- The announced message with files is one message from first to last, in the place it has always had, sharing the files
  with whoever can read it. Doing it again changes nothing: the step that must happen once is idempotent.

So only two posts have to happen once, the root and the announcement, and `adapters.slack.posting` sees to those.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import structlog
from redis.exceptions import RedisError

from adapters.slack import render
from adapters.slack.agent import Agent
from adapters.slack.files import Files
from adapters.slack.people import STRANGER, People
from adapters.slack.places import Moved, Placed, Places
from adapters.slack.posting import Poster
from adapters.slack.posts import Post, Posts, Shown, short_key, shown_as
from adapters.slack.response_urls import ResponseUrls
from adapters.slack.text import escaped, one_line
from adapters.slack.throttle import Throttle
from adapters.slack.uploads import Uploads
from adapters.slack.web_api import UNSURE_SECONDS, Refused, Unsure, WebApi
from core.errors import Declined, PlatformBusy, PlatformGone
from core.pictures.workshop import PictureWorkshop
from core.ports import Announcement, Delivered, Image, Models, Notice, Result, Stage
from core.replies import say
from core.turns import Reference, ThreadKey, Turn

STORE_SECONDS = 2.0
QUOTED_CHARACTERS = 100
SMALLER = (8 * 1024 * 1024, 3 * 1024 * 1024, 1024 * 1024)
"""What to shrink to where a workspace finds a file too large."""
TOO_LARGE = frozenset({"file_upload_size_restricted", "file_too_large", "storage_limit_reached"})
NO_FILES = TOO_LARGE | {"file_uploads_disabled", "file_uploads_except_images_disabled"}
SENTENCES = {"missing_scope": "slack.no_files_scope"} | dict.fromkeys(NO_FILES, "slack.storage_full")
"""What is said where a finished picture cannot be uploaded."""
ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}

P = ParamSpec("P")
T = TypeVar("T")
log = structlog.get_logger()


def _over_the_border(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Everything that may go wrong, in the port's words."""

    @wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except (RedisError, OSError) as error:
            raise PlatformBusy(STORE_SECONDS) from error
        except Unsure as unsure:
            raise PlatformBusy(UNSURE_SECONDS) from unsure
        except Refused as refused:
            raise PlatformGone(str(refused)) from refused

    return call


@dataclass(frozen=True, slots=True)
class SlackChat:
    """The chat platform. Any worker can post and edit for any turn."""

    api: WebApi
    people: People
    posts: Posts
    poster: Poster
    places: Places
    uploads: Uploads
    files: Files
    throttle: Throttle
    agent: Agent
    response_urls: ResponseUrls
    workshop: PictureWorkshop
    provider: Models

    @property
    def name(self) -> str:
        """The `platform` of its thread keys."""
        return "slack"

    @_over_the_border
    async def announce(self, turn: Turn, notice: Notice, *, repeated: bool) -> Announcement:
        """Post the root where the turn has none yet, and the message in its thread that stands for the turn."""
        del repeated  # every attempt is written down: see `Poster`
        turn = await self._acquainted(turn)
        await self.posts.keep(await self.posts.by_turn(turn.id) or Post(turn))
        await self.throttle.shows(short_key(turn.id), render.face(notice))
        try:
            placed = await self.places.announce(turn, notice)
        except (Refused, PlatformGone) as problem:
            await self._unsaid(turn, problem)
            raise
        thread = _conversation(turn, placed)
        post = Post(turn, thread, placed.channel, placed.root, placed.message)
        await self.posts.keep(post, opened=placed.opened)
        await self.agent.shows(turn, placed.channel, placed.root, notice)
        return Announcement(thread, placed.message, turn.locale)

    async def _acquainted(self, turn: Turn) -> Turn:
        """The same turn in its person's language, where nobody had time to ask for that when it was taken on."""
        if STRANGER not in turn.address:
            return turn
        profile = await self.people.of(turn.thread.workspace, turn.author.user)
        author = replace(turn.author, name=turn.author.name or profile.name)
        return replace(turn, author=author, locale=profile.locale)

    @_over_the_border
    async def update(self, turn: Turn, announcement: Announcement, notice: Notice) -> None:
        """Show the notice. One that is not the last may be left out; that it is done is said by the picture itself."""
        post = await self._post(turn, announcement)
        await self.agent.shows(turn, post.channel, post.root, notice)
        if post.shown:
            return
        key, workspace = short_key(turn.id), turn.thread.workspace
        if not notice.stage.final and not await self.throttle.may_edit(workspace, key, render.face(notice)):
            return
        body = render.announcement(turn, notice)
        try:
            await self._edit(workspace, post.channel, post.message, body)
        except Refused as refused:
            if notice.stage is not Stage.FAILED or not await self._elsewhere(turn, post, body, "end", refused):
                raise

    @_over_the_border
    async def deliver(self, turn: Turn, announcement: Announcement, result: Result, *, repeated: bool) -> Delivered:
        """Give the announced message its pictures, its last words and its buttons."""
        del repeated  # doing it again changes nothing
        post = await self._post(turn, announcement)
        if not post.shown:
            shown, notes = await self._uploaded(turn, post, result)
            body = render.result(turn, result, ratios=await self._ratios(turn), notes=notes)
            post = await self._show(post, shown, body)
            await self.posts.keep(post)
            await self.posts.add_recent(post)
        return Delivered(post.message, post.references())

    @_over_the_border
    async def fetch(self, reference: Reference, thread: ThreadKey) -> bytes:
        """The bytes of a file that people or we posted."""
        return await self.files.fetch(reference, thread.workspace)

    # -- delivering

    async def _show(self, post: Post, shown: tuple[Shown, ...], body: render.Body) -> Post:
        workspace, files = post.turn.thread.workspace, [one.file for one in shown]
        try:
            await self._edit(workspace, post.channel, post.message, body, file_ids=files)
        except Refused as refused:
            moved = await self._elsewhere(post.turn, post, body, "pictures", refused)
            if moved is None:
                raise
            await self._edit(workspace, moved.post.channel, moved.post.message, moved.body, file_ids=files)
            return shown_as(post, shown, channel=moved.post.channel, message=moved.post.message)
        return shown_as(post, shown, channel=post.channel, message=post.message)

    async def _elsewhere(self, turn: Turn, post: Post, body: render.Body, part: str, refused: Refused) -> Moved | None:
        """Post anew what cannot be shown where it belongs; None where there is no other place, and that was said."""
        try:
            moved = await self.places.elsewhere(turn, post, body, part, refused)
        except (Refused, PlatformGone) as problem:
            await self._unsaid(turn, problem)
            raise
        if moved is None:
            await self._unsaid(turn, refused)
        return moved

    async def _unsaid(self, turn: Turn, problem: Refused | PlatformGone) -> None:
        """Neither the place nor the person's own messages take a word: say so wherever the person can still see it."""
        words = say(turn.locale, "slack.unshown", prompt=one_line(turn.prompt, QUOTED_CHARACTERS))
        if isinstance(problem, Refused) and problem.code == "missing_scope":
            words = say(turn.locale, "slack.missing_scope", scope=problem.needed)
        if await self.response_urls.say(turn.id, words) or await self._whispered(turn, words):
            return
        await self.posts.add_unshown(turn.author, words)

    async def _whispered(self, turn: Turn, words: str) -> bool:
        place, user = turn.thread, turn.author.user
        try:
            await self.api.call(
                place.workspace, "chat.postEphemeral", channel=place.channel, user=user, text=escaped(words)
            )
        except (Refused, Unsure, PlatformBusy):
            return False
        return True

    async def _uploaded(self, turn: Turn, post: Post, result: Result) -> tuple[tuple[Shown, ...], list[str]]:
        """The pictures at Slack, byte for byte where they fit; and what has to be said of those that did not."""
        workspace, images, notes = turn.thread.workspace, result.images, list[str]()
        for smaller in (*SMALLER, 0):
            try:
                return await self.uploads.bring(short_key(turn.id), workspace, images), notes
            except Refused as refused:
                if not smaller or refused.code not in TOO_LARGE:
                    await self._say_nowhere(turn, post, result, refused)
                    raise
            images = tuple([await self._fitted(image, smaller) for image in result.images])
            notes = [say(turn.locale, "slack.smaller")]
        raise AssertionError

    async def _fitted(self, image: Image, most: int) -> Image:
        picture = await self.workshop.fit_for_post(image.picture, most)
        stem = image.file_name.rpartition(".")[0] or image.file_name
        return replace(image, picture=picture, file_name=f"{stem}.{ENDINGS.get(picture.media_type, 'bin')}")

    async def _say_nowhere(self, turn: Turn, post: Post, result: Result, refused: Refused) -> None:
        """A workspace that takes no file of ours: say so, and offer the original's own address where there is one."""
        log.error("a picture cannot be uploaded", why=str(refused))
        name = SENTENCES.get(refused.code, "slack.upload_refused")
        cause = say(turn.locale, name, scope=refused.needed)
        links = tuple(image.link for image in result.images if image.link)
        notice = Notice(Stage.FAILED, model=result.model, cause=cause, links=links, may_retry=True)
        body = render.announcement(turn, notice)
        try:
            await self._edit(turn.thread.workspace, post.channel, post.message, body)
        except Refused as again:
            await self._elsewhere(turn, post, body, "end", again)

    async def _edit(
        self, workspace: str, channel: str, ts: str, body: render.Body, *, file_ids: list[str] | None = None
    ) -> None:
        """Edit a message of ours. The result of the same edit made twice is the same."""
        given = {name: value for name, value in body.items() if not name.startswith("unfurl")}
        try:
            await self.api.call(workspace, "chat.update", channel=channel, ts=ts, file_ids=file_ids, **given)
        except Refused as refused:
            if refused.code not in ("invalid_blocks", "msg_too_long", "msg_blocks_too_long"):
                raise
            log.error("Slack finds a message of ours malformed; saying it in plain words", why=str(refused))
            plain = render.message(given["text"])["text"]
            await self.api.call(workspace, "chat.update", channel=channel, ts=ts, file_ids=file_ids, text=plain)

    async def _post(self, turn: Turn, announcement: Announcement) -> Post:
        thread = announcement.thread
        known = await self.posts.by_turn(turn.id)
        if known and known.message:
            return known
        return Post(turn, thread, thread.channel, thread.thread, announcement.message)

    async def _ratios(self, turn: Turn) -> tuple[str, ...]:
        try:
            return (await self.provider.capabilities(turn.options.model or "")).aspect_ratios
        except Declined:
            return ()


def _conversation(turn: Turn, placed: Placed) -> ThreadKey:
    """The conversation of a turn: its parent's or the thread it was asked in, else the one that was opened for it."""
    if turn.parent is not None or turn.thread.thread:
        return turn.thread
    return replace(turn.thread, channel=placed.channel, thread=placed.root)
