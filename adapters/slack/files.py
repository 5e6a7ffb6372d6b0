"""Pictures from Slack: with the workspace's token, from Slack's own hosts, and told apart from its login page."""

from collections.abc import Collection
from typing import Any

from adapters.slack.web_api import Refused, WebApi
from core.errors import PlatformBusy, PlatformGone
from core.fetching import Fetcher, FetchFailed, FetchProblem
from core.turns import Reference, Source

RETRY_SECONDS = 2.0
LOOSE = "loose"
"""The `message` of a picture that was given in a form: it is found by its file alone."""
_REASONS = {
    FetchProblem.TOO_LARGE: "too_large_bytes",
    FetchProblem.NOT_ALLOWED: "not_allowed",
    FetchProblem.LOGIN_PAGE: "login_page",
    FetchProblem.DENIED: "login_page",
}
_STALE = frozenset({FetchProblem.GONE, FetchProblem.LOGIN_PAGE, FetchProblem.DENIED})


class Files:
    """Fetches what people and we have posted.

    `hosts` are those that Slack serves files from, `avatar_hosts` those for avatars, which get no token of ours.
    """

    def __init__(
        self, api: WebApi, fetcher: Fetcher, hosts: Collection[str], avatar_hosts: Collection[str] = ()
    ) -> None:
        self._api = api
        self._fetcher = fetcher
        self._hosts = hosts
        self._avatar_hosts = avatar_hosts

    async def fetch(self, reference: Reference, workspace: str) -> bytes:
        """The bytes of a file. Raises `PlatformGone` and `PlatformBusy`."""
        if reference.source is Source.AVATAR:
            try:
                return await self._fetcher.fetch_trusted(reference.url, self._avatar_hosts)
            except FetchFailed as failure:
                raise _meaning(failure) from failure
        if reference.url:
            try:
                return await self._download(workspace, reference.url)
            except FetchFailed as failure:
                if failure.problem not in _STALE:
                    raise _meaning(failure) from failure
        url = await self._address(workspace, reference.attachment)
        try:
            return await self._download(workspace, url)
        except FetchFailed as failure:
            raise _meaning(failure) from failure

    async def _download(self, workspace: str, url: str) -> bytes:
        try:
            installation = await self._api.installation(workspace)
        except Refused as refused:
            raise PlatformGone(str(refused), reason="gone") from None
        headers = {"Authorization": f"Bearer {installation.token}"}
        return await self._fetcher.fetch_trusted(url, self._hosts, headers=headers)

    async def _address(self, workspace: str, file: str) -> str:
        """Where a file is now, by its id; what Slack Connect shows of a file is no more than that."""
        try:
            answer = await self._api.call(workspace, "files.info", file=file)
        except Refused as refused:
            reason = "login_page" if refused.code == "missing_scope" else "gone"
            raise PlatformGone(str(refused), reason=reason) from None
        described: dict[str, Any] = answer.get("file") or {}
        if described.get("mode") == "tombstone":
            raise PlatformGone("a file was deleted", reason="gone")
        if described.get("is_external") or described.get("mode") == "external":
            raise PlatformGone("a file is kept outside Slack", reason="elsewhere")
        url = str(described.get("url_private") or "")
        if not url:
            raise PlatformGone("a file has no address", reason="gone")
        return url


def _meaning(failure: FetchFailed) -> PlatformBusy | PlatformGone:
    if failure.retryable:
        return PlatformBusy(RETRY_SECONDS)
    reason = _REASONS.get(failure.problem, "gone")
    return PlatformGone(f"a file could not be fetched: {failure.problem}", reason=reason)


def references_of(files: Any, channel: str = "", message: str = "") -> tuple[Reference, ...]:
    """The files of a message, or of a form, as references; only Slack's own keep a link."""
    found = []
    for file in files or ():
        if not isinstance(file, dict) or not file.get("id"):
            continue
        own = not (file.get("is_external") or file.get("mode") in ("external", "file_access", "tombstone"))
        url = str(file.get("url_private") or "") if own else ""
        name = str(file.get("name") or file.get("title") or file["id"])
        found.append(Reference(name[:200], url, channel, message or LOOSE, str(file["id"])))
    return tuple(found)
