"""What the process writes about itself: one line per event, with the turn's id, and never a secret.

Our own lines (structlog) and those of the libraries (logging) go through the same processors. `turn` and whatever else
is bound with `structlog.contextvars` appears on every line written meanwhile, whoever writes it.
"""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import TextIO, TypeAlias
from urllib.parse import quote

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.typing import Processor

from bot.settings import LogFormat, Settings

HIDDEN = "[hidden]"
SHORTEST_SECRET = 6
"""Characters; hiding anything shorter would blank out ordinary words and protect nothing."""
QUIET = ("httpx", "httpcore", "aiohttp.access", "docket")
"""Only their warnings are written: some log addresses that are as good as a key, and docket logs every run."""

MUTE = ("discord.client",)
"""Only their errors are written: it warns at each start that it could not speak, and we have no voice to want."""

TELLTALE = ("slack_sdk", "slack_bolt", "imagine:", "adapters.slack.sockets")
"""Their debugging lines are left out: they hold whole payloads, with addresses that anybody may answer at, and the
answers that tokens come in. Each logger of theirs has a level of its own, so that it is the line that is judged."""

Redactor: TypeAlias = Callable[[str], str]

_SECRET_SHAPES = re.compile(
    r"""
    (?P<before>
        (?i:\b(?:bearer|bot|basic)\ +)(?=[^\s"']{20})    # authorization headers
      | /(?:webhooks|interactions)/\d+/                  # Discord: an interaction's token
      | hooks\.slack\.com/                               # Slack: a response address
      | (?i:[?&](?:key|token|ticket|code|sig|hmac|(?:x-[a-z]+-)?signature)=)  # signed links
    )[^\s"'&?\\]+
    | xox[a-z](?:\.xox[a-z])?-[\w.-]+ | xapp-[\w-]+      # Slack tokens
    | \b[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}             # Discord bot tokens
    | \beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*                # JSON web tokens
    | \bAIza[\w-]{30,}                                   # Google keys
    """,
    re.VERBOSE,
)


def redactor(secrets: Iterable[str]) -> Redactor:
    """What takes secrets out of a text: these, as they are and as they are escaped, and any of a known shape."""
    forms = {secret for secret in secrets if len(secret) >= SHORTEST_SECRET}
    for _ in range(2):  # a library's own escaping, and that of the line it is put in
        forms |= {escaped for form in forms for escaped in _escaped(form)}
    # The longest first, so that of one that contains another no tail stays behind.
    known = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))) or r"(?!)")

    def redact(text: str) -> str:
        return _SECRET_SHAPES.sub(rf"\g<before>{HIDDEN}", known.sub(HIDDEN, text))

    return redact


def _escaped(text: str) -> tuple[str, ...]:
    return quote(text, safe=""), repr(text)[1:-1], json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]


class _RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Redacts the finished line: nothing can be added to it afterwards."""

    def __init__(self, redact: Redactor, processors: Sequence[Processor], foreign: Sequence[Processor]) -> None:
        super().__init__(processors=processors, foreign_pre_chain=foreign)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))


def configure_logs(settings: Settings, stream: TextIO = sys.stderr) -> None:
    """Send every log line of this process to `stream`. For the command that runs to call, once."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendered = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(settings.log_format, stream)]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_RedactingFormatter(redactor(settings.secrets()), rendered, shared))
    handler.addFilter(lambda record: record.levelno > logging.DEBUG or not record.name.startswith(TELLTALE))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    logging.captureWarnings(capture=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in MUTE:
        logging.getLogger(name).setLevel(logging.ERROR)
    # What would otherwise be printed past the formatter: a line that cannot be formatted, and the error that ends us.
    logging.raiseExceptions = False
    sys.excepthook = _log_the_end


def _renderers(log_format: LogFormat, stream: TextIO) -> list[Processor]:
    if log_format is LogFormat.CONSOLE or (log_format is LogFormat.AUTO and stream.isatty()):
        # Plain tracebacks: pretty ones show local variables.
        return [ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain_traceback)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]


def _log_the_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("bot").critical("ended by an error", exc_info=(kind, error, trace))
