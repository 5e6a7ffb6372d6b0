"""Requests held against Discord's own API document, where it lies beside the project.

The document misses two things that Discord refuses or ignores silently, so they are added here: content of more than
2,000 characters, and fields that no schema names (a misspelt field is otherwise never noticed).
"""

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs

DOCUMENT = Path(__file__).parents[3].parent / "shared" / "data" / "discord-openapi.json"
CONTENT_LIMIT = 2000
# discord.py sends these along, and Discord passes over them: `tts` in edits, what an object it fetched had besides.
# `nsfw` of a command is documented elsewhere.
_PASSED_OVER = re.compile(
    r"(.*\.)?tts"
    r"|\[\d+\]\.nsfw"
    r"|(.*\.)?embeds\[\d+\]\.(flags|type)"
    r"|(.*\.)?attachments\[\d+\]\.(url|proxy_url|size|width|height|content_type|spoiler|ephemeral|title|flags)"
)

Schema = dict[str, Any]


@functools.cache
def _document() -> Schema:
    document: Schema = json.loads(DOCUMENT.read_text())
    # discord.py sends ids of attachments as numbers; Discord takes both.
    document["components"]["schemas"]["SnowflakeType"] = {"type": ["string", "integer"], "pattern": "^(0|[1-9][0-9]*)$"}
    return document


@functools.cache
def _body_schema(method: str, template: str) -> Schema | None:
    operation = _document()["paths"].get(template, {}).get(method.lower(), {})
    content = operation.get("requestBody", {}).get("content", {})
    schema: Schema | None = content.get("application/json", {}).get("schema")
    return schema


@functools.cache
def _validator(method: str, template: str) -> jsonschema_rs.Draft202012Validator:
    schema = _body_schema(method, template)
    return jsonschema_rs.Draft202012Validator({"allOf": [schema], "components": _document()["components"]})


def available() -> bool:
    """Whether the API document is there to check against."""
    return DOCUMENT.is_file()


def violations(method: str, template: str, body: Any) -> list[str]:
    """What in this JSON body Discord's document does not allow; one sentence each."""
    found = [f"content has {len(text)} characters, at most {CONTENT_LIMIT}" for text in _long_contents(body)]
    if not available():
        return found
    schema = _body_schema(method, template)
    if schema is None:
        return [*found, f"takes no JSON body: {str(body)[:100]}"] if body else found
    for error in _validator(method, template).iter_errors(body):
        where = "/".join(str(part) for part in error.instance_path)
        found.append(f"{where or 'body'}: {error.message[:300]}")
    found += [f"unknown field {field}" for field in _unknown(body, [schema], "")]
    return found


def _long_contents(body: Any) -> Iterator[str]:
    if not isinstance(body, dict):
        return
    for part in (body, body.get("data")):
        content = part.get("content") if isinstance(part, dict) else None
        if isinstance(content, str) and len(content) > CONTENT_LIMIT:
            yield content


def _unknown(value: Any, schemas: list[Schema], where: str) -> Iterator[str]:
    options = [option for schema in schemas for option in _alternatives(schema)]
    if isinstance(value, list):
        items = [option["items"] for option in options if isinstance(option.get("items"), dict)]
        for index, item in enumerate(value):
            yield from _unknown(item, items, f"{where}[{index}]")
    if not isinstance(value, dict) or any(option.get("additionalProperties") for option in options):
        return
    properties: dict[str, list[Schema]] = {}
    for option in options:
        for name, schema in option.get("properties", {}).items():
            properties.setdefault(name, []).append(schema)
    if not properties:
        return
    for name, item in value.items():
        if name in properties:
            yield from _unknown(item, properties[name], f"{where}.{name}")
        elif not _PASSED_OVER.fullmatch(f"{where}.{name}".removeprefix(".")):
            yield f"{where}.{name}".removeprefix(".")


def _alternatives(schema: Schema) -> Iterator[Schema]:
    if "$ref" in schema:
        yield from _alternatives(_document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        return
    yield schema
    for word in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(word, ()):
            yield from _alternatives(part)
