"""HTTP to the app by hand: forged, stale and replayed signatures, and Slack's two probes."""

import json
import time
from dataclasses import dataclass

from tests.fakes.slack.core import Core
from tests.fakes.slack.delivery import Delivery, Kind
from tests.fakes.slack.model import Json
from tests.fakes.slack.outbox import encoded, signed


@dataclass(frozen=True, slots=True)
class Answered:
    """What the app answered to one request."""

    status: int
    text: str


class SigningByHand(Core):
    """Single requests to the app's `request_url`, outside retries and the log of deliveries."""

    async def post_signed(
        self, kind: Kind, payload: Json, *, secret: str = "", skew: float = 0.0, tamper: bool = False
    ) -> Answered:
        """POST a payload signed with another `secret`, at a time off by `skew` seconds, or changed after signing."""
        body, content_type = encoded(kind, payload)
        headers = signed(secret or self.app.signing_secret, body, time.time() + skew)
        if tamper:
            body = body.replace(b"token", b"t0ken", 1)
        return await self.post_raw(body, headers | {"Content-Type": content_type})

    async def post_raw(self, body: bytes, headers: dict[str, str]) -> Answered:
        """POST exactly these bytes and headers."""
        if self.app.request_url is None:
            raise ValueError("the app has no request_url")
        status, text, _ = await self.outbox.post(self.app.request_url, body, headers)
        return Answered(status, text)

    async def replay(self, delivery: Delivery) -> Answered:
        """Send the first HTTP attempt of a delivery again, byte for byte, as an eavesdropper would."""
        first = delivery.attempts[0]
        names = {"Content-Type", "X-Slack-Request-Timestamp", "X-Slack-Signature"}
        return await self.post_raw(first.body, {name: first.headers[name] for name in names})

    async def verify_url(self) -> bool:
        """Save the Request URL in the app's settings: true when the app answers the challenge."""
        token = self.app.verification_token
        payload = {"token": token, "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}
        answered = await self.post_signed("events_api", payload | {"type": "url_verification"})
        if answered.status != 200:
            return False
        try:
            said = json.loads(answered.text)
        except ValueError:
            return answered.text == payload["challenge"]
        return isinstance(said, dict) and said.get("challenge") == payload["challenge"]

    async def ssl_check(self) -> Answered:
        """Slack's occasional probe of a command's address; it is a POST without a signature."""
        body, content_type = encoded("slash_commands", {"ssl_check": "1", "token": self.app.verification_token})
        return await self.post_raw(body, {"Content-Type": content_type})
