"""Requests on disk, one a line, so that a service that is killed and started again still has them.

Everything about a request is planned when it is made, so nothing else has to be kept.
"""

import asyncio
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from core.providers.simulated.faults import Fate
from core.providers.simulated.requests import Plan, Record

_KEPT = tuple(field.name for field in fields(Record) if field.name not in ("plan", "ended"))


class Journal:
    """The requests and the port of earlier processes. Without a directory nothing is kept."""

    def __init__(self, directory: Path | None, max_records: int) -> None:
        self._directory = directory
        self._max_records = max_records
        self._turn = asyncio.Lock()

    async def read(self) -> list[Record]:
        """The requests that were kept, oldest first; what is beyond the bound is thrown away."""
        if self._directory is None:
            return []
        async with self._turn:
            return await asyncio.to_thread(_tidy, self._directory, self._max_records)

    async def write(self, record: Record) -> None:
        """Keep a request: it is on its way to the disk when this returns, and outlives the process."""
        if self._directory is None:
            return
        async with self._turn:
            await asyncio.to_thread(_append, self._directory / "requests.jsonl", _line(record))

    async def port(self) -> int:
        """The port of the last time, 0 where there is none."""
        if self._directory is None:
            return 0
        return await asyncio.to_thread(_read_port, self._directory / "port")

    async def remember_port(self, port: int) -> None:
        """Keep the port for the next time, so that links stay good."""
        if self._directory is not None:
            await asyncio.to_thread((self._directory / "port").write_text, str(port))


def _tidy(directory: Path, max_records: int) -> list[Record]:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "requests.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    records = {record.id: record for line in lines if (record := _record(line))}
    kept = list(records.values())[-max_records:]
    partial = path.with_suffix(".new")
    partial.write_text("".join(map(_line, kept)), encoding="utf-8")
    partial.replace(path)
    return kept


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as journal:
        journal.write(line)


def _read_port(path: Path) -> int:
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _line(record: Record) -> str:
    told = {name: getattr(record, name) for name in _KEPT} | {"plan": asdict(record.plan)}
    return json.dumps(told, ensure_ascii=True) + "\n"


def _record(line: str) -> Record | None:
    """The request of a line; None for one that was being written when the process died."""
    try:
        told: dict[str, Any] = json.loads(line)
        plan = told.pop("plan")
        told["references"] = tuple(told["references"])
        return Record(plan=Plan(**plan | {"fate": Fate(plan["fate"])}), **told)
    except (ValueError, TypeError, KeyError):
        return None
