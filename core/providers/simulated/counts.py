"""What the service was asked, so that tests can hold its clients to their promises."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """Calls since the start. `posts` are submits as they arrived, `submits` those that made a request."""

    posts: int = 0
    submits: int = 0
    looks: int = 0
    lists: int = 0
    models: int = 0
    grants: int = 0
    uploads: int = 0
    downloads: int = 0
    unauthorized: int = 0
    keys_sent_to_storage: int = 0
    """Calls of the storage that had an Authorization header: a leak of the key."""
