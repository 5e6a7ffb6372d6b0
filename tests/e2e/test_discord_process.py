"""The commands of the README as a new admin types them, and processes of ours that are killed in the middle."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis
from simcord.backend.models import Channel, Guild

from core.providers.simulated.server import SimulatedService
from core.providers.simulated.settings import Delivery, SimulationSettings
from tests.conftest import wait_until
from tests.e2e.processes import running
from tests.fakes.discord import FakeDiscord, Person, Seen

pytest_plugins = ["tests.fakes.discord.fixtures"]

ROOT = Path(__file__).parents[2]
DRAIN_SECONDS = 3
STARTS_WITHIN, DRAWS_WITHIN = 40, 40
BAD_SETUP = 2


@dataclass
class Admin:
    """Somebody who has a `.env` file and a shell."""

    fake: FakeDiscord
    home: Path
    redis_url: str
    guild: Guild
    channel: Channel
    alice: Person
    settings: dict[str, str] = field(default_factory=dict)

    def environment(self, **changes: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "error,ignore:'audioop':DeprecationWarning",
            "COLUMNS": "200",
            "REDIS_URL": self.redis_url,
            "DATA_DIR": str(self.home / "data"),
            "HEALTH_PORT": "0",
            "DRAIN_SECONDS": str(DRAIN_SECONDS),
            "DISCORD_TOKEN": self.fake.token,
            "DISCORD_MESSAGE_CONTENT": "true",
            "DISCORD_API_BASE": self.fake.api_base,
            "DISCORD_GATEWAY_URL": self.fake.gateway_url,
            "DISCORD_CDN_HOSTS": urlsplit(self.fake.cdn_base).netloc,
            **self.settings,
            **changes,
        }

    def bot(self, role: str, **changes: str) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
        """`python -m bot <role>`, ended by force where the test has not ended it."""
        return running(role, self.home, self.environment(**changes))

    async def says(self, role: str, **changes: str) -> tuple[int | None, str]:
        """What a command that ends by itself prints, and its exit code."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bot", role),
            cwd=self.home,
            env=self.environment(**changes),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            printed, _ = await asyncio.wait_for(process.communicate(), STARTS_WITHIN)
        finally:
            if process.returncode is None:
                process.kill()
        return process.returncode, " ".join(printed.decode().split())

    async def hearing(self, sessions: int = 1) -> None:
        """Wait until Discord is heard and knows the commands."""

        def heard() -> bool:
            known = self.fake.world.find_command("imagine", None, 1) is not None
            return known and len(self.fake.gateway.identifies) + len(self.fake.gateway.resumes) >= sessions

        await self.fake.until(heard, STARTS_WITHIN, what=f"a gateway. {self.log()}")

    def log(self) -> str:
        return (self.home / "log").read_text()[-3000:] if (self.home / "log").exists() else ""

    def posted(self) -> list[Seen]:
        places = [self.channel, *self.fake.threads(self.channel)]
        ours = [seen for place in places for seen in self.fake.messages(place) if seen.author_id == self.fake.bot.id]
        return [seen for seen in ours if seen.files]

    def said(self) -> list[Seen]:
        return [seen for seen in self.fake.messages(self.channel) if seen.author_id == self.fake.bot.id]

    async def one_picture(self) -> Seen:
        """The only picture, once its turn is done."""
        try:
            await self.fake.until(lambda: self.said() and self.said()[0].content.endswith("Done."), DRAWS_WITHIN)
        except AssertionError:
            pytest.fail(f"no picture. {[seen.content for seen in self.said()]} {self.log()}")
        assert len(self.said()) == 1
        (picture,) = self.posted()
        return picture


@pytest.fixture
async def admin(fake_discord: FakeDiscord, redis_url: str, tmp_path: Path) -> Admin:
    """A server that the bot has been invited to, and a shell."""
    guild = fake_discord.guild("Studio")
    channel = fake_discord.channel(guild, "pictures")
    return Admin(fake_discord, tmp_path, redis_url, guild, channel, fake_discord.person("alice", guild))


@pytest.fixture
async def service(admin: Admin) -> AsyncIterator[SimulatedService]:
    """A service outside all processes of ours, which takes a second to draw."""
    settings = SimulationSettings.quick(Delivery.QUEUED, waiting=0.3, drawing=1.5)
    async with SimulatedService(settings) as service:
        admin.settings |= {
            "IMAGE_PROVIDER": "gmi",
            "GMI_API_KEY": service.key,
            "GMI_BASE_URL": service.url,
            "RESULT_HOSTS": service.storage_host,
        }
        yield service


async def test_a_good_set_up_checks_well_and_prints_the_invite_link(admin: Admin) -> None:
    code, printed = await admin.says("check")
    assert code == 0, printed
    assert "https://discord.com/oauth2/authorize" in printed.replace(" ", "")
    assert "Everything works." in printed
    assert admin.fake.token not in printed


