"""Settings are read once, refused in sentences, and never shown when they are secret."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from bot.setting_values import MICRO, micro_dollars
from bot.settings import ImageProviderName, Settings, SetupError, load_settings
from core.prices import Price

ROOT = Path(__file__).parents[2]
KEY = "a-very-secret-value"


class SettingRow(NamedTuple):
    """One setting as people read of it. `default` is empty where there is none."""

    name: str
    default: str
    meaning: str


def _rows() -> Iterator[SettingRow]:
    """Every setting in order, as the README and the example file have it."""
    for name, field in Settings.model_fields.items():
        yield SettingRow(name.upper(), _written(field), field.description or "")


def _written(field: FieldInfo) -> str:
    """A default as one would write it in `.env`."""
    match field.default:
        case None | {}:
            return ""
        case tuple() as hosts:
            return ",".join(hosts)
        case bool() as flag:
            return str(flag).lower()
        case int() as amount if any(getattr(part, "func", None) is micro_dollars for part in field.metadata):
            return f"{Decimal(amount) / MICRO:f}"
        case default:
            return str(default)


def _problems(monkeypatch: pytest.MonkeyPatch, **environment: str) -> tuple[str, ...]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SetupError) as refused:
        load_settings(env_file=None)
    return refused.value.problems


def test_nothing_set_is_a_local_simulated_workspace() -> None:
    settings = load_settings(env_file=None)
    assert settings.image_provider == (ImageProviderName.SIMULATED,)
    assert (settings.web_on, settings.discord_on, settings.slack_on) == (True, False, False)
    assert settings.web_host == "127.0.0.1"
    assert settings.redis_url is None


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("WEB_PORT=9001\nHEALTH_PORT=9002\nSOMETHING_ELSE=1\n")
    monkeypatch.setenv("WEB_PORT", "9003")
    settings = load_settings(file)
    assert (settings.web_port, settings.health_port) == (9003, 9002)


def test_an_empty_value_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "")
    monkeypatch.setenv("WEB_PORT", "")
    assert load_settings(env_file=None).redis_url is None


def test_a_pasted_line_break_is_not_part_of_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", f" {KEY}\n")
    assert load_settings(env_file=None).discord_token == SecretStr(KEY)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        load_settings(env_file=None).web_port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("present", "chosen"),
    [
        ({"GMI_API_KEY": KEY}, "gmi"),
        ({"GEMINI_API_KEY": KEY}, "google"),
        ({"VERTEX_PROJECT": "fox-1"}, "google"),
        ({"GEMINI_API_KEY": KEY, "GMI_API_KEY": KEY}, "gmi,google"),
        ({"GEMINI_API_KEY": KEY, "GMI_API_KEY": KEY, "IMAGE_PROVIDER": "google, gmi,google"}, "google,gmi"),
        ({}, "simulated"),
        ({"GMI_API_KEY": KEY, "IMAGE_PROVIDER": "simulated"}, "simulated"),
    ],
)
def test_the_services_are_those_whose_keys_are_present(
    monkeypatch: pytest.MonkeyPatch, present: dict[str, str], chosen: str
) -> None:
    for name, value in present.items():
        monkeypatch.setenv(name, value)
    assert ",".join(load_settings(env_file=None).image_provider) == chosen


@pytest.mark.parametrize("name", ["GMI_BASE_URL", "DISCORD_API_BASE", "SLACK_API_BASE"])
@pytest.mark.parametrize(
    "address",
    [
        "http://example.com",
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "http://0.0.0.0",
        "ws://example.com",
        "ftp://example.com",
        "https://",
        "https://user:word@example.com",
        "example.com",
        "https://[broken",
    ],
)
def test_a_token_is_never_sent_to_an_unsafe_address(monkeypatch: pytest.MonkeyPatch, name: str, address: str) -> None:
    (problem,) = _problems(monkeypatch, **{name: address})
    assert problem.startswith(f"{name}: must ")


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8000", "http://localhost:1/x", "http://[::1]:2", "https://a.example"]
)
def test_this_machine_and_encrypted_addresses_are_fine(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("SLACK_API_BASE", f"{address}/")
    assert load_settings(env_file=None).slack_api_base == address


def test_every_problem_is_one_sentence_and_none_shows_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = _problems(
        monkeypatch,
        IMAGE_PROVIDER=KEY,
        HEALTH_PORT=KEY,
        WORKER_SLOTS="0",
        DISCORD_MESSAGE_CONTENT=KEY,
        DISCORD_API_BASE=f"http://{KEY}.example",
        SLACK_BOT_TOKEN=KEY,
        SLACK_APP_TOKEN=f"xoxb-{KEY}",
        ENCRYPTION_KEY=KEY,
        REDIS_URL=f"http://:{KEY}@example",
        PRICES=f"{{{KEY}",
        DAILY_SPEND_CAP=KEY,
        ALLOWED_URL_HOSTS=f"https://{KEY}",
        WEB_PASSWORD=KEY[:7],
    )
    assert len(problems) == 13
    for problem in problems:
        assert re.fullmatch(r"[A-Z_]+: [^\n]+\.", problem)
        assert KEY[:7] not in problem


def test_not_even_the_error_beneath_shows_a_value() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(health_port=KEY)
    assert KEY not in str(refused.value)


def test_settings_that_do_not_fit_together_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = _problems(monkeypatch, IMAGE_PROVIDER="gmi", SLACK_BOT_TOKEN="xoxb-1", WEB_HOST="0.0.0.0")
    assert [problem.split(" ")[0] for problem in problems] == ["IMAGE_PROVIDER", "SLACK_BOT_TOKEN", "WEB_HOST"]
    assert _problems(monkeypatch, IMAGE_PROVIDER="gmi")[0] == "IMAGE_PROVIDER has gmi, so GMI_API_KEY is needed."


def test_the_web_workspace_runs_beside_a_platform_only_with_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", KEY)
    assert not load_settings(env_file=None).web_on
    monkeypatch.setenv("WEB_PASSWORD", KEY)
    assert load_settings(env_file=None).web_on


def test_slack_is_on_for_one_workspace_or_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.2")
    assert load_settings(env_file=None).slack_on
    monkeypatch.delenv("SLACK_CLIENT_ID")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1")
    assert load_settings(env_file=None).slack_on


def test_money_is_written_in_dollars_and_kept_in_micro_dollars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAILY_SPEND_CAP", "2.50")
    monkeypatch.setenv("PRICES", '{"a": 0.039, "b": 1, "c": 0}')
    settings = load_settings(env_file=None)
    assert settings.daily_spend_cap == 2_500_000
    assert settings.prices == {"a": (Price(39_000),), "b": (Price(1_000_000),), "c": (Price(0),)}


@pytest.mark.parametrize("amount", ["-1", "NaN", "Infinity", "1e99", "ten", "0x10"])
def test_an_amount_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, amount: str) -> None:
    _problems(monkeypatch, DAILY_SPEND_CAP=amount)


@pytest.mark.parametrize(
    "table",
    [
        "[]",
        "1",
        "{",
        '{"a": "x"}',
        '{"a": -1}',
        '{"a": null}',
        '{"a": [1]}',
        '{"a": NaN}',
        '{"a": [{"from": "soon", "price": 1}]}',
        '{"a": [{"from": "2026-12-01"}]}',
        '{"a": [{"price": 1, "sizes": 3}]}',
        '{"a": {"price": 1}}',
    ],
)
def test_a_price_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    (problem,) = _problems(monkeypatch, PRICES=table)
    assert problem.startswith("PRICES: ")


def test_hosts_are_exact_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_URL_HOSTS", "Images.Example, other.example,")
    assert load_settings(env_file=None).allowed_url_hosts == ("images.example", "other.example")
    for host in ("*.example", "a.example:443", "a.example/x", "user@a.example"):
        _problems(monkeypatch, ALLOWED_URL_HOSTS=host)


def test_encryption_keys_are_checked_so_that_a_typo_is_found_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    monkeypatch.setenv("ENCRYPTION_KEY", ", ".join(keys))
    assert load_settings(env_file=None).encryption_key
    for bad in (keys[0][:-2], keys[0] + ",", keys[0] + ",ö"):
        _problems(monkeypatch, ENCRYPTION_KEY=bad)


def test_no_secret_is_in_a_repr_and_all_are_known_to_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [
        "GMI_API_KEY",
        "DISCORD_TOKEN",
        "SLACK_SIGNING_SECRET",
        "SLACK_CLIENT_SECRET",
        "WEB_PASSWORD",
    ]
    for name in names:
        monkeypatch.setenv(name, f"{KEY}-{name}")
    monkeypatch.setenv("REDIS_URL", f"rediss://someone:{KEY}%2F1@redis.example:6379/0")
    settings = load_settings(env_file=None)
    assert KEY not in f"{settings!r} {settings}"
    assert settings.secrets() == {f"{KEY}-{name}" for name in names} | {f"{KEY}/1"}


def test_every_setting_is_explained_and_has_a_default_that_means_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = load_settings(env_file=None)
    rows = list(_rows())
    for row in rows:
        assert row.meaning.endswith(".")
        monkeypatch.setenv(row.name, row.default)
    assert len({row.name for row in rows}) == len(rows)
    assert load_settings(env_file=None) == usual


def test_the_example_file_holds_every_setting() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    rows = re.findall(r"^# (.+)\n#([A-Z_]+)=(.*)$", example, re.MULTILINE)
    assert [(name, default, meaning) for meaning, name, default in rows] == list(_rows())


def test_the_readme_explains_every_setting() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \| `?(.*?)`? \| (.*) \|$", readme, re.MULTILINE)
    assert rows == list(_rows())
