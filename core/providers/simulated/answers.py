"""The service's JSON: records with their outcomes, and what it says of its models."""

from collections.abc import Mapping
from typing import Any

from core.providers.simulated.faults import Fate
from core.providers.simulated.requests import Record
from core.providers.simulated.settings import SimulatedModel

USER = "5f0c1d7e-simulated"
REJECTED = "Generation rejected; please review the prompt and parameters then retry"
OVERLOADED = "Upstream capacity temporarily exhausted; please retry later"
BACKEND_ERROR = "Backend error (400): upstream rejected the request"

FOREIGN_LINK = "http://169.254.169.254/latest/meta-data/picture.png"

_ERRORS: Mapping[Fate, Any] = {
    Fate.REFUSED: {"code": 400, "message": f"{REJECTED} (content policy)", "status": "PROHIBITED_CONTENT"},
    Fate.UNREADABLE: {"code": 400, "message": "failed to fetch image", "status": "INVALID_INPUT"},
    Fate.BACKEND_ERROR: {"code": 400, "message": "upstream rejected the request", "status": "INVALID_INPUT"},
    Fate.OVERLOADED: OVERLOADED,
    Fate.RATE_LIMITED: "Upstream rate limit exceeded(RPM)",
    Fate.FAILED: {"code": 500, "message": "internal generation failure", "status": "INTERNAL"},
    Fate.CANCELLED: "cancelled by operator",
}


def record_json(record: Record, now: float, *, skew: float, echo: bool, outcome: Any) -> dict[str, Any]:
    """A record as the service tells it; `outcome` is told only when it has ended."""
    status = record.status(now)
    told: dict[str, Any] = {
        "request_id": record.id,
        "org_id": record.organization,
        "user_id": USER,
        "model": record.model,
        "status": _spelt(status, record, ended=now >= record.ends_at),
        "is_public": False,
        "payload": record.payload if echo else {},
        "outcome": outcome if now >= record.ends_at else None,
        "created_at": int(record.plan.created_at + skew),
        "updated_at": int(record.updated_at(now) + skew),
        "queued_at": int(record.plan.created_at + skew),
        "qworker_id": "",
    }
    if record.fate is Fate.HISTORY_OUTSIDE and isinstance(told["outcome"], dict):
        told["next_turn_contents"] = told["outcome"].pop("next_turn_contents", None)
    return told


def outcome_json(record: Record, link: str, history: Any, picture: str) -> Any:
    """What a request came to. `picture` is base64, for results without a link."""
    if record.fate.fails:
        return {"error": _ERRORS[record.fate]}
    if record.fate is Fate.NO_OUTCOME:
        return None
    outcome: dict[str, Any] = {"request_usage": {"images": 1, "prompt_tokens": len(record.prompt) // 4 + 1}}
    if record.fate is not Fate.NO_HISTORY:
        outcome["next_turn_contents"] = history
    return outcome | _result(record, link, picture)


def _result(record: Record, link: str, picture: str) -> dict[str, Any]:
    link = FOREIGN_LINK if record.fate is Fate.FOREIGN_LINK else link
    match record.fate:
        case Fate.NO_IMAGE:
            return {"media_urls": []}
        case Fate.WORDS_ONLY:
            return {"candidates": [_candidate({"text": "I can only describe this scene, not draw it."})]}
        case Fate.INLINE:
            return {"candidates": [_candidate({"inlineData": {"mimeType": "image/png", "data": picture}})]}
        case Fate.PLAIN_LINKS:
            return {"media_urls": [link]}
        case Fate.FLAT_LINK:
            return {"image_url": link}
        case _:
            return {"media_urls": [{"id": "0", "url": link}], "thumbnail_image_url": link}


def _candidate(part: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}


def _spelt(status: str, record: Record, *, ended: bool) -> str:
    if record.fate is Fate.SHOUTED_STATUS:
        return status.upper()
    return "rehearsing" if record.fate is Fate.STRANGE_STATUS and not ended else status


def model_json(model: SimulatedModel) -> dict[str, Any]:
    """What the service says of a model."""
    return {
        "model": model.id,
        "org_id": "",
        "model_type": "image",
        "tags": ["text-to-image", "image-to-image"],
        "brief_description": "Simulated: pictures are drawn, not generated.",
        "detailed_description": f"# {model.id}\n\nCalling method: {model.delivery}",
        "modalities": {"input": ["text", "image"], "output": ["image"]},
        "parameters": _parameters(model),
        "price_info": {"price": model.price / 1_000_000, "pricing_type": "per_request", "unit": "image"},
        "pricing_details": f"${model.price / 1_000_000:.3f} per image (simulated, nothing is charged)",
        "delivery_mode": str(model.delivery),
        "host_type": "external",
        "external_provider": "simulated",
        "icon_link": "",
        "background_image_url": "",
        "qworkers": [],
        "internal_parameters": None,
        "created_at": 1_759_363_200,
        "updated_at": 1_759_363_200,
    }


def _parameters(model: SimulatedModel) -> list[dict[str, Any]]:
    """What is listed: as with the real one, the sampling parameters are among it although no payload takes them."""
    listed = [
        _parameter("prompt", "string", required=True, max_value=model.max_prompt),
        _parameter(
            "image", "array", description=f"Up to {model.max_references} image URLs", max_value=model.max_references
        ),
        _parameter("aspect_ratio", "enum", options=list(model.aspect_ratios), default_value="1:1"),
        _parameter("contents", "array", description="Multi-turn history; replaces prompt and image"),
    ]
    listed += [
        _parameter("temperature", "float", default_value=1.0, min_value=0.0, max_value=2.0),
        _parameter("topP", "float", default_value=0.95, min_value=0.0, max_value=1.0),
        _parameter("topK", "integer", default_value=64, min_value=64, max_value=64),
    ]
    if model.sizes:
        listed.append(_parameter("image_size", "enum", options=list(model.sizes), default_value="1K"))
    if model.formats:
        listed.append(_parameter("image_output_format", "enum", options=list(model.formats), default_value="png"))
    return listed


def _parameter(name: str, kind: str, *, required: bool = False, **more: Any) -> dict[str, Any]:
    told = {
        "name": name,
        "display_name": name.replace("_", " ").capitalize(),
        "description": "",
        "type": kind,
        "required": required,
        "default_value": None,
        "options": None,
        "min_value": None,
        "max_value": None,
    }
    return told | more
