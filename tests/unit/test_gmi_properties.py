"""Whatever the service says, only errors that the line knows come out, and nothing is asked for twice."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import AnswerLost, Declined, NotSent, ProviderError, Unavailable
from core.pictures import Picture
from core.ports import Job
from core.providers.gmi import GmiImages
from core.providers.gmi.answers import Rejection, rate_limit, read_submit, require, retry_after
from core.providers.gmi.complaints import ending_of
from core.providers.gmi.contents import payload_of
from core.providers.gmi.shapes import ModelInfo, ModelList, Record, RecordPage
from core.providers.gmi.statuses import is_complete, status_of
from core.providers.http import Answer
from core.providers.json_text import from_json, to_json
from core.statuses import Failed, Output, Refused, Request, Succeeded
from tests.fakes.scripted_service import Say, ScriptedService, images_of, scripted_service

MODEL = "gemini-2.5-flash-image"
WORDS = (
    "status", "request_id", "payload", "outcome", "error", "error_message", "reason", "message", "details", "code",
    "media_urls", "url", "image_url", "thumbnail_image_url", "candidates", "content", "parts", "inlineData", "data",
    "text", "thought", "next_turn_contents", "role", "fileData", "created_at", "updated_at", "requests", "has_more",
    "total", "model_ids", "models", "model", "model_type", "parameters", "name", "options", "value", "max_value",
    "price_info", "price", "rate_limit", "retry_after_ms", "limit", "interval_seconds", "upload_url", "public_url",
)  # fmt: skip
TOLD = (
    "success", "failed", "queued", "processing", "cancelled", "SUCCESS", "r-1", "https://x/y.png", "http://[", "user",
    "prompt", "image", "aspect_ratio", "16:9", "2K", "Backend error (400)", "rate limit, retry in 99999999999999 s",
    "capacity", "safety", '{"error": "x"}', '{"error"', "[[[[", base64.b64encode(b"picture").decode(), "====", "\ud800",
)  # fmt: skip
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | ANY_TEXT
    | st.sampled_from(TOLD)
)
KEYS = st.sampled_from(WORDS) | ANY_TEXT
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)


def mostly(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What it should be, and anything at all one time in six."""
    return st.integers(0, 5).flatmap(lambda lot: right if lot else JSON)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with some of these fields."""
    return st.fixed_dictionaries({}, optional={name: mostly(right) for name, right in fields.items()})


LINKS = st.sampled_from(["https://x/y.png", "http://x/z", "ftp://x", "https://"])
PARTS = st.lists(
    mostly(
        some(
            text=st.sampled_from(["", "I cannot draw that."]),
            thought=st.booleans(),
            inlineData=some(data=st.binary(max_size=8).map(lambda data: base64.b64encode(data).decode())),
            fileData=some(fileUri=st.just("") | LINKS, mimeType=st.just("image/png")),
            thoughtSignature=JSON,
        )
    ),
    max_size=3,
)
TURNS = st.lists(some(role=st.sampled_from(["user", "model"]), parts=PARTS, token=JSON), max_size=4)
OUTCOMES = some(
    media_urls=st.lists(mostly(LINKS | some(url=LINKS, id=st.just("0"))), max_size=3),
    image_url=LINKS,
    thumbnail_image_url=LINKS,
    candidates=st.lists(some(content=some(parts=PARTS), finishReason=st.sampled_from(["STOP", "SAFETY"])), max_size=2),
    next_turn_contents=TURNS,
    error=st.sampled_from(TOLD) | some(message=st.sampled_from(TOLD), code=st.integers(400, 504)),
)
MOMENTS = st.floats(1e9, 2e9) | st.integers(1_000_000_000, 2_000_000_000)
RECORDS = st.fixed_dictionaries(
    {"status": mostly(st.sampled_from(TOLD[:6])), "outcome": mostly(OUTCOMES), "request_id": mostly(st.just("r-1"))},
    optional={
        "payload": JSON,
        "created_at": mostly(MOMENTS),
        "updated_at": mostly(MOMENTS),
        "next_turn_contents": mostly(TURNS),
        "error": JSON,
    },
)
BODIES = (
    JSON
    | RECORDS
    | st.fixed_dictionaries({"requests": st.lists(RECORDS, max_size=4) | JSON, "has_more": JSON, "total": JSON})
    | st.fixed_dictionaries({"parameters": st.lists(JSON, max_size=3) | JSON, "price_info": JSON, "model_ids": JSON})
    | st.fixed_dictionaries({"error": JSON, "rate_limit": JSON})
    | st.fixed_dictionaries({"upload_url": JSON, "public_url": JSON})
)
STATUSES = st.sampled_from([200, 201, 204, 302, 400, 401, 402, 403, 404, 405, 408, 413, 422, 429, 500, 502, 503, 504])
HEADERS = st.dictionaries(st.just("Retry-After"), st.sampled_from(["", "5", "-1", "1e999", "x", "nan", "9" * 400]))


@pytest.fixture
async def service() -> AsyncIterator[ScriptedService]:
    async with scripted_service() as opened:
        yield opened


@pytest.fixture
async def images(service: ScriptedService) -> AsyncIterator[GmiImages]:
    async with images_of(service, pauses=(0.0,)) as opened:
        yield opened


def as_received(value: Any) -> Any:
    """The value as it comes out of an answer's bytes; None where they are no JSON."""
    try:
        return from_json(json.dumps(value).encode())
    except ValueError:
        return None


