"""What every test may ask for: a real server to keep state in, and an environment without settings."""

import asyncio
import inspect
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import structlog
from hypothesis import settings
from redis import Redis as BlockingRedis
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.logs import MUTE, QUIET
from bot.settings import Settings
from bot.store import find_server
from core.packing import PREFIX

settings.register_profile("thorough", max_examples=4000)

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
ENGINE_PREFIX = "imagine:"
"""What docket keeps of itself (workers, streams) is bounded and has no expiry; our own keys are below PREFIX."""

Condition: TypeAlias = Callable[[], Any] | Callable[[], Awaitable[Any]]
WaitUntil: TypeAlias = Callable[..., Awaitable[Any]]


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Tests wait for servers half of their time: a small machine is not busy with one a core."""
    return max(3, os.cpu_count() or 1)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*map(str.upper, Settings.model_fields), *PROXIES, *map(str.lower, PROXIES)):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def _logging_restored() -> Iterator[None]:
    """For tests that configure the logs of the whole process."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.raiseExceptions, sys.excepthook)
    yield
    root.handlers[:], root.level, logging.raiseExceptions, sys.excepthook = before
    logging.captureWarnings(capture=False)
    for name in (*QUIET, *MUTE):
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def _redis_server() -> Iterator[str]:
    """The URL of a server for this test process alone; nothing of it outlives the run."""
    with tempfile.TemporaryDirectory(prefix="imagine-") as home:
        socket = Path(home) / "redis.sock"
        command = [find_server(), "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", home]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, env={}) as server:
            try:
                with BlockingRedis(unix_socket_path=str(socket)) as client:
                    _until_it_answers(client, server)
                yield f"unix://{socket}"
            finally:
                server.terminate()


def _until_it_answers(client: BlockingRedis, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            client.ping()
        except RedisError:
            time.sleep(0.01)
        else:
            return
    pytest.fail(f"the test server ended with {server.returncode}")


@pytest.fixture
def redis_url(_redis_server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty store. Fails a test that leaves a key behind which would never expire.

    Keys that live for ever by design are named by prefix: `@pytest.mark.lasting_keys("…")`.
    """
    lasting = tuple(prefix for mark in request.node.iter_markers("lasting_keys") for prefix in mark.args)
    with BlockingRedis.from_url(_redis_server) as client:
        client.flushall()
        yield _redis_server
        keys = (key.decode() for key in client.scan_iter(count=1000) if client.ttl(key) == -1)
        immortal = sorted(key for key in keys if not (_is_engine_key(key) or key.startswith(lasting)))
    assert not immortal, f"keys without expiry: {immortal[:10]}"


def _is_engine_key(key: str) -> bool:
    return key.startswith(ENGINE_PREFIX) and not key.startswith(PREFIX)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the empty store, answering in bytes."""
    async with Redis.from_url(redis_url) as client:
        yield client


async def wait_until(condition: Condition, timeout: float = 5.0) -> Any:
    """Wait for a condition, plain or async, and return what it became."""
    async with asyncio.timeout(timeout):
        while True:
            value = condition()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return value
            await asyncio.sleep(0.01)


@pytest.fixture(name="wait_until")
def _wait_until() -> WaitUntil:
    return wait_until
