"""Log lines carry the turn they are about, and no secret gets past them by any road."""

import io
import json
import logging
import subprocess
import sys
import warnings
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot.logs import HIDDEN, SHORTEST_SECRET, configure_logs, redactor
from bot.settings import LogFormat, Settings

KEY = "k3y-of-the-image-service"
AWKWARD = 'tür"sesam\\öffne/dich'
FRAGMENTS = ("k3y", "sesam", "ffne", "dich")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _settings(**values: Any) -> Settings:
    return Settings(gmi_api_key=KEY, web_password=AWKWARD, log_level="debug", **values)


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.usefixtures("_logging_restored")
def test_the_turn_is_on_every_line_of_ours_and_of_the_libraries() -> None:
    stream = io.StringIO()
    configure_logs(_settings(), stream)
    with structlog.contextvars.bound_contextvars(turn="web:home:1"):
        structlog.get_logger("core.line").info("submitted", model="a-model")
        logging.getLogger("a.library").info("took %s", "advance")
    ours, theirs = _lines(stream)
    assert (ours["turn"], ours["event"], ours["model"]) == ("web:home:1", "submitted", "a-model")
    assert (theirs["turn"], theirs["event"], theirs["logger"]) == ("web:home:1", "took advance", "a.library")
    assert {line["level"] for line in (ours, theirs)} == {"info"}


@pytest.mark.usefixtures("_logging_restored")
def test_a_terminal_gets_words_and_a_pipe_gets_json() -> None:
    for stream, is_json in ((_Terminal(), False), (io.StringIO(), True)):
        configure_logs(_settings(), stream)
        structlog.get_logger().info("started")
        assert stream.getvalue().startswith("{") is is_json


@pytest.mark.usefixtures("_logging_restored")
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("log_format", [LogFormat.JSON, LogFormat.CONSOLE])
@pytest.mark.parametrize("secret", [KEY, AWKWARD])
def test_no_secret_of_the_settings_passes(log_format: LogFormat, secret: str) -> None:
    stream = io.StringIO()
    configure_logs(_settings(log_format=log_format), stream)
    log = structlog.get_logger("bot")
    log.info(secret, value=secret, nested={"header": [secret]}, thing=SimpleNamespace(secret=secret))
    logging.getLogger("slack_sdk").info("Sending %s", {"token": secret})
    logging.getLogger("discord.http").debug("Body %s", json.dumps({"token": secret}))
    warnings.warn(f"careful, {secret}", UserWarning, stacklevel=1)
    try:
        _fail_because_of(secret)
    except ValueError:
        log.exception("failed")
        logging.getLogger("discord").exception("failed %r", secret)
    text = stream.getvalue()
    assert text.count(HIDDEN) >= 10
    assert not [fragment for fragment in FRAGMENTS if fragment in text]


def _fail_because_of(secret: str) -> None:
    _part = secret[: len(secret) // 2]  # would be seen in a traceback that shows local variables
    raise ValueError(f"refused: {secret}")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("authorization: Bearer abcdefghijklmnopqrstuvwxyz012345", "authorization: Bearer "),
        ("Authorization': 'Bot abcdefghij.klmnop.qrstuvwxyz0123'", "Authorization': 'Bot "),
        ("MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs_abc", ""),
        ("xoxb-1234567890-abcdefghij", ""),
        ("xoxe.xoxp-1-abcdefghijklmnop", ""),
        ("xapp-1-A012-34-abcdef", ""),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U", ""),
        ("AIzaSyA0123456789abcdefghijklmnopqrstuv", ""),
        ("PATCH /api/v10/webhooks/123456/aW50ZXJhY3Rpb246token/messages/@original", "PATCH /api/v10/webhooks/123456/"),
        ("POST /interactions/987/aW50ZXJhY3Rpb246token/callback", "POST /interactions/987/"),
        ("https://hooks.slack.com/commands/T1/2/token", "https://hooks.slack.com/"),
        (
            "https://files.example/a.png?X-Goog-Signature=0123456789abcdef",
            "https://files.example/a.png?X-Goog-Signature=",
        ),
    ],
)
def test_what_looks_like_a_token_is_hidden_though_nobody_named_it(text: str, kept: str) -> None:
    hidden = redactor([])(text)
    assert hidden.startswith(kept + HIDDEN)
    assert text[len(kept) :] not in hidden


@pytest.mark.parametrize(
    "text",
    [
        "the bot is ready",
        "a lighthouse at dusk, a robot beside it",
        "https://cdn.discordapp.com/attachments/1/2/fox.png?ex=66&is=65",
        "discord:118:994:1180000000000000000",
        "storage.googleapis.com.example",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert redactor([KEY])(text) == text


@given(st.text(min_size=SHORTEST_SECRET), st.text(min_size=1))
def test_no_tail_is_left_of_a_secret_that_contains_another(secret: str, tail: str) -> None:
    assert redactor([secret, secret + tail])(secret + tail) == HIDDEN


@given(st.text(min_size=SHORTEST_SECRET), st.text(), st.text())
def test_a_secret_is_found_wherever_it_stands(secret: str, before: str, after: str) -> None:
    assert secret not in redactor([secret])(before + secret + after).replace(HIDDEN, "\0")


@pytest.mark.usefixtures("_logging_restored")
def test_addresses_of_requests_are_not_written_even_when_debugging() -> None:
    stream = io.StringIO()
    configure_logs(_settings(), stream)
    logging.getLogger("httpx").info('HTTP Request: GET https://files.example/private.png "200"')
    assert not stream.getvalue()


@pytest.mark.usefixtures("_logging_restored")
def test_a_chat_library_that_misses_a_voice_is_not_heard_and_its_errors_are() -> None:
    stream = io.StringIO()
    configure_logs(_settings(), stream)
    logging.getLogger("discord.client").warning("voice will NOT be supported")
    logging.getLogger("discord.client").error("broken")
    assert "voice" not in stream.getvalue()
    assert "broken" in stream.getvalue()


@pytest.mark.usefixtures("_logging_restored")
def test_a_line_that_cannot_be_formatted_is_not_printed_raw(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(_settings(), io.StringIO())
    logging.getLogger("any").warning("%d pictures", KEY)
    assert KEY not in "".join(capsys.readouterr())


def test_the_error_that_ends_the_process_is_logged_without_its_secret() -> None:
    program = (
        "from bot.settings import load_settings; from bot.logs import configure_logs\n"
        f"configure_logs(load_settings(None)); raise RuntimeError('refused {KEY}')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], env={"GMI_API_KEY": KEY}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    line = json.loads(ended.stderr)
    assert (line["level"], line["event"]) == ("critical", "ended by an error")
    assert KEY not in ended.stderr
