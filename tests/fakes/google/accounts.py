"""Who may call: an API key, or a token that a service account was given for a signed assertion."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.fakes.google.faults import Refusal, because

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
WORKLOAD = "the workload's own token"
AWS_REQUEST = "urn:ietf:params:aws:token-type:aws4_request"
AWS_KEY = "AKIDFOX"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
KEY_INVALID = "API key not valid. Please pass a valid API key."


@cache
def private_key() -> rsa.RSAPrivateKey:
    """The account's key: made once, since that takes a moment."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


@dataclass(slots=True)
class Accounts:
    """The key and the service account that are let in. `refuses` lets no account have a token."""

    key: str = field(default_factory=lambda: f"AIza{secrets.token_hex(16)}")
    email: str = "painter@fox-1.iam.gserviceaccount.com"
    tokens: set[str] = field(default_factory=set)
    given: int = 0
    refuses: bool = False

    def check_key(self, headers: Mapping[str, str], query: Mapping[str, str]) -> None:
        """Let a key in. Raises `Refusal`."""
        if "key" in query or headers.get("x-goog-api-key") != self.key:
            raise Refusal(400, KEY_INVALID, because("API_KEY_INVALID"))

    def check_token(self, headers: Mapping[str, str]) -> None:
        """Let a token in. Raises `Refusal`."""
        if headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            raise Refusal(
                401, "Request had invalid authentication credentials.", because("ACCESS_TOKEN_TYPE_UNSUPPORTED")
            )

    def file(self, token_uri: str) -> str:
        """The service account's JSON file."""
        pem = private_key().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return json.dumps(
            {
                "type": "service_account",
                "project_id": "fox-1",
                "private_key_id": "1",
                "private_key": pem.decode(),
                "client_email": self.email,
                "client_id": "1",
                "token_uri": token_uri,
            }
        )

    def grant(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """Give a token for an assertion that the account has signed."""
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if self.refuses or form.get("grant_type") != GRANT or not self._signed(form.get("assertion", "")):
            return 400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        return 200, self._token()

    def exchange(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """Give a token for one of a workload's own."""
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        known = _is_ours_at_aws if form.get("subject_token_type") == AWS_REQUEST else WORKLOAD.__eq__
        if form.get("grant_type") != EXCHANGE or not known(form.get("subject_token", "")):
            return 400, {"error": "invalid_grant", "error_description": "The subject token is not known."}
        return 200, {**self._token(), "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}

    def workload_file(self, token_url: str, subject_file: str) -> str:
        """The JSON file of a workload identity, whose own token is in a file."""
        return _external("urn:ietf:params:oauth:token-type:jwt", token_url, {"file": subject_file})

    def aws_file(self, token_url: str) -> str:
        """The JSON file of a workload that runs at AWS, where its own identity is in the environment."""
        verified_at = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
        return _external(
            AWS_REQUEST, token_url, {"environment_id": "aws1", "regional_cred_verification_url": verified_at}
        )

    def _token(self) -> dict[str, Any]:
        token = f"ya29.{secrets.token_hex(16)}"
        self.tokens.add(token)
        self.given += 1
        return {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}

    def _signed(self, assertion: str) -> bool:
        try:
            told, signature = assertion.rsplit(".", 1)
            claims = json.loads(_bytes(told.split(".")[1]))
            private_key().public_key().verify(_bytes(signature), told.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, IndexError, InvalidSignature):
            return False
        return bool(claims.get("iss") == self.email and SCOPE in claims.get("scope", ""))


def _external(kind: str, token_url: str, source: dict[str, str]) -> str:
    return json.dumps(
        {
            "type": "external_account",
            "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x",
            "subject_token_type": kind,
            "token_url": token_url,
            "credential_source": source,
        }
    )


def _is_ours_at_aws(signed: str) -> bool:
    """Whether it is a request that AWS would answer with who we are: Google would make it."""
    request = json.loads(unquote(signed))
    headers = {header["key"].lower(): header["value"] for header in request["headers"]}
    return request["url"].startswith("https://sts.eu-west-1.amazonaws.com") and AWS_KEY in headers["authorization"]


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
