"""Work that goes on beside a request, ended when the double stops; its failures are not lost."""

import asyncio
from collections.abc import Coroutine


class Tasks:
    """Background work of the double."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[object]] = set()
        self._failures: list[Exception] = []

    def start(self, work: Coroutine[None, None, object]) -> None:
        task: asyncio.Task[object] = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._running.discard(task)
        failure = None if task.cancelled() else task.exception()
        if isinstance(failure, Exception):
            self._failures.append(failure)

    async def close(self) -> None:
        """Stop what still runs.

        Raises:
            ExceptionGroup: some of the work failed: a fault of the double itself.
        """
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._failures:
            raise ExceptionGroup("the Slack double failed", self._failures)
