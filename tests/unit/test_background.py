"""Tasks that run beside everything else end when they are told to, even where a library loses the word."""

import asyncio

from core.background import asked_to_stop, stop


async def deaf(entered: asyncio.Event) -> None:
    """As redis-py does at the wrong moment: goes on as if nobody had cancelled it."""
    entered.set()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        return


async def test_a_task_that_loses_a_cancellation_is_asked_again() -> None:
    entered = asyncio.Event()

    async def run() -> None:
        await deaf(entered)
        await asyncio.sleep(60)

    task = asyncio.create_task(run())
    await entered.wait()
    await asyncio.wait_for(stop(task, again_after=0.01), 5)
    assert task.cancelled()


async def test_a_loop_that_asks_ends_although_its_cancellation_was_lost() -> None:
    entered = asyncio.Event()

    async def run() -> int:
        rounds = 0
        while not asked_to_stop():
            await deaf(entered)
            rounds += 1
        return rounds

    task = asyncio.create_task(run())
    await entered.wait()
    task.cancel()
    assert await asyncio.wait_for(task, 5) == 1


async def test_a_time_limit_that_has_passed_is_no_request_to_stop() -> None:
    try:
        async with asyncio.timeout(0.001):
            await asyncio.sleep(60)
    except TimeoutError:
        pass
    assert not asked_to_stop()
