"""What a submit asks for. Whatever a model does not take is rejected, as strict models do."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from core.providers.simulated.contents import Conversation, read, user_turn
from core.providers.simulated.rejection import Rejection
from core.providers.simulated.settings import ASPECT_RATIOS, SIZES, SimulatedModel


class Body(BaseModel):
    """The body of a submit."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    payload: dict[str, Any]


class Payload(BaseModel):
    """The parameters of the image models."""

    model_config = ConfigDict(extra="forbid", strict=True)

    prompt: str = ""
    image: str | list[str] = []
    aspect_ratio: str | None = None
    image_size: str = "1K"
    image_output_format: str = "png"
    contents: Any = None


def read_body(text: str) -> Body:
    """The body of a submit. Raises `Rejection`."""
    try:
        return Body.model_validate_json(text)
    except ValidationError as error:
        raise Rejection(_first(error)) from error


def read_payload(model: SimulatedModel, payload: Mapping[str, Any], secret: bytes) -> Conversation:
    """What is asked of a model. Raises `Rejection` for anything that it does not take."""
    try:
        asked = Payload.model_validate(payload)
    except ValidationError as error:
        raise Rejection(_first(error)) from error
    _check_options(model, asked)
    conversation = conversation_of(payload, secret)
    if len(conversation.prompt) > model.max_prompt:
        raise Rejection(f"prompt is longer than {model.max_prompt} characters")
    if len(conversation.references) > model.max_references:
        raise Rejection(f"image: at most {model.max_references} images are allowed for {model.id}")
    tokens = conversation.tokens(model.tokens_per_picture)
    if tokens > model.max_input_tokens:
        limit = model.max_input_tokens
        raise Rejection(f"The input token count ({tokens}) exceeds the maximum number of tokens allowed ({limit}).")
    return conversation


def conversation_of(payload: Mapping[str, Any], secret: bytes) -> Conversation:
    """What was said so far: `contents` where there is one, else `prompt` and `image`. Raises `Rejection`."""
    if payload.get("contents") is not None:
        return read(payload["contents"], secret)
    prompt, image = payload.get("prompt", ""), payload.get("image", [])
    if not prompt.strip():
        raise Rejection("prompt is required")
    links = tuple(link for link in ([image] if isinstance(image, str) else image) if link)
    return Conversation([], user_turn(prompt, links), prompt, links, "", links)


def pixels(payload: Mapping[str, Any], scale: float, like: tuple[int, int] | None) -> tuple[int, int]:
    """Width and height to draw, `like` being those of the picture that is edited, whose shape is kept unless told."""
    ratio = payload.get("aspect_ratio")
    if ratio:
        width, height = ASPECT_RATIOS[ratio]
    elif like:
        width, height = min(ASPECT_RATIOS.values(), key=lambda size: abs(size[0] / size[1] - like[0] / like[1]))
    else:
        width, height = ASPECT_RATIOS["1:1"]
    factor = SIZES[payload.get("image_size", "1K")] * scale
    return max(16, round(width * factor)), max(16, round(height * factor))


def _check_options(model: SimulatedModel, asked: Payload) -> None:
    given = asked.model_fields_set
    for name, value, allowed in (
        ("aspect_ratio", asked.aspect_ratio, model.aspect_ratios),
        ("image_size", asked.image_size, model.sizes),
        ("image_output_format", asked.image_output_format, model.formats),
    ):
        if name not in given:
            continue
        if not allowed:
            raise Rejection(f"Unknown parameter: {name}")
        if value not in allowed:
            raise Rejection(f"{name}: must be one of {', '.join(allowed)}")


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(step) for step in found["loc"])
    return f"Unknown parameter: {place}" if found["type"] == "extra_forbidden" else f"{place}: {found['msg']}"
