"""What the app has to be allowed to do, and what for."""

NEEDED = {
    "commands": "/imagine and the shortcuts",
    "chat:write": "posting and updating messages",
    "files:read": "the pictures that people attach",
    "files:write": "posting pictures",
    "app_mentions:read": "mentions of the app",
    "channels:history": 'replies in threads, and "this", in public channels',
    "groups:history": 'replies in threads, and "this", in private channels',
    "im:history": "direct messages",
    "mpim:history": "group messages",
    "im:write": "private pictures",
    "users:read": "names, languages and avatars of people",
}
"""Bot scopes without which something does not work."""
OPTIONAL = {"assistant:write": "the agent surface"}
"""Bot scopes that the manifest asks for and that may be refused."""


def missing(granted: frozenset[str]) -> dict[str, str]:
    """The needed scopes that were not granted, and what each is for."""
    return {scope: purpose for scope, purpose in NEEDED.items() if scope not in granted}
