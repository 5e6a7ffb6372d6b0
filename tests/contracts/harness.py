"""The chat platforms that the contract is held to, each over its double. A platform joins by one row."""

from collections.abc import Mapping

from tests.contracts.seen import Platform
from tests.contracts.web_harness import open_web

PLATFORMS: Mapping[str, Platform] = {
    "web": Platform(open_web, acknowledges_first=False),
}
