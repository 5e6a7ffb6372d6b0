"""What the values of settings look like, as people write them in an environment.

Every message completes a sentence that begins with the setting's name, and shows nothing of the value.
"""

import base64
import ipaddress
import json
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from core.prices import Price

MICRO = 1_000_000
"""Micro-dollars in a dollar."""
SHORTEST_PASSWORD = 8
FERNET_KEY_BYTES = 32


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def secret_part(value: str) -> str:
    """What of a secret setting may not be shown: of an address the password, of all else everything."""
    return unquote(urlsplit(value).password or "") if "://" in value else value


def micro_dollars(value: object) -> object:
    """What is written in dollars, in micro-dollars; numbers of our own are micro-dollars already."""
    if not isinstance(value, str):
        return value
    try:
        amount = Decimal(value.strip().removeprefix("$")) * MICRO
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or not 0 <= amount <= MICRO**2:
        raise ValueError("must be an amount of dollars such as 10 or 0.039")
    return int(amount)


def _prices(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        table = json.loads(value, parse_float=str, parse_int=str, parse_constant=str)
        return {model: _price_list(prices) for model, prices in table.items()}
    except (ValueError, TypeError, AttributeError, KeyError):
        raise ValueError(
            'must be JSON such as {"gemini-2.5-flash-image": 0.039}, '
            'or {"gemini-3-pro-image": [{"from": "2026-12-01", "price": 0.13, "sizes": {"4K": 0.24}}]}'
        ) from None


def _price_list(prices: Any) -> tuple[Price, ...]:
    """One price for good, or several with the days from which each counts. Raises ValueError and its like."""
    if isinstance(prices, str):
        return (Price(_amount(prices)),)
    return tuple(
        Price(
            _amount(price["price"]),
            date.fromisoformat(price["from"]) if "from" in price else date.min,
            {size: _amount(amount) for size, amount in price.get("sizes", {}).items()},
        )
        for price in prices
    )


def _amount(value: object) -> int:
    amount = micro_dollars(value)
    if not isinstance(amount, int):
        raise TypeError
    return amount


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _safe_address(url: str) -> str:
    """As it was written. Unencrypted ones only on this machine, because they carry tokens."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if not host or parts.scheme not in ("http", "https", "ws", "wss"):
        raise ValueError("must be an address such as https://example.com")
    if parts.username or parts.password:
        raise ValueError("must not hold a user name or password")
    if parts.scheme in ("http", "ws") and not is_loopback(host):
        raise ValueError("must be encrypted (https or wss), because a token is sent there")
    return url


def _safe_base(url: str) -> str:
    """What paths are put behind: without a slash at its end."""
    return _safe_address(url).rstrip("/")


def _hosts(value: object) -> object:
    if isinstance(value, str):
        return tuple(host.strip().lower() for host in value.split(",") if host.strip())
    return value


def listed(value: object) -> object:
    """Several values as one writes them: separated by commas, each once."""
    if isinstance(value, str):
        return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    return value


def _plain_host(host: str) -> str:
    name, _, port = host.partition(":")  # this machine's own may have one: doubles of the services are there
    if any(sign in name for sign in "/@*? ") or (":" in host and not (port.isdigit() and is_loopback(name))):
        raise ValueError("must be exact host names without scheme, port or path, separated by commas")
    return host


def _checked(is_right: Callable[[str], bool], must: str) -> AfterValidator:
    def check(secret: SecretStr) -> SecretStr:
        if not is_right(secret.get_secret_value()):
            raise ValueError(must)
        return secret

    return AfterValidator(check)


def _are_fernet_keys(text: str) -> bool:
    try:
        return all(len(base64.urlsafe_b64decode(key.strip())) == FERNET_KEY_BYTES for key in text.split(","))
    except ValueError:
        return False


Secret = Annotated[SecretStr, BeforeValidator(_stripped)]
RedisUrl = Annotated[
    Secret,
    _checked(
        lambda url: url.startswith(("redis://", "rediss://", "unix://")),
        "must begin with redis://, rediss:// or unix://",
    ),
]
SlackBotToken = Annotated[Secret, _checked(lambda token: token.startswith("xoxb-"), "must begin with xoxb-")]
SlackAppToken = Annotated[Secret, _checked(lambda token: token.startswith("xapp-"), "must begin with xapp-")]
Password = Annotated[
    Secret,
    _checked(lambda word: len(word) >= SHORTEST_PASSWORD, f"must have at least {SHORTEST_PASSWORD} characters"),
]
EncryptionKeys = Annotated[
    Secret,
    _checked(
        _are_fernet_keys, "must be 32 random bytes in URL-safe base64, as `openssl rand -base64 32 | tr +/ -_` makes"
    ),
]
Address = Annotated[str, BeforeValidator(_stripped), AfterValidator(_safe_address)]
Base = Annotated[str, BeforeValidator(_stripped), AfterValidator(_safe_base)]
Hosts = Annotated[tuple[Annotated[str, AfterValidator(_plain_host)], ...], NoDecode, BeforeValidator(_hosts)]
MicroDollars = Annotated[int, Field(ge=0), BeforeValidator(micro_dollars)]
Prices = Annotated[Mapping[str, tuple[Price, ...]], NoDecode, BeforeValidator(_prices)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(listed)]
Port = Annotated[int, Field(ge=0, le=65_535)]
