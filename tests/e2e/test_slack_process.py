"""The commands of the README as a new admin of a Slack workspace types them."""

import asyncio
import os
import signal
import socket
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from adapters.slack.http import EVENTS_PATH
from tests.conftest import wait_until
from tests.e2e.processes import running
from tests.fakes.slack import Channel, FakeSlack, User, Workspace

pytest_plugins = ["tests.fakes.slack.fixtures"]

ROOT = Path(__file__).parents[2]
DRAIN_SECONDS = 3
STARTS_WITHIN, DRAWS_WITHIN = 40, 40


@dataclass
class Admin:
    """Somebody who has a `.env` file and a shell."""

    fake: FakeSlack
    home: Path
    redis_url: str
    team: Workspace
    channel: Channel
    alice: User

    def environment(self, **changes: str) -> dict[str, str]:
        settings = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "200",
            "REDIS_URL": self.redis_url,
            "DATA_DIR": str(self.home / "data"),
            "HEALTH_PORT": "0",
            "DRAIN_SECONDS": str(DRAIN_SECONDS),
            "SLACK_BOT_TOKEN": self.team.bot_token,
            "SLACK_APP_TOKEN": self.fake.app.app_token,
            "SLACK_API_BASE": self.fake.api_url,
            "SLACK_FILE_HOSTS": urlsplit(self.fake.base_url).netloc,
            **changes,
        }
        return {name: value for name, value in settings.items() if value}

    def bot(self, role: str, **changes: str) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
        """`python -m bot <role>`, ended by force where the test has not ended it."""
        return running(role, self.home, self.environment(**changes))

    async def check(self, **changes: str) -> tuple[int | None, str]:
        """What `python -m bot check` prints, and its exit code."""
        async with asyncio.timeout(STARTS_WITHIN), self.bot("check", **changes) as process:
            code = await process.wait()
        return code, " ".join(self.log().split())

    def log(self) -> str:
        return (self.home / "log").read_text()

    async def gets_a_picture(self) -> None:
        """A mention, and the picture that comes of it."""
        await self.fake.mention(self.alice, self.channel, "a fox in the snow")
        try:
            await self.fake.wait_for(lambda: self.fake.pictures(self.alice, self.channel), timeout=DRAWS_WITHIN)
        except (AssertionError, TimeoutError):
            pytest.fail(f"no picture. {self.log()[-3000:]}")
        assert len(self.fake.pictures(self.alice, self.channel)) == 1

    async def stop(self, process: asyncio.subprocess.Process) -> None:
        """SIGTERM, and a clean end."""
        process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(process.wait(), DRAIN_SECONDS + 10)
        assert code == 0, self.log()[-3000:]
        assert "Traceback" not in self.log()
        for secret in (self.team.bot_token, self.fake.app.app_token, self.fake.app.signing_secret):
            assert secret not in self.log()


@pytest.fixture
async def admin(fake_slack: FakeSlack, redis_url: str, tmp_path: Path) -> Admin:
    """A workspace that the app is installed in, and a shell."""
    team = fake_slack.workspace("Acme")
    alice = fake_slack.person(team, "alice")
    channel = fake_slack.new_channel(team, "pictures", [alice])
    return Admin(fake_slack, tmp_path, redis_url, team, channel, alice)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_good_set_up_checks_well(admin: Admin) -> None:
    code, printed = await admin.check()
    assert code == 0, printed
    assert "We are in Acme." in printed
    assert "Socket Mode is allowed." in printed
    assert "Everything that is needed was granted." in printed
    assert admin.team.bot_token not in printed


async def test_a_missing_scope_is_named_with_what_it_is_for(admin: Admin) -> None:
    token = admin.fake.installation(admin.team)
    assert token is not None
    token.scopes = token.scopes - {"files:write"}
    code, printed = await admin.check()
    assert code == 1, printed
    assert "files:write is missing" in printed


async def test_a_newcomer_runs_it_on_socket_mode_gets_a_picture_and_stops_it(admin: Admin) -> None:
    async with admin.bot("run") as process:
        await admin.fake.wait_for(lambda: admin.fake.sockets.open, timeout=STARTS_WITHIN, what="a socket")
        await admin.gets_a_picture()
        await admin.stop(process)
    await admin.fake.wait_for(lambda: not admin.fake.sockets.open, what="closed sockets")


async def test_a_newcomer_runs_it_on_http_gets_a_picture_and_stops_it(admin: Admin) -> None:
    port = free_port()
    admin.fake.app.request_url = f"http://127.0.0.1:{port}{EVENTS_PATH}"
    http = {
        "SLACK_APP_TOKEN": "",
        "SLACK_SIGNING_SECRET": admin.fake.app.signing_secret,
        "SLACK_HTTP_PORT": str(port),
    }
    async with admin.bot("run", **http) as process:
        await wait_until(lambda: _listening(port), timeout=STARTS_WITHIN)
        await admin.gets_a_picture()
        await admin.stop(process)


async def _listening(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
