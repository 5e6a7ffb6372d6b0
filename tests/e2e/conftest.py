"""A real browser for the stories that are told through a page."""

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",  # the tests' own pages only; containers have no user namespaces
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """The machine's own Chromium, headless. Skips where there is none."""
    binary = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not binary:
        pytest.skip(f"no browser is installed: none of {', '.join(BROWSERS)} is on PATH")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=binary, args=ARGUMENTS)
        yield chromium
        await chromium.close()
