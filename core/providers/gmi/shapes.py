"""What the service sends, as far as we read it.

A field that is not what it should be counts as missing: shapes differ between models and change without notice, and a
picture that was paid for must not be lost to a strange timestamp.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, Self, TypeGuard, TypeVar

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

_T = TypeVar("_T")

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,199}")
_LATEST = 1e11
_LONGEST_LINK = 8_000
_MOST_LINKS = 10


def _otherwise(default: _T) -> WrapValidator:
    """Take what fits and put the default in place of anything else."""

    def lenient(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except (ValidationError, OverflowError):
            return default

    return WrapValidator(lenient)


def _only(kind: type[_T]) -> Callable[[Any], list[_T]]:
    """The items of a list that are of one kind; none where there is no list."""
    return lambda value: [item for item in value if isinstance(item, kind)] if isinstance(value, list) else []


def _request_id(value: Any) -> str:
    """An id that can be asked for again, empty otherwise."""
    text = str(value) if isinstance(value, str | int) else ""
    return text if _REQUEST_ID.fullmatch(text) else ""


def _links(value: Any) -> list[str]:
    """The links of `media_urls`: a list of objects, of strings, or one of either."""
    items = value if isinstance(value, list) else [value]
    found = (item.get("url") if isinstance(item, dict) else item for item in items)
    return [link for link in found if _is_link(link)][:_MOST_LINKS]


def _is_link(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and value.startswith(("https://", "http://")) and len(value) <= _LONGEST_LINK


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


Text = Annotated[str, _otherwise("")]
Link = Annotated[str, BeforeValidator(lambda value: value if _is_link(value) else "")]
Links = Annotated[tuple[str, ...], _otherwise(()), BeforeValidator(_links)]
Moment = Annotated[float, Field(gt=0, lt=_LATEST)] | None
"""Seconds since the epoch."""


class Shape(BaseModel):
    """Something the service sends."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=(), populate_by_name=True)

    @classmethod
    def of(cls, value: Any) -> Self:
        """What can be read of any JSON; everything is missing where it is no object."""
        return cls.model_validate(_object(value))


class InlineData(Shape):
    """A file in the answer itself, in base64."""

    mime_type: Text = Field("", validation_alias=AliasChoices("mimeType", "mime_type"))
    data: Text = ""


class Part(Shape):
    """One piece of what the model said. A `thought` is not part of the answer."""

    text: Text = ""
    thought: Annotated[bool, _otherwise(False)] = False  # noqa: FBT003 - it is the default
    inline_data: Annotated[InlineData | None, _otherwise(None)] = Field(
        None, validation_alias=AliasChoices("inlineData", "inline_data")
    )


class Content(Shape):
    """What the model said."""

    parts: Annotated[tuple[Part, ...], BeforeValidator(_only(dict))] = ()


class Candidate(Shape):
    """One of the model's answers, and why it stopped."""

    content: Annotated[Content, BeforeValidator(_object)] = Content()
    finish_reason: Text = Field("", validation_alias=AliasChoices("finishReason", "finish_reason"))


class Outcome(Shape):
    """What a request came to."""

    media_urls: Links = ()
    image_url: Link = ""
    url: Link = ""
    thumbnail_image_url: Link = ""
    candidates: Annotated[tuple[Candidate, ...], BeforeValidator(_only(dict))] = ()
    next_turn_contents: Any = None


class Record(Shape):
    """A request. Moments are in seconds since the epoch, by the service's clock; None where it does not say."""

    request_id: Annotated[str, BeforeValidator(_request_id)] = ""
    status: Text = ""
    payload: Annotated[Any, BeforeValidator(_object)] = Field(default_factory=dict)
    outcome: Any = None
    next_turn_contents: Any = None
    created_at: Annotated[Moment, _otherwise(None)] = None
    updated_at: Annotated[Moment, _otherwise(None)] = None
    error: Any = None
    error_message: Any = None
    reason: Any = None


class RecordPage(Shape):
    """A part of the list of requests."""

    requests: Annotated[tuple[Record, ...], BeforeValidator(_only(dict))] = ()
    has_more: Annotated[bool | None, _otherwise(None)] = None
    total: Annotated[int | None, _otherwise(None)] = None


class Parameter(Shape):
    """Something that a model's payload may have."""

    name: Text = ""
    options: Annotated[tuple[Any, ...], BeforeValidator(_only(object))] = ()
    max_value: Annotated[float | None, _otherwise(None)] = None


class PriceInfo(Shape):
    """What a model costs, in dollars."""

    price: Annotated[float | None, _otherwise(None)] = None
    pricing_type: Text = ""
    unit: Text = ""


class ModelInfo(Shape):
    """What the service says of a model."""

    model_type: Text = ""
    parameters: Annotated[tuple[Parameter, ...], BeforeValidator(_only(dict))] = ()
    price_info: Annotated[PriceInfo, BeforeValidator(_object)] = PriceInfo()


class ModelList(Shape):
    """The models that the service offers: ids, or objects that have one."""

    model_ids: Annotated[tuple[Any, ...], BeforeValidator(_only(object))] = ()
    models: Annotated[tuple[Any, ...], BeforeValidator(_only(object))] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id once, in the service's order."""
        named = (_object(item).get("model") or _object(item).get("id") or item for item in self.model_ids + self.models)
        return tuple(dict.fromkeys(name for name in named if isinstance(name, str) and name))


class Grant(Shape):
    """The right to upload one file, and where it can be read afterwards."""

    upload_url: Link = ""
    public_url: Link = ""