@pytest.mark.parametrize("command", ["check", "run"])
async def test_a_wrong_token_is_named_and_not_shown(admin: Admin, command: str) -> None:
    code, printed = await admin.says(command, DISCORD_TOKEN="made-up-and-wrong")
    assert code == {"check": 1, "run": BAD_SETUP}[command], printed
    assert "Discord does not take DISCORD_TOKEN" in printed
    assert "made-up-and-wrong" not in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize("command", ["check", "run"])
async def test_an_intent_that_is_not_granted_is_named_with_its_switch(admin: Admin, command: str) -> None:
    admin.fake.message_content = False
    code, printed = await admin.says(command)
    assert code == {"check": 1, "run": BAD_SETUP}[command], printed
    assert "Privileged Gateway Intents" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
async def test_a_newcomer_runs_it_gets_a_picture_and_stops_it(
    admin: Admin, service: SimulatedService, sign: signal.Signals
) -> None:
    async with admin.bot("run") as process:
        await admin.hearing()
        asked = await (await admin.alice.slash(admin.channel, "imagine", {"prompt": "a fox in the snow"})).answered()
        assert asked.private
        picture = await admin.one_picture()
        assert picture.files[0].name.startswith("a-fox-in-the-snow")
        process.send_signal(sign)
        code = await asyncio.wait_for(process.wait(), DRAIN_SECONDS + 10)
    assert code == 0, admin.log()
    assert "Traceback" not in admin.log()
    assert admin.fake.token not in admin.log()
    assert not admin.fake.gateway.connections


async def test_the_simulated_pictures_need_no_key(admin: Admin) -> None:
    async with admin.bot("run"):
        await admin.hearing()
        await admin.alice.slash(admin.channel, "imagine", {"prompt": "a fox"})
        await admin.one_picture()


async def test_a_gateway_killed_alone_loses_nothing_that_is_said_until_another_hears(
    admin: Admin, service: SimulatedService, redis: Redis
) -> None:
    async with admin.bot("worker"):
        async with admin.bot("discord") as gateway:
            await admin.hearing()
            await wait_until(lambda: redis.exists("imagine:1:discord:session:{0-of-1}"), STARTS_WITHIN)
            gateway.kill()
            await gateway.wait()
        admin.alice.send(admin.channel, f"<@{admin.fake.bot.id}> a fox in the gap")
        async with admin.bot("discord"):
            await admin.one_picture()
    assert len(admin.fake.gateway.identifies) == 1, "the session is resumed"
    assert service.submits["a fox in the gap"] == 1


async def test_a_gateway_killed_in_mid_turn_does_not_matter_to_the_turn(
    admin: Admin, service: SimulatedService
) -> None:
    async with admin.bot("worker"), admin.bot("discord") as gateway:
        await admin.hearing()
        await (await admin.alice.slash(admin.channel, "imagine", {"prompt": "a fox"})).answered()
        await admin.fake.until(lambda: service.submits["a fox"], DRAWS_WITHIN)
        gateway.kill()
        await gateway.wait()
        await admin.one_picture()
    assert service.submits["a fox"] == 1


async def test_a_worker_killed_while_it_is_drawn_is_followed_by_one_that_delivers_once(
    admin: Admin, service: SimulatedService
) -> None:
    async with admin.bot("discord"):
        async with admin.bot("worker") as worker:
            await admin.hearing()
            await (await admin.alice.slash(admin.channel, "imagine", {"prompt": "a fox"})).answered()
            await admin.fake.until(lambda: service.submits["a fox"], DRAWS_WITHIN)
            worker.kill()
            await worker.wait()
        assert admin.posted() == []
        async with admin.bot("worker"):
            await admin.one_picture()
    assert service.submits["a fox"] == 1


async def test_a_worker_killed_at_its_post_is_followed_by_one_that_looks_first(
    admin: Admin, service: SimulatedService
) -> None:
    """The post arrives, its answer does not, and the worker is gone."""
    async with admin.bot("discord"):
        async with admin.bot("worker") as worker:
            await admin.hearing()
            await (await admin.alice.slash(admin.channel, "imagine", {"prompt": "a fox"})).answered()
            await admin.fake.until(lambda: admin.fake.threads(admin.channel), DRAWS_WITHIN)
            posting = admin.fake.faults.hold("POST", "/channels/{channel_id}/messages", after_effect=True)
            await posting.arrived(DRAWS_WITHIN)
            await admin.fake.until(admin.posted, DRAWS_WITHIN)
            worker.kill()
            await worker.wait()
            posting.release()
        async with admin.bot("worker"):
            await admin.one_picture()
    assert len(admin.posted()) == 1
