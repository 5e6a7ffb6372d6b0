"""The embedded store keeps what was accepted, whatever ends the processes around it. These run the real server."""

import asyncio
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import psutil
import pytest
import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from bot import store
from bot.settings import SetupError
from bot.store import embedded_store
from tests.conftest import wait_until

OWNER = """
import asyncio, sys
from pathlib import Path
from bot.store import embedded_store

async def main():
    async with embedded_store(Path(sys.argv[1])) as url:
        print(url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A folder whose server is gone afterwards, however the test ended."""
    folder = tmp_path / "data"
    yield folder
    for server in _servers(folder):
        server.kill()


@dataclass
class Owner:
    """A process of its own that uses the store at `url`."""

    process: subprocess.Popen[str]
    url: str

    def end(self, by: signal.Signals) -> str:
        """End it and return what it wrote to its standard error."""
        self.process.send_signal(by)
        return self.process.communicate(timeout=20)[1]


StartOwner: TypeAlias = Callable[[], Owner]


@pytest.fixture
def start_owner(data_dir: Path) -> Iterator[StartOwner]:
    """Starts a process that uses the store; none outlives the test."""
    owners: list[Owner] = []

    def start() -> Owner:
        command = [sys.executable, "-c", OWNER, str(data_dir)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout
        owners.append(Owner(process, process.stdout.readline().strip()))
        return owners[-1]

    yield start
    for owner in owners:
        if owner.process.poll() is None:
            owner.end(by=signal.SIGKILL)


def _servers(data_dir: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if "server" in process.name() and process.cwd() == str(data_dir / "store"):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _patient(url: str) -> Redis:
    """A client that outwaits a restart."""
    return Redis.from_url(url, retry=Retry(ConstantBackoff(0.02), 200))


async def _run_id(url: str) -> str:
    async with Redis.from_url(url) as client:
        return str((await client.info("server"))["run_id"])


async def test_what_was_written_is_there_after_a_clean_stop(data_dir: Path) -> None:
    async with embedded_store(data_dir) as url, Redis.from_url(url) as client:
        await client.set("a", "1")
    assert not _servers(data_dir)
    async with embedded_store(data_dir) as url, Redis.from_url(url) as client:
        assert await client.get("a") == b"1"


async def test_a_start_after_a_crash_adopts_the_server(data_dir: Path, start_owner: StartOwner) -> None:
    owner = start_owner()
    before = await _run_id(owner.url)
    owner.end(by=signal.SIGKILL)
    async with embedded_store(data_dir) as again:
        assert (again, await _run_id(again)) == (owner.url, before)
    assert not _servers(data_dir)


async def test_a_server_that_is_killed_comes_back_with_everything(data_dir: Path) -> None:
    async with embedded_store(data_dir) as url, _patient(url) as client:
        for number in range(100):
            await client.rpush("accepted", number)
        (server,) = _servers(data_dir)
        server.kill()
        await wait_until(lambda: any(other.pid != server.pid for other in _servers(data_dir)))
        assert await client.llen("accepted") == 100
    assert not _servers(data_dir)


async def test_a_store_that_cannot_come_back_is_said_and_tried_again(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "WATCH_SECONDS", 0.01)
    with structlog.testing.capture_logs() as lines:
        async with embedded_store(data_dir) as url:
            with monkeypatch.context() as path:
                path.setattr(store, "WHEEL", "no_such_package")
                path.setenv("PATH", "")
                _servers(data_dir)[0].kill()
                await wait_until(lambda: lines)
            async with _patient(url) as client:
                assert await client.ping()
    assert lines[0]["log_level"] == "error"


async def test_two_starts_at_once_share_one_server(data_dir: Path, start_owner: StartOwner) -> None:
    owners = await asyncio.gather(*(asyncio.to_thread(start_owner) for _ in range(4)))
    assert len({owner.url for owner in owners}) == 1
    assert len({await _run_id(owner.url) for owner in owners}) == 1
    assert len(_servers(data_dir)) == 1


async def test_the_server_stays_until_its_last_user_leaves(data_dir: Path) -> None:
    async with embedded_store(data_dir) as url:
        async with embedded_store(data_dir) as same:
            assert same == url
        assert await _run_id(url)
    assert not _servers(data_dir)


async def test_whoever_is_inside_has_a_server_though_others_come_and_go(data_dir: Path) -> None:
    async def come_and_go(away: float) -> None:
        for _ in range(8):
            async with embedded_store(data_dir) as url, Redis.from_url(url, retry=None) as client:
                assert await client.ping()
            await asyncio.sleep(away)  # long enough for another to be the last that leaves

    await asyncio.gather(*map(come_and_go, (0.01, 0.03, 0.07)))
    assert not _servers(data_dir)


async def test_ctrl_c_stops_the_server_only_after_the_bot_has_drained(data_dir: Path, start_owner: StartOwner) -> None:
    owner = start_owner()
    (server,) = _servers(data_dir)
    assert os.getpgid(server.pid) != os.getpgid(owner.process.pid)
    assert os.getsid(server.pid) != os.getsid(owner.process.pid)
    assert "KeyboardInterrupt" in owner.end(by=signal.SIGINT)
    assert not _servers(data_dir)


async def test_a_start_that_is_cancelled_leaves_nothing_running(data_dir: Path) -> None:
    start = asyncio.create_task(embedded_store(data_dir).__aenter__())
    await wait_until(lambda: _servers(data_dir) or start.done())
    start.cancel()
    await asyncio.wait([start])
    if not start.cancelled():
        pytest.skip("the server was up before the start could be cancelled")
    assert not _servers(data_dir)


async def test_the_store_is_private(data_dir: Path) -> None:
    home = data_dir / "store"
    home.mkdir(parents=True)
    async with embedded_store(data_dir) as url:
        (server,) = _servers(data_dir)
        assert url == f"unix://{home}/server.sock"
        assert {_mode(path) for path in (home, home / "server.sock")} == {0o700}
        assert not server.net_connections(kind="inet")


async def test_a_new_data_folder_is_private(data_dir: Path) -> None:
    async with embedded_store(data_dir):
        assert _mode(data_dir) == 0o700


async def test_the_server_is_not_given_our_environment(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a-token-of-ours")
    _only_server(tmp_path, monkeypatch, f"[ $1 = --version ] && echo v=9.0 || export -p > {tmp_path}/seen")
    with pytest.raises(SetupError):
        async with embedded_store(data_dir):
            pass
    assert "a-token-of-ours" not in (tmp_path / "seen").read_text()


async def test_an_accepted_write_is_on_disk_before_it_is_answered(data_dir: Path) -> None:
    async with embedded_store(data_dir) as url, Redis.from_url(url) as client:
        settings = await client.config_get("*")
    expected = {"appendonly": "yes", "appendfsync": "always", "save": "", "maxmemory-policy": "noeviction"}
    assert {name: settings[name] for name in expected} == expected


async def test_a_deep_folder_has_its_socket_elsewhere_and_others_find_it(data_dir: Path) -> None:
    deep = data_dir / ("deep" * 20) / "with a space"
    async with embedded_store(deep) as url:
        socket = Path((deep / "store" / "socket.path").read_text())
        assert len(os.fsencode(socket)) <= store.LONGEST_SOCKET_PATH
        assert _mode(socket.parent) == 0o700
        async with embedded_store(deep) as same:
            assert same == url
        assert await _run_id(url)
    assert not socket.parent.exists()


async def test_a_server_that_cannot_be_reached_is_not_doubled(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "START_SECONDS", 0.2)
    monkeypatch.setattr(store, "STOP_SECONDS", 0.2)
    async with embedded_store(data_dir):
        (data_dir / "store" / "server.sock").unlink()
        with pytest.raises(SetupError, match="does not answer"):
            async with embedded_store(data_dir):
                pass
        assert len(_servers(data_dir)) == 1


async def test_damaged_data_is_a_sentence_that_names_the_log(data_dir: Path) -> None:
    async with embedded_store(data_dir) as url, Redis.from_url(url) as client:
        await client.set("a", "1")
    for file in (data_dir / "store" / "appendonlydir").glob("*.incr.aof"):
        file.write_bytes(b"nonsense" * 100)
    with pytest.raises(SetupError, match=re.escape(str(data_dir / "store" / "server.log"))):
        async with embedded_store(data_dir):
            pass


async def test_a_folder_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match=r"^DATA_DIR: "):
        async with embedded_store(tmp_path / "file"):
            pass


async def test_without_any_server_the_way_out_is_named(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only_server(tmp_path, monkeypatch, "exit 1")
    with pytest.raises(SetupError, match="REDIS_URL=redis://"):
        async with embedded_store(data_dir):
            pass


@pytest.mark.parametrize("says", ["Redis server v=6.0.16 sha=0", "Redis server", ""])
def test_a_server_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    _only_server(tmp_path, monkeypatch, f"echo {says}")
    with pytest.raises(SetupError):
        store.find_server()


def test_a_server_on_path_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = _only_server(tmp_path, monkeypatch, "echo Redis server v=6.2.0 sha=0")
    assert store.find_server() == str(server)


def _only_server(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """The one server that can be found: a shell script."""
    server = folder / "redis-server"
    server.write_text(f"#!/bin/sh\n{script}\n")
    server.chmod(0o700)
    monkeypatch.setattr(store, "WHEEL", "no_such_package")
    monkeypatch.setenv("PATH", str(folder))
    return server


@pytest.mark.skipif(not shutil.which("redis-server"), reason="there is no redis-server on PATH")
async def test_debians_redis_serves_as_well(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "WHEEL", "no_such_package")
    async with embedded_store(data_dir) as url, Redis.from_url(url) as client:
        assert "redis-server" in (await client.info("server"))["executable"]
    assert not _servers(data_dir)
