"""The command line."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bot.settings import LogLevel, Settings, SetupError, load_settings

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="**imagine-bot**: picture-making inside team chat. With no tokens in the environment or `.env`, `run` "
    "opens a local web workspace over simulated pictures. Every setting is an environment variable; see README.",
)
FAILED = 1
BAD_SETUP = 2


def _start(work: Coroutine[Any, Any, int]) -> None:
    try:
        code = asyncio.run(work)
    except SetupError as error:
        Console(stderr=True).print(*error.problems, sep="\n", markup=False, highlight=False)
        code = BAD_SETUP
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    raise typer.Exit(code)


def _settings(*, quiet: bool = False) -> Settings:
    from bot.logs import configure_logs

    try:
        settings = load_settings()
    except SetupError as error:
        Console(stderr=True).print(*error.problems, sep="\n", markup=False, highlight=False)
        raise typer.Exit(BAD_SETUP) from error
    configure_logs(settings.model_copy(update={"log_level": LogLevel.ERROR}) if quiet else settings)
    return settings


def _play(role: str) -> None:
    from bot.roles import Role, serve

    settings = _settings()

    async def play() -> int:
        await serve(settings, Role(role), lambda text: print(text, file=sys.stderr, flush=True))  # noqa: T201
        return 0

    _start(play())


@app.command()
def run() -> None:
    """Run everything in one process: every platform whose tokens are there, and a worker."""
    _play("run")


@app.command()
def worker() -> None:
    """Run a worker alone. Start as many as you like, on any machine with the same REDIS_URL and tokens."""
    _play("worker")


@app.command()
def web() -> None:
    """Run the web workspace alone; a worker elsewhere makes the pictures."""
    _play("web")


@app.command()
def discord() -> None:
    """Run Discord's gateway alone; workers elsewhere make the pictures."""
    _play("discord")


@app.command()
def slack() -> None:
    """Run Slack's events alone; workers elsewhere make the pictures."""
    _play("slack")


@app.command()
def check() -> None:
    """Test every setting, and say what to do about what fails. Costs nothing."""
    from bot.check import check_all

    _start(check_all(_settings(quiet=True), Console()))


@app.command()
def imagine(
    prompt: Annotated[str, typer.Argument(help="What to see.")],
    out: Annotated[Path, typer.Option(help="File to write; the second and later pictures get a number.")] = Path(
        "picture"
    ),
    ar: Annotated[str | None, typer.Option(help="Shape, such as 16:9.")] = None,
    n: Annotated[int, typer.Option(help="How many pictures.")] = 1,
    model: Annotated[str | None, typer.Option(help="Model; IMAGE_MODEL unless given.")] = None,
    size: Annotated[str | None, typer.Option(help="Size, for models that have several.")] = None,
    reference: Annotated[
        list[Path] | None, typer.Option(help="A picture to go by; may be given several times.")
    ] = None,
) -> None:
    """Make a picture from here, through the same line as everybody's. Exits with 1 where there is none."""
    from bot.commands import imagine as make
    from core.turns import Options

    _start(make(_settings(quiet=True), prompt, Options(ar, n, model, size), reference or [], out))


@app.command()
def simulate(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8090,
) -> None:
    """Run the simulated image service alone, for several processes or for trying out a client."""
    from bot.commands import simulate as stand_in

    _start(stand_in(host, port))


@app.command()
def requests(
    model: Annotated[str | None, typer.Option(help="Model; IMAGE_MODEL unless given.")] = None,
    hours: Annotated[float, typer.Option(help="How far back to look.")] = 24.0,
) -> None:
    """List what the image service says of its latest requests."""
    from bot.commands import list_requests

    _start(list_requests(_settings(), model, hours))


@app.command()
def models(model: Annotated[str | None, typer.Argument(help="Say all that is known of this one.")] = None) -> None:
    """List the image service's models."""
    from bot.commands import list_models

    _start(list_models(_settings(), model))


@app.command()
def health() -> None:
    """Ask the process on this machine whether it is ready. Exits with 1 where it is not."""
    from bot.health import is_ready

    settings = _settings()

    async def ask() -> int:
        return 0 if await is_ready(settings.health_host, settings.health_port) else FAILED

    _start(ask())
