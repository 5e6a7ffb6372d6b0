"""Every setting there is, read once, from the environment or a `.env` file.

Nothing else in the project reads configuration. A setting's name in the environment is its field's name in capitals;
its description here is its row in the README and its line in `.env.example`.
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.setting_values import (
    MICRO,
    Address,
    Base,
    EncryptionKeys,
    Hosts,
    MicroDollars,
    Names,
    Password,
    Port,
    Prices,
    RedisUrl,
    Secret,
    SlackAppToken,
    SlackBotToken,
    is_loopback,
    listed,
    secret_part,
)


class SetupError(Exception):
    """Something that only the operator can mend. Each problem is a sentence for them, without any secret."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ImageProviderName(StrEnum):
    """Who draws."""

    GMI = "gmi"
    GOOGLE = "google"
    SIMULATED = "simulated"


ImageProviders = Annotated[tuple[ImageProviderName, ...], NoDecode, BeforeValidator(listed), Field(min_length=1)]


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """What a log line looks like."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class Settings(BaseSettings):
    """All settings, validated. Secrets stay wrapped until the moment of use; money is in micro-dollars."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True, validate_default=False
    )

    # The store.
    redis_url: RedisUrl | None = Field(
        None, description="Redis or Valkey (6.2 or later) for everything that is kept. Unset: an embedded Valkey."
    )
    data_dir: Path = Field(Path("data"), description="Folder of the embedded Valkey.")

    # The image service.
    image_provider: ImageProviders = Field(
        (ImageProviderName.SIMULATED,),
        description="Who draws: gmi, google or simulated, or several of them separated by commas, the preferred one "
        "first. Unset: all whose keys are present, gmi before google, else simulated.",
    )
    image_model: str = Field("gemini-2.5-flash-image", description="Model used when a person names none.")
    fallback_models: Names = Field(
        ("gemini-3.1-flash-image", "gemini-3.1-flash-lite-image"),
        description="Models that stand in, in this order, while another does not answer and the workspace has chosen "
        "none itself. The same model of another service comes before them.",
    )
    gmi_api_key: Secret | None = Field(None, description="Key of the GMI Cloud request queue.")
    gmi_organization_id: str | None = Field(
        None, description="Needed only for keys that belong to several organisations."
    )
    gmi_base_url: Base = Field(
        "https://console.gmicloud.ai/api/v1/ie/requestqueue/apikey", description="Address of the request queue."
    )
    gemini_api_key: Secret | None = Field(None, description="Key of Google's Gemini API.")
    gemini_base_url: Base = Field(
        "https://generativelanguage.googleapis.com", description="Address of Google's Gemini API."
    )
    vertex_project: str | None = Field(
        None,
        pattern=r"^[a-z0-9.:-]{1,80}$",
        description="Google Cloud project whose Vertex AI draws, in place of the Gemini API. Needs `make vertex`.",
    )
    vertex_location: str = Field("global", pattern=r"^[a-z0-9-]{1,40}$", description="Location of Vertex AI.")
    vertex_base_url: Base | None = Field(None, description="Address of Vertex AI. Unset: that of its location.")
    google_application_credentials: Path | None = Field(
        None,
        description="JSON file of the service account or workload identity for Vertex AI. Unset: the machine's own.",
    )
    google_temperature: float | None = Field(
        None, ge=0, le=2, description="How freely Google's models draw, 0 to 2. Unset: as Google has it (1)."
    )
    google_top_p: float | None = Field(
        None, ge=0, le=1, description="How far Google's models look beside the likeliest, 0 to 1. Unset: 0.95."
    )
    result_hosts: Hosts = Field(
        ("storage.googleapis.com",),
        description="Hosts that finished pictures are downloaded from, separated by commas.",
    )
    request_deadline: float = Field(
        600,
        gt=0,
        description="Seconds after which a request that has not ended is given up as stuck, and for which a turn "
        "waits for a service that is down.",
    )
    requests_in_flight: int = Field(
        16, ge=1, description="Requests of one model that may be at the service at a time, all workers together."
    )
    prices: Prices = Field(
        {},
        description="Estimated dollars per image where the built-in ones are wrong, as JSON: "
        '`{"gemini-2.5-flash-image": 0.039}`, or with days and sizes: '
        '`{"gemini-3-pro-image": [{"from": "2026-12-01", "price": 0.13, "sizes": {"4K": 0.24}}]}`.',
    )

    # Fairness and money.
    daily_spend_cap: MicroDollars = Field(
        10 * MICRO, description="Dollars that one workspace may spend in a day (UTC)."
    )
    max_waiting_per_person: int = Field(
        10, ge=1, description="Turns that one person may have open, in line and being drawn."
    )
    max_running_per_person: int = Field(4, ge=1, description="Turns of one person that may be drawn at a time.")

    # Discord.
    discord_token: Secret | None = Field(None, description="Bot token. Switches Discord on.")
    discord_message_content: bool = Field(
        default=False,
        description="Whether the message content intent is granted, so that plain messages in our threads are edits.",
    )
    discord_api_base: Base = Field("https://discord.com/api/v10", description="Address of Discord's REST API.")
    discord_gateway_url: Address = Field("wss://gateway.discord.gg", description="Address of Discord's gateway.")
    discord_cdn_hosts: Hosts = Field(
        ("cdn.discordapp.com", "media.discordapp.net"), description="Hosts that Discord serves attachments from."
    )

    # Slack.
    slack_bot_token: SlackBotToken | None = Field(
        None, description="Bot token (xoxb-…). Switches Slack on, with one of the next two."
    )
    slack_app_token: SlackAppToken | None = Field(None, description="App-level token (xapp-…), for Socket Mode.")
    slack_signing_secret: Secret | None = Field(None, description="Signing secret, for events over HTTP.")
    slack_client_id: str | None = Field(None, description="Client id, to be installed in many workspaces.")
    slack_client_secret: Secret | None = Field(None, description="Client secret, to be installed in many workspaces.")
    slack_http_host: str = Field("127.0.0.1", description="Address to listen on for Slack's events over HTTP.")
    slack_http_port: Port = Field(3000, description="Port to listen on for Slack's events over HTTP.")
    slack_public_url: Base | None = Field(
        None,
        description="Address (https://…) at which SLACK_HTTP_PORT is reached from outside, "
        "for the links of an installation.",
    )
    slack_api_base: Base = Field("https://slack.com/api", description="Address of Slack's Web API.")
    slack_file_hosts: Hosts = Field(
        ("files.slack.com",),
        description="Hosts that Slack serves files from; the bot token goes there and nowhere else.",
    )
    slack_avatar_hosts: Hosts = Field(
        ("avatars.slack-edge.com",), description="Hosts that Slack serves avatars from; no token goes there."
    )
    slack_response_hosts: Hosts = Field(
        ("hooks.slack.com",),
        description="Hosts that Slack takes answers at, beside that of SLACK_API_BASE; nothing is said to any other.",
    )

    # The web workspace.
    web_host: str = Field(
        "127.0.0.1", description="Address to listen on. Any but this machine's own needs WEB_PASSWORD."
    )
    web_port: Port = Field(8080, description="Port to listen on.")
    web_password: Password | None = Field(
        None,
        description="Password of the web workspace, at least 8 characters. "
        "Switches it on beside other platforms; alone, it is on anyway.",
    )

    # Safety and retention.
    allowed_url_hosts: Hosts = Field(
        (), description="Hosts that reference pictures may be fetched from when a person gives a link."
    )
    avatars: bool = Field(
        default=False,
        description="Whether mentioning somebody may bring their avatar along, where a server or workspace switches it "
        "on too; anybody can refuse.",
    )
    encryption_key: EncryptionKeys | None = Field(
        None,
        description="Fernet keys for what is kept encrypted, separated by commas: the first encrypts, all decrypt.",
    )
    conversation_ttl: int = Field(30, ge=1, description="Days that a conversation is kept after its last use.")

    # The process.
    worker_slots: int = Field(100, ge=1, description="Turns that one worker process handles at a time.")
    drain_seconds: float = Field(
        20, ge=0, description="Seconds to finish or hand over what is in flight when stopping."
    )
    health_host: str = Field("127.0.0.1", description="Address of the health and metrics page.")
    health_port: Port = Field(8081, description="Port of the health and metrics page.")
    log_level: LogLevel = Field(LogLevel.INFO, description="Least important log line to write.")
    log_format: LogFormat = Field(LogFormat.AUTO, description="console, json, or auto: console on a terminal.")

    @property
    def discord_on(self) -> bool:
        """Whether Discord's settings are present."""
        return self.discord_token is not None

    @property
    def slack_on(self) -> bool:
        """Whether Slack's settings are present, for one workspace or for many."""
        return self.slack_bot_token is not None or self.slack_client_id is not None

    @property
    def web_on(self) -> bool:
        """Whether the web workspace runs: it has a password, or there is no other platform."""
        return self.web_password is not None or not (self.discord_on or self.slack_on)

    def secrets(self) -> frozenset[str]:
        """Every value that may never be shown. Of an address only the password is one."""
        values = (value.get_secret_value() for _, value in self if isinstance(value, SecretStr))
        return frozenset(filter(None, map(secret_part, values)))

    @model_validator(mode="before")
    @classmethod
    def _choose_provider(cls, values: dict[str, Any]) -> dict[str, Any]:
        if "image_provider" not in values:
            google = values.get("gemini_api_key") or values.get("vertex_project")
            present = {"gmi": values.get("gmi_api_key"), "google": google}
            if names := [name for name, key in present.items() if key]:
                values["image_provider"] = ",".join(names)
        return values

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if problems := "\n".join(self._contradictions()):
            raise ValueError(problems)
        return self

    def _contradictions(self) -> Iterator[str]:
        if ImageProviderName.GMI in self.image_provider and not self.gmi_api_key:
            yield "IMAGE_PROVIDER has gmi, so GMI_API_KEY is needed."
        if ImageProviderName.GOOGLE in self.image_provider and not (self.gemini_api_key or self.vertex_project):
            yield "IMAGE_PROVIDER has google, so GEMINI_API_KEY or VERTEX_PROJECT is needed."
        if self.slack_bot_token and not (self.slack_app_token or self.slack_signing_secret):
            yield "SLACK_BOT_TOKEN needs SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP) beside it."
        if not self.web_password and not is_loopback(self.web_host):
            yield "WEB_HOST lets other machines in, so WEB_PASSWORD is needed."


def load_settings(env_file: Path | None = Path(".env")) -> Settings:
    """The settings from the environment, and from `env_file` where the environment is silent.

    Raises:
        SetupError: with a sentence for each bad setting, none of which shows a value.
    """
    try:
        return Settings(_env_file=env_file)
    except ValidationError as error:
        raise SetupError(*_problems(error)) from None


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_input=False):
        cause = problem.get("ctx", {}).get("error")
        reason = str(cause) if isinstance(cause, ValueError) else problem["msg"][0].lower() + problem["msg"][1:]
        if problem["loc"]:
            yield f"{str(problem['loc'][0]).upper()}: {reason}."
        else:
            yield from reason.splitlines()
