"""The manifests that people create the app from."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from adapters.slack.actions import Shortcut
from adapters.slack.http import EVENTS_PATH, REDIRECT_PATH
from adapters.slack.scopes import NEEDED, OPTIONAL

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT.parent / "shared" / "data" / "slack-manifest.schema.json"
FILES = ("manifest.yaml", "manifest-http.yaml")


@pytest.fixture(params=FILES)
def manifest(request: pytest.FixtureRequest) -> Any:
    return yaml.safe_load((ROOT / "adapters" / "slack" / request.param).read_text(encoding="utf-8"))


def test_the_manifest_is_one_that_slack_takes(manifest: Any) -> None:
    if not SCHEMA.exists():
        pytest.skip("Slack's manifest schema is not beside this copy")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    problems = [str(problem) for problem in jsonschema_rs.validator_for(schema).iter_errors(manifest)]
    assert not problems


def test_the_manifest_asks_for_what_the_app_needs_and_no_more(manifest: Any) -> None:
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == {*NEEDED, *OPTIONAL}


def test_the_manifest_names_every_shortcut(manifest: Any) -> None:
    assert {shortcut["callback_id"] for shortcut in manifest["features"]["shortcuts"]} == set(Shortcut)


def test_both_manifests_make_the_same_app() -> None:
    socket, http = (yaml.safe_load((ROOT / "adapters" / "slack" / name).read_text()) for name in FILES)
    assert http["settings"]["event_subscriptions"].pop("request_url").endswith(EVENTS_PATH)
    assert http["settings"]["interactivity"].pop("request_url").endswith(EVENTS_PATH)
    assert http["features"]["slash_commands"][0].pop("url").endswith(EVENTS_PATH)
    assert http["oauth_config"].pop("redirect_urls")[0].endswith(REDIRECT_PATH)
    assert (socket["settings"].pop("socket_mode_enabled"), http["settings"].pop("socket_mode_enabled")) == (True, False)
    assert socket == http
