"""Whom our calls to Google are from: an API key, or a token of a service account or workload identity.

google-auth is needed for tokens alone, is imported only then, and is seen through `Credentials`: it is hardly typed.
"""

import asyncio
import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import httpx
import structlog

from core.errors import Unavailable
from core.providers.http import CONNECT_SECONDS, SECONDS, UNREACHABLE_SECONDS, fits_header
from core.statuses import Failed, FailureReason

SCOPE = "https://www.googleapis.com/auth/cloud-platform"

log = structlog.get_logger()


class Credentials(Protocol):
    """What is used of google-auth's credentials of any kind."""

    token: str | None

    @property
    def quota_project_id(self) -> str | None:
        """The project that a person's own credentials are counted against; accounts have one of their own."""
        ...

    @property
    def valid(self) -> bool:
        """Whether there is a token that does not expire within minutes."""
        ...

    def refresh(self, request: Any) -> None:
        """Fetch a token, by a transport. Raises `GoogleAuthError`."""
        ...


class CredentialsError(Exception):
    """There are no credentials that could be used. Its text is a sentence for the operator, without secrets."""


class ApiKey:
    """A key of the Gemini Developer API. Raises ValueError for one that no header can carry."""

    def __init__(self, key: str) -> None:
        if not fits_header(key):
            raise ValueError("a key consists of visible ASCII characters")
        self._auth = SecretHeader("x-goog-api-key", key)

    async def auth(self) -> httpx.Auth:
        """The key, in a header: an address is logged in too many places."""
        return self._auth

    def renew(self) -> bool:
        """A key is never newer than it was."""
        return False


class Tokens:
    """Access tokens of Google Cloud, fetched when they are needed and kept until shortly before they expire."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._lock = asyncio.Lock()

    async def auth(self) -> httpx.Auth:
        """A token that is valid now. Raises `Unavailable`, with `BAD_KEY` where Google gives us none."""
        async with self._lock:
            if not self._credentials.valid:
                await asyncio.to_thread(_refresh, self._credentials)
            counted = self._credentials.quota_project_id
            more = {"x-goog-user-project": counted} if counted else {}
            return SecretHeader("Authorization", f"Bearer {self._credentials.token}", more)

    def renew(self) -> bool:
        """Have the next call fetch a new token."""
        self._credentials.token = None
        return True


async def find_credentials(file: Path | None) -> Tokens:
    """The credentials of a file, or those of the machine and its workload. Raises `CredentialsError`."""
    return Tokens(await asyncio.to_thread(_load, file))


def _load(file: Path | None) -> Credentials:
    try:
        auth: Any = import_module("google.auth")
    except ImportError as error:
        raise CredentialsError(
            "Vertex AI needs google-auth, which is not installed: `make vertex` installs it."
        ) from error
    credentials: Credentials
    try:
        if file is None:
            credentials, _ = auth.default(scopes=[SCOPE], request=_ask)
        else:
            credentials = _of_file(json.loads(file.read_text(encoding="utf-8")))
    except (auth.exceptions.GoogleAuthError, OSError, ValueError, LookupError, TypeError) as error:
        where = "GOOGLE_APPLICATION_CREDENTIALS" if file else "This machine"
        raise CredentialsError(
            f"{where} holds no Google credentials that can be used ({type(error).__name__}). Name the JSON file of a "
            "service account or of a workload identity in GOOGLE_APPLICATION_CREDENTIALS."
        ) from error
    return credentials


def _of_file(told: Any) -> Any:
    """The credentials that a file describes. Only these kinds: others may run commands that their file names."""
    match told["type"]:
        case "service_account":
            found: Any = import_module("google.oauth2.service_account")
            return found.Credentials.from_service_account_info(told, scopes=[SCOPE])
        case "external_account":
            on_aws = str(told["credential_source"].get("environment_id", "")).startswith("aws")
            found = import_module("google.auth.aws" if on_aws else "google.auth.identity_pool")
            return found.Credentials.from_info(told, scopes=[SCOPE])
        case "authorized_user":
            found = import_module("google.oauth2.credentials")
            return found.Credentials.from_authorized_user_info(told, scopes=[SCOPE])
        case _:
            raise ValueError("another kind of credentials")


def _refresh(credentials: Credentials) -> None:
    exceptions: Any = import_module("google.auth.exceptions")
    try:
        credentials.refresh(_ask)
    except exceptions.TransportError as error:
        log.warning("no token could be fetched", cause=type(error).__name__)
        raise Unavailable(Failed(FailureReason.UNREACHABLE, retry_after=UNREACHABLE_SECONDS)) from error
    except exceptions.GoogleAuthError as error:
        log.error("Google gives us no token", cause=type(error).__name__)
        raise Unavailable(Failed(FailureReason.BAD_KEY)) from error


@dataclass(frozen=True, slots=True)
class _Response:
    """What google-auth reads of an answer."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def _ask(
    url: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | None = None,
    **_: Any,
) -> _Response:
    """The transport of google-auth, in a thread of its own."""
    limits = httpx.Timeout(timeout or SECONDS, connect=CONNECT_SECONDS)
    try:
        with httpx.Client(follow_redirects=False, timeout=limits) as client:
            response = client.request(method, url, content=body, headers=headers)
    except httpx.HTTPError as error:
        raise import_module("google.auth.exceptions").TransportError(type(error).__name__) from error
    return _Response(response.status_code, response.headers, response.content)


class SecretHeader(httpx.Auth):
    """A secret, added as late as possible and visible nowhere else."""

    def __init__(self, name: str, value: str, more: Mapping[str, str] | None = None) -> None:
        self._headers = {**(more or {}), name: value}

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Called by httpx."""
        request.headers.update(self._headers)
        yield request
