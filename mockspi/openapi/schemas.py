"""The shapes as JSON Schema, for the editors of those who write fixture files."""

from __future__ import annotations

from typing import Any

from mockspi.contracts.collections import KINDS
from mockspi.contracts.events import EVENTS
from mockspi.event import Event
from mockspi.exchange import Json
from mockspi.openapi import new_spec, summary
from mockspi.schema import Shape
from mockspi.schema.marshalled import schema_of

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def record_schemas() -> dict[str, Json]:
    """JSON Schemas of the record files, for editors: collection to schema."""
    return {kind.collection.name: _listed(kind.shape, kind.collection.name) for kind in KINDS}


def event_schemas() -> dict[str, Json]:
    """JSON Schemas of the files with examples of events, for editors: event id to schema."""
    return {event.id: _exampled(event) for event in EVENTS}


def _exampled(event: Event) -> Json:
    example = {
        "type": "object",
        "required": ["about", "body"],
        "additionalProperties": False,
        "properties": {"about": {"type": "string"}, "body": {"$ref": f"#/$defs/{event.body.__name__}"}},
    }
    return {
        "$schema": _DIALECT,
        "title": event.id,
        "description": f"{event.about} Name of an example, then what it shows and what is posted.",
        "type": "object",
        "properties": {"$schema": {"type": "string"}},
        "additionalProperties": example,
        "$defs": _definitions(event.body),
    }


def _listed(shape: type[Shape], name: str) -> Json:
    listed = {"type": "array", "items": {"$ref": f"#/$defs/{shape.__name__}"}}
    wrapped = {"type": "object", "required": ["records"], "properties": {"$schema": {"type": "string"}, "records": listed}}
    return {
        "$schema": _DIALECT,
        "title": name,
        "description": summary(shape),
        "anyOf": [listed, wrapped],
        "$defs": _definitions(shape),
    }


def document_schema(shape: type[Shape]) -> Json:
    """The JSON Schema of a file that holds one document."""
    return {"$schema": _DIALECT, "$ref": f"#/$defs/{shape.__name__}", "$defs": _definitions(shape)}


def _definitions(shape: type[Shape]) -> Json:
    spec = new_spec("", "", "1")
    spec.components.schema(shape.__name__, schema=schema_of(shape))
    return dict(_local(spec.to_dict()["components"]["schemas"]))


def _local(value: Any) -> Any:
    """References to components turned into references to $defs."""
    if isinstance(value, dict):
        return {
            name: member.replace("#/components/schemas/", "#/$defs/") if name == "$ref" else _local(member)
            for name, member in value.items()
        }
    return [_local(member) for member in value] if isinstance(value, list) else value
