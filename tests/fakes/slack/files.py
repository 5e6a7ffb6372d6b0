"""Files: their asynchronous processing, how Slack describes them, and who may use them."""

import asyncio
import io
import mimetypes
import re
import secrets
from typing import Any

import pillow_heif
from PIL import Image

from tests.fakes.slack.clock import Clock
from tests.fakes.slack.model import Channel, File, Json, Token, User, Workspace

THUMB_SIDES = (64, 80, 160, 360, 480, 720, 800, 960, 1024)
_ALWAYS_THUMBED = 360
_TYPES = {"image/jpeg": ("jpg", "JPEG"), "image/png": ("png", "PNG"), "image/gif": ("gif", "GIF"),
          "image/webp": ("webp", "WebP"), "image/heic": ("heic", "HEIC")}  # fmt: skip
_MAGIC = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))


class Files:
    """All files of all workspaces.

    Attributes:
        delay: seconds of the double's time between `completeUploadExternal` and the file being processed.
        held: while true nothing finishes processing (`hold`, `release`).
        heic_thumbs: whether HEIC originals get thumbnails.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._released = asyncio.Event()
        self._released.set()
        self.by_id: dict[str, File] = {}
        self.delay = 0.05
        self.heic_thumbs = True
        self.redirect_to: str | None = None

    def hold(self) -> None:
        """Let no upload of the app finish processing until `release`."""
        self._released.clear()

    def release(self) -> None:
        self._released.set()

    async def process(self, file: File) -> None:
        """Slack's work after an upload: the type, the size in pixels, the thumbnails; late, and by itself."""
        await self._clock.sleep(self.delay)
        await self._released.wait()
        await self.inspect(file)

    async def inspect(self, file: File) -> None:
        """The same at once, as it is by the time a person's own upload is seen by others."""
        file.mimetype, file.width, file.height = await asyncio.to_thread(_inspect, file.name, file.data)
        file.processed = True

    def new(self, file_id: str, name: str, owner: User | str, team: Workspace) -> File:
        owner_id = owner if isinstance(owner, str) else owner.id
        file = File(file_id, name, owner_id, team, created=self._clock.now(), secret=secrets.token_hex(12))
        self.by_id[file_id] = file
        return file

    def of(self, token: Token, file_id: str) -> File | None:
        """The file with this id if the token's bot may see it: its own, or shared where the bot is."""
        file = self.by_id.get(file_id)
        if file is None or file.team not in token.teams or not self.seen_by(file, file.team.bot_user_id):
            return None
        return file

    def seen_by(self, file: File, user_id: str) -> bool:
        """Whether this person or bot can open the file."""
        given = file.given_to_app and user_id == file.team.bot_user_id
        return given or file.owner == user_id or any(can_read(channel, user_id) for channel, _, _ in file.shares)

    def image_problem(self, token: Token, reference: Json) -> str | None:
        """Why Slack would not take this `slack_file` in a block, or None."""
        file = self.of(token, referenced(reference))
        if file is None or file.tombstone:
            return "invalid slack file"
        if not file.processed:
            return "invalid slack file: still being processed"
        if file.mimetype not in {"image/png", "image/jpeg", "image/gif"}:
            return f"invalid slack file: {file.mimetype} is not png, jpg, jpeg or gif"
        return None

    def describe(self, file: File, base_url: str) -> Json:
        """The file object (reference/objects/file-object): no type or shares before it is processed."""
        if file.tombstone:
            return {"id": file.id, "mode": "tombstone", "file_access": "file_not_found"}
        kind, pretty = _TYPES.get(file.mimetype, (file.name.rpartition(".")[2], file.mimetype))
        private = f"{base_url}/files-pri/{file.team.id}-{file.id}/{file.name}"
        described: Json = {
            "id": file.id,
            "created": int(file.created),
            "timestamp": int(file.created),
            "name": file.name,
            "title": file.title or file.name,
            "mimetype": file.mimetype if file.processed else "",
            "filetype": kind if file.processed else "",
            "pretty_type": pretty if file.processed else "",
            "user": file.owner,
            "user_team": file.team.id,
            "editable": False,
            "size": file.size,
            "mode": "external" if file.remote else "hosted",
            "is_external": file.remote,
            "external_type": "gdrive" if file.remote else "",
            "is_public": any(channel.kind == "channel" for channel, _, _ in file.shares),
            "public_url_shared": False,
            "display_as_bot": False,
            "username": "",
            "url_private": "https://drive.example.com/picture" if file.remote else private,
            "permalink": f"{base_url}/files/{file.owner}/{file.id}/{file.name}",
            "has_rich_preview": False,
            "file_access": "visible",
            **self._shares(file),
        }
        if not file.remote:
            described["url_private_download"] = private.replace(f"{file.id}/", f"{file.id}/download/")
        if file.alt:
            described["alt_txt"] = file.alt
        if file.processed and not file.remote:
            described |= self._pixels(file, base_url)
        return described

    def _pixels(self, file: File, base_url: str) -> Json:
        if not file.width or (file.mimetype == "image/heic" and not self.heic_thumbs):
            return {}
        found: Json = {"original_w": file.width, "original_h": file.height}
        for side in THUMB_SIDES:
            if side <= _ALWAYS_THUMBED or side < max(file.width, file.height):
                found[f"thumb_{side}"] = f"{base_url}/files-tmb/{file.team.id}-{file.id}/{file.name}_{side}.png"
                if side >= _ALWAYS_THUMBED:
                    scale = min(1.0, side / max(file.width, file.height))
                    found[f"thumb_{side}_w"] = max(1, round(file.width * scale))
                    found[f"thumb_{side}_h"] = max(1, round(file.height * scale))
        return found

    def _shares(self, file: File) -> Json:
        shares: dict[str, dict[str, list[Json]]] = {}
        for channel, ts, thread_ts in file.shares:
            visibility = "public" if channel.kind == "channel" else "private"
            entry: Json = {"ts": ts, "channel_name": channel.name, "team_id": channel.team.id}
            if thread_ts:
                entry["thread_ts"] = thread_ts
            shares.setdefault(visibility, {}).setdefault(channel.id, []).append(entry)
        ids = {kind: sorted({c.id for c, _, _ in file.shares if c.kind == kind}) for kind in ("channel", "group", "im")}
        return {"shares": shares, "channels": ids["channel"], "groups": ids["group"], "ims": ids["im"]}


