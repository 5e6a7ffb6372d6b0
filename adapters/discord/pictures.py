"""Pictures on their way to Discord and back: fitted to its limits, and found again by message when a link has died."""

import time
from collections.abc import Collection
from urllib.parse import parse_qs, urlsplit

from adapters.discord.events import Message
from adapters.discord.posting import MESSAGE
from adapters.discord.rest import File, Refused, Rest
from adapters.discord.vault import Vault
from adapters.discord.words import ALT_CHARACTERS, one_line
from core.errors import PlatformBusy, PlatformGone
from core.fetching import Fetcher, FetchFailed, FetchProblem
from core.pictures import Picture
from core.pictures.workshop import PictureWorkshop
from core.ports import Image
from core.turns import Reference

REQUEST_BYTES = 25 * 1024 * 1024 - 256 * 1024
"""What one request may have in files, less what surrounds them."""
FILE_BYTES = 10 * 1024 * 1024
MOST_FILES = 10
KEPT = "kept"
LOOSE = "loose"
"""The `message` of a reference that has a link and no message to find it by."""

_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_REASONS = {FetchProblem.TOO_LARGE: "too_large_bytes", FetchProblem.NOT_ALLOWED: "not_allowed"}


class Pictures:
    """Fits and fetches. `hosts` are those that Discord serves files from."""

    def __init__(
        self, rest: Rest, workshop: PictureWorkshop, fetcher: Fetcher, vault: Vault, hosts: Collection[str]
    ) -> None:
        self.rest = rest
        self.workshop = workshop
        self._fetcher = fetcher
        self._vault = vault
        self._hosts = hosts

    async def fit(self, images: tuple[Image, ...], limit: int) -> tuple[list[File], list[str]]:
        """The files to post, each at most `limit` bytes and together in one request, and links to what was shrunk.

        A picture that fits is posted as it came, byte for byte. Raises what the workshop raises.
        """
        limit = min(limit, REQUEST_BYTES // max(1, len(images)))
        files, links = [], []
        for image in images[:MOST_FILES]:
            picture = await self.workshop.fit_for_post(image.picture, limit)
            if picture.digest != image.picture.digest and image.link:
                links.append(image.link)
            files.append(_file(image, picture))
        return files, links

    async def fetch(self, reference: Reference) -> bytes:
        """The bytes of an attachment. Raises `PlatformGone` and `PlatformBusy`."""
        if reference.message == KEPT:
            return await self._kept(reference)
        if reference.url and not _expired(reference.url):
            try:
                return await self._download(reference.url)
            except PlatformGone:
                if not reference.channel:
                    raise
        if not reference.channel:
            raise PlatformGone("a link has died and there is no message to find it by", reason="gone")
        return await self._download(await self._fresh_link(reference))

    async def _kept(self, reference: Reference) -> bytes:
        key, _, index = reference.attachment.partition("/")
        kept = await self._vault.files(key)
        if kept is None:
            raise PlatformGone("a private picture is no longer kept", reason="gone")
        return kept[1][int(index)].data

    async def _fresh_link(self, reference: Reference) -> str:
        try:
            answer = await self.rest.call("GET", MESSAGE, channel_id=reference.channel, message_id=reference.message)
        except Refused as refused:
            raise PlatformGone(str(refused), reason="gone") from None
        for attachment in Message.model_validate(answer).attachments:
            if attachment.id == reference.attachment:
                return attachment.url
        raise PlatformGone("a message no longer has its picture", reason="gone")

    async def _download(self, url: str) -> bytes:
        try:
            return await self._fetcher.fetch_trusted(url, self._hosts)
        except FetchFailed as failure:
            if failure.retryable:
                raise PlatformBusy(2.0) from failure
            reason = _REASONS.get(failure.problem, "gone")
            raise PlatformGone(f"a picture could not be fetched: {failure.problem}", reason=reason) from failure


def shown_in(message: Message) -> tuple[Reference, ...]:
    """A message's files as references that `Pictures.fetch` understands.

    Links die within a day, so they are kept only of private messages, which cannot be read again.
    """
    return tuple(
        Reference(item.filename, item.url if message.private else "", message.channel_id, message.id, item.id)
        for item in message.attachments
    )


def _file(image: Image, picture: Picture) -> File:
    stem = image.file_name.rpartition(".")[0] or image.file_name
    ending = _ENDINGS.get(picture.media_type, "bin")
    return File(f"{stem}.{ending}", picture.data, picture.media_type, one_line(image.alt_text, ALT_CHARACTERS))


def _expired(url: str) -> bool:
    """Whether a signed link says that it is over."""
    ends = parse_qs(urlsplit(url).query).get("ex")
    try:
        return ends is not None and int(ends[0], 16) <= time.time() + 5
    except ValueError:
        return False
