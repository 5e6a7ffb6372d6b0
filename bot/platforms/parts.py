"""What a platform is made from."""

import base64
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.settings import Settings
from bot.wiring import Core
from core.fetching import Fetcher

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Parts:
    """What a platform is made from.

    `stop` ends the process with a sentence, for a platform that cannot go on; `simulated` says that no picture is real.
    """

    settings: Settings
    core: Core
    fetcher: Fetcher
    stop: Callable[[str], None]
    simulated: bool


def cipher(settings: Settings, token: str) -> MultiFernet:
    """What tokens are kept encrypted with: ENCRYPTION_KEY, or a key made from a token that only we have."""
    if settings.encryption_key:
        keys = settings.encryption_key.get_secret_value().split(",")
        return MultiFernet([Fernet(key.strip()) for key in keys])
    made = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"imagine-bot tokens at rest").derive(token.encode())
    return MultiFernet([Fernet(base64.urlsafe_b64encode(made))])