def referenced(reference: Json) -> str:
    """The file id in a `slack_file` object, given by `id` or by `url`; empty when there is none."""
    in_url = re.search(r"[-/](F\w+)/", str(reference.get("url", "")))
    return str(reference.get("id") or (in_url.group(1) if in_url else ""))


def can_read(channel: Channel, user_id: str) -> bool:
    """Whether this person or bot sees the conversation: its members, and every member of the team in public ones."""
    user = channel.team.users.get(user_id)
    return user_id in channel.members or (channel.kind == "channel" and user is not None and not user.is_bot)


def _inspect(name: str, data: bytes) -> tuple[str, int, int]:
    mimetype = next((kind for magic, kind in _MAGIC if data.startswith(magic)), None)
    if mimetype is None and data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        mimetype = "image/webp"
    if mimetype is None and pillow_heif.is_supported(data[:64]):
        mimetype = "image/heic"
    if mimetype is None:
        return mimetypes.guess_type(name)[0] or "application/octet-stream", 0, 0
    try:
        with opened(data, mimetype) as image:
            return mimetype, image.width, image.height
    except (OSError, ValueError, Image.DecompressionBombError):
        return mimetype, 0, 0


def opened(data: bytes, mimetype: str) -> Image.Image:
    """Decode a picture, HEIC included."""
    if mimetype == "image/heic":
        heif: Any = pillow_heif.open_heif(data)
        return heif.to_pillow()  # type: ignore[no-any-return]
    return Image.open(io.BytesIO(data))


def thumbnail(file: File, side: int) -> bytes:
    """The PNG behind `thumb_<side>`."""
    with opened(file.data, file.mimetype) as image:
        image.thumbnail((side, side))
        out = io.BytesIO()
        image.convert("RGBA").save(out, "PNG")
        return out.getvalue()
