"""Pictures when they are wanted: drawn once, in one thread, from the files that the request names."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from core.providers.simulated.drawing.studies import Sketch, draw
from core.providers.simulated.faults import Fate
from core.providers.simulated.requests import RESULT, Record
from core.providers.simulated.settings import SimulationSettings
from core.providers.simulated.shelf import Shelf
from core.providers.simulated.storage import Storage


class Studio:
    """Draws the results of requests and keeps as many as fit; one thrown away is drawn again, the same."""

    def __init__(
        self, settings: SimulationSettings, find: Callable[[str], Record | None], storage: Storage, shelf: Shelf
    ) -> None:
        self._settings = settings
        self._find = find
        self._storage = storage
        self._shelf = shelf
        self._drawing: dict[str, asyncio.Task[bytes]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="simulated-studio")

    async def picture(self, record: Record) -> bytes:
        """The picture of a request."""
        kept = await self._shelf.get(record.file_name)
        return kept if kept is not None else await asyncio.shield(self.begin(record))

    def begin(self, record: Record) -> asyncio.Task[bytes]:
        """Start to draw, once however many ask for it."""
        task = self._drawing.get(record.id)
        if task is None:
            task = self._drawing[record.id] = asyncio.create_task(self._draw(record))
            task.add_done_callback(lambda _: self._drawing.pop(record.id, None))
        return task

    async def close(self) -> None:
        """Drop what is not finished."""
        unfinished = list(self._drawing.values())
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    async def _draw(self, record: Record) -> bytes:
        loaded = [await self._load(name) for name in record.references]
        sketch = Sketch(
            prompt=record.prompt,
            seed=record.plan.seed,
            payload=record.payload,
            scale=self._settings.scale,
            base=await self._load(record.base),
            references=tuple(data for data in loaded if data),
            file_type="jpeg" if record.fate is Fate.LYING_TYPE else record.format,
        )
        data = await asyncio.get_running_loop().run_in_executor(self._thread, draw, sketch)
        await self._shelf.put(record.file_name, data)
        return data

    async def _load(self, name: str) -> bytes | None:
        """A file that a request names: an upload, or another request's result."""
        if not name.startswith(RESULT):
            return await self._storage.get(name) if name else None
        record = self._find(result_of(name))
        return await self.picture(record) if record else None


def result_of(name: str) -> str:
    """The id of the request whose result has this name."""
    return name.rpartition("_")[2].partition(".")[0]