def outcome_of(read: Callable[[Answer], Any], answer: Answer) -> Any:
    """What was read, or the error of ours that came instead."""
    try:
        return read(answer)
    except ProviderError as error:
        return error


@settings(max_examples=150)
@given(STATUSES, BODIES, HEADERS)
def test_every_answer_to_a_submit_is_one_of_the_things_it_can_be(
    status: int, body: Any, headers: dict[str, str]
) -> None:
    answer = Answer(status, as_received(body), headers)
    assert 1 <= retry_after(answer) <= 300
    limit = rate_limit(answer)
    assert limit is None or (limit[0] >= 1 and limit[1] > 0)
    made = outcome_of(read_submit, answer)
    assert isinstance(made, Record | Rejection | NotSent | AnswerLost)
    if isinstance(made, NotSent):
        assert status >= 300
        assert made.failure.retry_after is None or 1 <= made.failure.retry_after <= 300


@settings(max_examples=150)
@given(STATUSES, BODIES)
def test_every_free_answer_is_json_or_unavailable(status: int, body: Any) -> None:
    value = outcome_of(require, Answer(status, as_received(body)))
    assert isinstance(value, Unavailable) or (isinstance(value, dict | list) and status < 300)


@settings(max_examples=200)
@given(RECORDS.map(lambda record: record | {"status": "success"}) | RECORDS | JSON)
def test_every_record_has_a_status_and_a_success_can_be_gone_on_from(body: Any) -> None:
    record = Record.of(as_received(body))
    status = status_of(record)
    is_complete(record, status)
    if isinstance(status, Succeeded):
        assert status.outputs
        assert all(bool(output.url) != bool(output.data) for output in status.outputs)
        payload = payload_of(Job(MODEL, "go on", history=status.history))
        assert from_json(to_json(payload)) == payload
    if isinstance(status, Refused):
        assert len(status.words) <= 500


@settings(max_examples=100)
@given(BODIES)
def test_every_list_and_description_can_be_read(body: Any) -> None:
    value = as_received(body)
    assert all(isinstance(record, Record) for record in RecordPage.of(value).requests)
    assert all(isinstance(name, str) for name in ModelList.of(value).ids)
    assert isinstance(ModelInfo.of(value), ModelInfo)


@given(ANY_TEXT | st.sampled_from(TOLD) | st.lists(st.sampled_from(TOLD)).map(" ".join))
def test_every_complaint_means_something(words: str) -> None:
    assert isinstance(ending_of(words), Refused | Failed)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(STATUSES, BODIES.map(lambda body: json.dumps(body).encode()) | st.binary(max_size=40))
async def test_nothing_but_the_lines_own_errors_comes_out_of_any_call(
    service: ScriptedService, images: GmiImages, status: int, body: bytes
) -> None:
    service.heard.clear()
    say = Say(body, status)
    for place in ("POST /api/requests", "GET /api/requests", "GET /api/requests/r-1", "GET /api/models"):
        service.says(place, say)
    service.says("GET /api/models/new", say)
    service.says("POST /api/upload-url", say)
    request = Request("gmi", "new", "r-1", 0.0)
    for call in (
        images.submit(Job("new", "a fox")),
        images.look(request),
        images.recent("new", since=0.0, limit=300),
        images.models(),
        images.capabilities("new"),
        images.check("new"),
        images.upload(Picture.of(b"\x89PNG", "image/png", (1, 1))),
        images.download(Output(body.decode("latin-1"))),
        images.readable(body.decode("latin-1")),
    ):
        try:
            await call
        except (ProviderError, Declined):
            continue
    assert len(service.at("POST /api/requests")) == 1


@pytest.mark.parametrize("place", ["payload", "error", "history"])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"error":', "}")], ids=["lists", "objects"])
@given(depth=st.integers(1, 3000))
def test_no_depth_breaks_anything(place: str, opening: str, closing: str, depth: int) -> None:
    deep = opening * depth + "1" + closing * depth
    history = f'[{{"role": "model", "x": {deep}}}]' if place == "history" else "[]"
    error, payload = (deep if place == name else "1" for name in ("error", "payload"))
    outcome = f'{{"url": "https://x/y", "next_turn_contents": {history}, "error": {error}}}'
    try:
        body = from_json(f'{{"status": "success", "outcome": {outcome}, "payload": {{"x": {payload}}}}}')
    except ValueError:
        return
    record = Record.of(body)
    status = status_of(record)
    assert isinstance(status, Succeeded)
    assert to_json(payload_of(Job(MODEL, "go on", history=status.history)))
    assert isinstance(status_of(Record.of({**body, "status": "failed"})), Refused | Failed)
