"""Files by name, in memory or in a directory, the oldest thrown away when there are too many bytes."""

import asyncio
import os
from collections import OrderedDict
from pathlib import Path


class Shelf:
    """At most so many bytes of files. With a `directory`, they outlive the process."""

    def __init__(self, max_bytes: int, directory: Path | None = None) -> None:
        self._max_bytes = max_bytes
        self._directory = directory
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._bytes = 0
        self._data: dict[str, bytes] = {}

    async def open(self) -> None:
        """Find what an earlier process left."""
        if self._directory:
            for name, size in await asyncio.to_thread(_files, self._directory):
                self._sizes[name] = size
                self._bytes += size

    async def put(self, name: str, data: bytes) -> None:
        """Keep a file under a name without slashes."""
        if self._directory:
            await asyncio.to_thread(_write, self._directory / name, data)
        else:
            self._data[name] = data
        self._bytes += len(data) - self._sizes.pop(name, 0)
        self._sizes[name] = len(data)
        while self._bytes > self._max_bytes and len(self._sizes) > 1:
            await self._drop_oldest()

    async def get(self, name: str) -> bytes | None:
        """The file, or None when it is not there or no more."""
        if name in self._sizes:
            self._sizes.move_to_end(name)
        if self._directory:
            return await asyncio.to_thread(_read, self._directory / name)
        return self._data.get(name)

    async def _drop_oldest(self) -> None:
        name, size = self._sizes.popitem(last=False)
        self._bytes -= size
        self._data.pop(name, None)
        if self._directory:
            await asyncio.to_thread((self._directory / name).unlink, missing_ok=True)


def _files(directory: Path) -> list[tuple[str, int]]:
    directory.mkdir(parents=True, exist_ok=True)
    found = [(entry.name, entry.stat()) for entry in os.scandir(directory) if not entry.name.startswith(".")]
    return [(name, stat.st_size) for name, stat in sorted(found, key=lambda file: file[1].st_mtime)]


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(data)
    partial.replace(path)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
