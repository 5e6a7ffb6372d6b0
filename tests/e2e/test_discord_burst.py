"""Everybody at once."""

import asyncio
from collections import Counter
from dataclasses import replace

from tests.e2e.discord_server import SETTINGS, open_server
from tests.fakes.discord import FakeDiscord

pytest_plugins = ["tests.fakes.discord.fixtures"]

PEOPLE, CHANNELS, COMMANDS, MOST_WAITING = 50, 10, 200, 3
PATIENCE_SECONDS = 90.0
"""Not a promise: `python -m tests.bench.discord` measures how soon, here a process plays all the parts."""


async def test_two_hundred_commands_at_once_are_each_answered_and_end_once(
    fake_discord: FakeDiscord, redis_url: str
) -> None:
    fake = fake_discord
    fake.world.ack_deadline = PATIENCE_SECONDS
    server = await open_server(fake, redis_url, settings=replace(SETTINGS, most_waiting=MOST_WAITING))
    try:
        channels = [fake.channel(server.guild, f"pictures-{number}") for number in range(CHANNELS)]
        people = [fake.person(f"person-{number}", server.guild) for number in range(PEOPLE)]
        prompts = [f"fox {number}" for number in range(COMMANDS)]
        asked = await asyncio.gather(
            *(
                people[number % PEOPLE].slash(channels[number % CHANNELS], "imagine", {"prompt": prompt})
                for number, prompt in enumerate(prompts)
            )
        )
        answers = [await one.answered(PATIENCE_SECONDS) for one in asked]
        await fake.until(lambda: all(one.original and one.original.content for one in answers), PATIENCE_SECONDS)
        told = [one.original.content if one.original else "" for one in answers]
        refused = {prompt for prompt, words in zip(prompts, told, strict=True) if "waiting" in words}
        taken = {prompt for prompt, words in zip(prompts, told, strict=True) if words.startswith("Taken on")}
        await server.quiet(PATIENCE_SECONDS)
        threads = [thread for channel in channels for thread in fake.threads(channel)]
        announced = [seen for channel in channels for seen in fake.messages(channel) if seen.content]
        pictures = [seen for thread in threads for seen in fake.messages(thread) if seen.files]
        assert all(one.private for one in answers)
        assert taken | refused == set(prompts)
        assert len(taken) >= PEOPLE * MOST_WAITING
        for posted in (pictures, announced):
            assert Counter(seen.content.partition(" · ")[2].partition("\n")[0] for seen in posted) == Counter(taken)
        assert all(seen.content.endswith("Done.") for seen in announced)
        assert Counter(job.prompt for job in server.bot.images.sent) == Counter(taken)
        assert not fake.violations
    finally:
        await server.bot.close()
