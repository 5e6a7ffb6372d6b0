"""Ending tasks that run beside everything else."""

import asyncio
from typing import Any


async def stop(*tasks: "asyncio.Task[Any]", again_after: float = 1.0) -> None:
    """Cancel tasks and wait until they have ended, asking again every so many seconds.

    Once is not enough: redis-py loses a cancellation that finds it in the middle of connecting.
    """
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=again_after)
