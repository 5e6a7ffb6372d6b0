"""The chat platforms that the contract is held to, each over its double. A platform joins by one row."""

from collections.abc import Mapping

from tests.contracts.discord_harness import open_discord
from tests.contracts.seen import Platform
from tests.contracts.slack_harness import open_slack
from tests.contracts.web_harness import open_web

PLATFORMS: Mapping[str, Platform] = {
    "discord": Platform(open_discord, acknowledges_first=True),
    "slack": Platform(open_slack, acknowledges_first=True),
    "web": Platform(open_web, acknowledges_first=False),
}
