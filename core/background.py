"""Ending tasks that run beside everything else.

Cancelling once is not enough: redis-py may lose a cancellation that arrives together with the store's answer
(`asyncio.wait_for` of Python 3.11 then gives the answer and forgets the cancellation).
"""

import asyncio
from typing import Any


async def stop(*tasks: "asyncio.Task[Any]", again_after: float = 1.0) -> None:
    """Cancel tasks and wait until they have ended, asking again every so many seconds."""
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=again_after)


def asked_to_stop() -> bool:
    """Whether the task that asks was cancelled, even if the cancellation was lost on its way to it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
