"""Requests on disk, one a line, so that a service that is killed and started again still has them.

Everything about a request is planned when it is made, so nothing else has to be kept, and several processes may share
a directory: each can answer for the requests of all.
"""

import asyncio
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from core.providers.simulated.faults import Fate
from core.providers.simulated.requests import Plan, Record

_NAME = "requests.jsonl"
_KEPT = tuple(field.name for field in fields(Record) if field.name not in ("plan", "ended"))


class Journal:
    """The requests and the port of this and other processes. Without a directory nothing is kept."""

    def __init__(self, directory: Path | None, max_records: int) -> None:
        self._directory = directory
        self._max_records = max_records
        self._offset = 0
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Make the directory, and throw away what is beyond the bound."""
        if self._directory is not None:
            await asyncio.to_thread(_tidy, self._directory, self._max_records)

    async def read(self) -> list[Record]:
        """The requests that were written since the last time, oldest first."""
        if self._directory is None:
            return []
        async with self._turn:
            path = self._directory / _NAME
            lines, self._offset = await asyncio.to_thread(_lines, path, self._offset)
        return [record for line in lines if (record := _record(line))]

    async def write(self, record: Record) -> None:
        """Keep a request: it is the operating system's when this returns, and outlives the process."""
        if self._directory is not None:
            await asyncio.to_thread(_append, self._directory / _NAME, _line(record))

    async def port(self) -> int:
        """The port of the first time, 0 where there is none."""
        if self._directory is None:
            return 0
        return await asyncio.to_thread(_read_port, self._directory / "port")

    async def remember_port(self, port: int) -> None:
        """Keep the port for the next time, so that links stay good."""
        if self._directory is not None:
            await asyncio.to_thread((self._directory / "port").write_text, str(port))


def _tidy(directory: Path, max_records: int) -> None:
    """Drop old lines once they are as many as those that count: seldom, for another process may be writing."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / _NAME
    lines, _ = _lines(path, 0)
    if len(lines) > 2 * max_records:
        partial = path.with_suffix(".new")
        partial.write_bytes(b"".join(line + b"\n" for line in lines[-max_records:]))
        partial.replace(path)


def _lines(path: Path, offset: int) -> tuple[list[bytes], int]:
    """The finished lines from an offset on, and the offset behind them."""
    try:
        with path.open("rb") as journal:
            journal.seek(offset)
            finished, newline, _ = journal.read().rpartition(b"\n")
    except FileNotFoundError:
        return [], 0
    return finished.splitlines() if newline else [], offset + len(finished) + len(newline)


def _append(path: Path, line: bytes) -> None:
    """In one write, so that lines of several processes do not mix."""
    with path.open("ab", buffering=0) as journal:
        journal.write(line)


def _read_port(path: Path) -> int:
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _line(record: Record) -> bytes:
    told = {name: getattr(record, name) for name in _KEPT} | {"plan": asdict(record.plan)}
    return json.dumps(told).encode() + b"\n"


def _record(line: bytes) -> Record | None:
    """The request of a line; None for one that was not finished when its process died."""
    try:
        told: dict[str, Any] = json.loads(line)
        plan = told.pop("plan")
        told["references"] = tuple(told["references"])
        return Record(plan=Plan(**plan | {"fate": Fate(plan["fate"])}), **told)
    except (ValueError, TypeError, KeyError):
        return None
