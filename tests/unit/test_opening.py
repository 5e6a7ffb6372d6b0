"""Every service whose key is there is opened, in the order of the settings, and each is looked at by itself."""

from pathlib import Path

import pytest

from bot.check import check_model, check_service
from bot.services import open_services
from bot.settings import load_settings
from core.fetching import Fetcher


async def test_all_services_that_are_named_work_side_by_side(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {
        "DATA_DIR": str(tmp_path),
        "IMAGE_PROVIDER": "simulated,gmi,google",
        "GMI_API_KEY": "k",
        "GMI_BASE_URL": "http://127.0.0.1:9",
        "GEMINI_API_KEY": "k",
        "GEMINI_BASE_URL": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(env_file=None)
    async with Fetcher() as fetcher, open_services(settings, fetcher) as opened:
        assert opened.together.names == ("simulated", "gmi", "google")
        assert not opened.simulated
        findings = [finding for service in opened.each async for finding in check_service(service)]
        assert [(found.what, found.holds) for found in findings] == [
            ("simulated key", True),
            ("gmi key", False),
            ("google key", False),
        ]
        assert (await check_model(opened.together, settings.image_model)).holds is not False
        assert (await check_model(opened.together, "no-such-model")).holds is False
