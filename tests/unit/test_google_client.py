"""Who we are at Google is shown to Google alone, in a header, and to nobody else whatever happens."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from core.errors import AnswerLost, NotSent, Unavailable
from core.ports import Job
from core.providers.google import ApiKey, CredentialsError, find_credentials, vertex_ai
from core.statuses import Failed, FailureReason, Request, Succeeded
from tests.fakes.google import GoogleDouble, Reply, Wire, faults
from tests.fakes.google.accounts import AWS_KEY, WORKLOAD
from tests.fakes.google.calls import MODEL, google

JOB = Job(MODEL, "a fox")


@pytest.fixture
async def double() -> AsyncIterator[GoogleDouble]:
    async with GoogleDouble() as double:
        yield double


@pytest.fixture
def account(double: GoogleDouble, tmp_path: Path) -> Path:
    pytest.importorskip("google.auth", reason="google-auth, an extra, is not installed")
    file = tmp_path / "account.json"
    file.write_text(double.accounts.file(double.token_uri))
    return file


def write(file: Path, text: str) -> None:
    file.write_text(text)


@pytest.mark.parametrize("key", ["", "two words", "schlüssel", "line\nbreak"])
def test_a_key_that_cannot_be_one_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="visible ASCII"):
        ApiKey(key)


async def test_the_key_is_in_no_address_error_or_log(double: GoogleDouble, redis_url: str) -> None:
    key = double.accounts.key
    sent: list[httpx.Request] = []
    double.faults += [
        Reply(403, faults.error(403, f"Consumer 'api_key:{key}' has been suspended.")),
        Wire.CUT_AFTER,
        faults.GATEWAY,
    ]
    with capture_logs() as logs:
        async with google(double, redis_url) as images:
            images._client._client.event_hooks = {"request": [_noting(sent)]}  # noqa: SLF001
            problems = [await _problem(images.submit(JOB)) for _ in range(3)]
            await images.models()
    assert [type(problem) for problem in problems] == [NotSent, AnswerLost, AnswerLost]
    assert key not in repr(logs) + "".join(f"{problem!r}{problem.__cause__!r}" for problem in problems)
    assert not any(key in str(request.url) for request in sent)
    assert all(request.headers["x-goog-api-key"] == key for request in sent)


def _noting(sent: list[httpx.Request]):  # type: ignore[no-untyped-def]  # noqa: ANN202
    async def note(request: httpx.Request) -> None:
        sent.append(request)

    return note


async def _problem(call: object) -> Exception:
    with pytest.raises((NotSent, AnswerLost)) as raised:
        await call  # type: ignore[misc]
    return raised.value


async def test_nothing_is_followed_to_another_host(double: GoogleDouble, redis_url: str) -> None:
    async with GoogleDouble() as elsewhere, google(double, redis_url) as images:
        double.faults.append(Reply(307, "", {"Location": f"{elsewhere.url}/v1beta/models/{MODEL}:generateContent"}))
        with pytest.raises(NotSent) as refusal:
            await images.submit(JOB)
        assert refusal.value.failure.reason is FailureReason.WRONG_HOST
        assert elsewhere.posts == 0


async def test_nobody_there_means_that_nothing_was_sent(redis_url: str) -> None:
    async with GoogleDouble() as double:
        pass
    async with google(double, redis_url) as images:
        with pytest.raises(NotSent) as refusal:
            await images.submit(JOB)
        assert refusal.value.failure == Failed(FailureReason.UNREACHABLE, retry_after=5.0)
        with pytest.raises(Unavailable):
            await images.models()


async def test_there_is_nothing_to_look_at_and_no_list(double: GoogleDouble, redis_url: str) -> None:
    async with google(double, redis_url) as images:
        submission = await images.submit(JOB)
        with pytest.raises(Unavailable):
            await images.look(Request("google", MODEL, submission.request.id, 0.0))
        assert not images.has_list
        assert list(await images.recent(MODEL, since=0.0)) == []


async def test_one_token_serves_many_calls_at_once(double: GoogleDouble, account: Path, redis_url: str) -> None:
    tokens = await find_credentials(account)
    async with google(double, redis_url, vertex=True, authority=tokens) as images:
        submissions = await asyncio.gather(*(images.submit(Job(MODEL, f"fox {n}")) for n in range(5)))
    assert all(isinstance(submission.status, Succeeded) for submission in submissions)
    assert double.accounts.given == 1


async def test_a_token_that_is_refused_is_renewed_once_and_nothing_is_drawn_twice(
    double: GoogleDouble, account: Path, redis_url: str
) -> None:
    tokens = await find_credentials(account)
    async with google(double, redis_url, vertex=True, authority=tokens) as images:
        await images.submit(JOB)
        double.accounts.tokens.clear()
        assert isinstance((await images.submit(JOB)).status, Succeeded)
        double.faults += [Reply(401, faults.error(401, "no")), Reply(401, faults.error(401, "no"))]
        with pytest.raises(NotSent) as refusal:
            await images.submit(JOB)
    assert refusal.value.failure == Failed(FailureReason.BAD_KEY)
    assert len(double.made) == 2


@pytest.mark.parametrize(("own", "let_in"), [(WORKLOAD, True), ("another's", False)])
async def test_a_workload_is_let_in_by_its_own_identity(
    double: GoogleDouble, account: Path, redis_url: str, own: str, *, let_in: bool
) -> None:
    subject = account.with_name("subject")
    write(subject, own)
    write(account, double.accounts.workload_file(f"{double.url}/sts", str(subject)))
    tokens = await find_credentials(account)
    async with google(double, redis_url, vertex=True, authority=tokens) as images:
        if let_in:
            assert isinstance((await images.submit(JOB)).status, Succeeded)
        else:
            with pytest.raises(NotSent) as refusal:
                await images.submit(JOB)
            assert refusal.value.failure == Failed(FailureReason.BAD_KEY)
    assert len(double.made) == int(let_in)


@pytest.mark.parametrize(("own", "let_in"), [(AWS_KEY, True), ("AKIDANOTHER", False)])
async def test_a_workload_at_aws_is_let_in_by_its_identity_there(
    double: GoogleDouble, account: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch, own: str, *, let_in: bool
) -> None:
    at_aws = {"AWS_ACCESS_KEY_ID": own, "AWS_SECRET_ACCESS_KEY": "hush", "AWS_REGION": "eu-west-1"}
    for name, value in at_aws.items():
        monkeypatch.setenv(name, value)
    write(account, double.accounts.aws_file(f"{double.url}/sts"))
    tokens = await find_credentials(account)
    async with google(double, redis_url, vertex=True, authority=tokens) as images:
        if let_in:
            assert isinstance((await images.submit(JOB)).status, Succeeded)
        else:
            with pytest.raises(NotSent):
                await images.submit(JOB)
    assert len(double.made) == int(let_in)


async def test_an_account_that_gets_no_token_is_a_key_that_is_not_accepted(
    double: GoogleDouble, account: Path, redis_url: str
) -> None:
    double.accounts.refuses = True
    tokens = await find_credentials(account)
    async with google(double, redis_url, vertex=True, authority=tokens) as images:
        with pytest.raises(NotSent) as refusal:
            await images.submit(JOB)
        assert refusal.value.failure == Failed(FailureReason.BAD_KEY)
    assert double.posts == 0


async def test_where_tokens_come_from_may_be_out_of_reach(account: Path, double: GoogleDouble, redis_url: str) -> None:
    write(account, double.accounts.file("http://127.0.0.1:9/token"))
    tokens = await find_credentials(account)
    async with google(double, redis_url, vertex=True, authority=tokens) as images:
        with pytest.raises(NotSent) as refusal:
            await images.submit(JOB)
    assert refusal.value.failure.reason is FailureReason.UNREACHABLE


@pytest.mark.parametrize("told", ["", "[]", "{}", '{"type": "service_account"}', '{"type": "external_account"}', "…"])
async def test_a_file_that_holds_no_credentials_is_named_and_not_shown(account: Path, told: str) -> None:
    write(account, told)
    with pytest.raises(CredentialsError, match="GOOGLE_APPLICATION_CREDENTIALS"):
        await find_credentials(account)


async def test_a_file_that_would_run_a_command_is_not_taken(account: Path) -> None:
    write(account, '{"type": "impersonated_service_account", "source_credentials": {}}')
    with pytest.raises(CredentialsError):
        await find_credentials(account)


@pytest.mark.parametrize(
    ("location", "base"),
    [
        ("global", "https://aiplatform.googleapis.com"),
        ("europe-west4", "https://europe-west4-aiplatform.googleapis.com"),
    ],
)
def test_vertex_ai_is_where_its_location_is(location: str, base: str) -> None:
    place = vertex_ai("fox-1", location)
    assert place.base_url == base
    assert place.models == f"v1beta1/projects/fox-1/locations/{location}/publishers/google/models"
