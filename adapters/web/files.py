"""The pictures of the workspace, as files named by what is in them.

<directory>/<first two digits>/<digest>     a picture, by the SHA-256 of its bytes
<directory>/small/<digest>                  its thumbnail, made when first asked for
"""

import asyncio
import os
import re
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

_DIGEST = re.compile(r"[0-9a-f]{64}")
_TOUCH_AFTER = 3600.0
"""Seconds: a file's time says when it was last used, and need not say it to the minute."""
_STALE_PART = 3600.0
"""Seconds after which a file that was never finished is litter."""


class Files:
    """Keeps bytes under their digest, until nobody has asked for them for `ttl` seconds.

    Every method may raise OSError; nothing but a digest is ever made part of a path.
    """

    def __init__(self, directory: Path, *, ttl: float) -> None:
        self._directory = directory
        self._ttl = ttl

    async def put(self, data: bytes) -> str:
        """Keep bytes; gives their digest."""
        return await asyncio.to_thread(self._put, data)

    async def get(self, digest: str) -> bytes | None:
        """The bytes, or None where there are none."""
        return await asyncio.to_thread(self._get, self._path(digest))

    async def has(self, digest: str) -> bool:
        """Whether the bytes are there."""
        path = self._path(digest)
        return path is not None and await asyncio.to_thread(path.is_file)

    async def put_small(self, digest: str, data: bytes) -> None:
        """Keep the thumbnail of a picture."""
        if path := self._path(digest, small=True):
            await asyncio.to_thread(_write, path, data)

    async def get_small(self, digest: str) -> bytes | None:
        """The thumbnail of a picture, or None where none was made yet."""
        return await asyncio.to_thread(self._get, self._path(digest, small=True))

    async def prune(self) -> int:
        """Remove what nobody has used for too long; gives how many files that were."""
        return await asyncio.to_thread(self._prune)

    def _path(self, digest: str, *, small: bool = False) -> Path | None:
        if not _DIGEST.fullmatch(digest):
            return None
        return self._directory / ("small" if small else digest[:2]) / digest

    def _put(self, data: bytes) -> str:
        digest = sha256(data).hexdigest()
        path = self._directory / digest[:2] / digest
        if path.is_file():
            os.utime(path)
        else:
            _write(path, data)
        return digest

    def _get(self, path: Path | None) -> bytes | None:
        if path is None:
            return None
        try:
            data = path.read_bytes()
            if time.time() - path.stat().st_mtime > _TOUCH_AFTER:
                os.utime(path)
        except FileNotFoundError:
            return None
        return data

    def _prune(self) -> int:
        removed = 0
        for path in self._directory.glob("*/*"):
            kept = self._ttl if _DIGEST.fullmatch(path.name) else _STALE_PART
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > kept:
                    path.unlink()
                    removed += 1
        return removed


def _write(path: Path, data: bytes) -> None:
    """All of the file or none of it, whoever else writes it at the same time, on disk when this returns."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{uuid4().hex}")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
