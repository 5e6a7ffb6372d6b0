"""Every service whose key is there is opened, in the order of the settings, and each is looked at by itself."""

from pathlib import Path

import pytest

from bot.check import check_location, check_model, check_service
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


@pytest.mark.parametrize(("location", "noted"), [("global", False), ("europe-west4", True)])
def test_a_location_that_may_have_fewer_models_is_noted(
    monkeypatch: pytest.MonkeyPatch, location: str, *, noted: bool
) -> None:
    monkeypatch.setenv("VERTEX_PROJECT", "pictures")
    monkeypatch.setenv("VERTEX_LOCATION", location)
    finding = check_location(load_settings(env_file=None))
    assert (finding is not None) is noted
    assert finding is None or (finding.holds is None and f"VERTEX_LOCATION={location}" in finding.words)
