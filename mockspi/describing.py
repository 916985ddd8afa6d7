"""Contracts and events described for people and programs: the overview, and one with its fields and examples."""

from __future__ import annotations

import json
from pathlib import Path

from mockspi import connectors, examples
from mockspi.contract import Contract
from mockspi.contracts import SPIS, named
from mockspi.contracts.events import EVENTS
from mockspi.event import Event
from mockspi.exchange import Json
from mockspi.fixtures.layout import layout
from mockspi.fixtures.reading import FixtureSet, open_set
from mockspi.routes import RouteTable, sample_query
from mockspi.schema import Field, Many, Part, Shape, did_you_mean
from mockspi.settings import Settings
from mockspi.webhooks import making


def routes(settings: Settings) -> RouteTable:
    """Where everything is reached under these settings."""
    file = settings.connectors
    placed = connectors.read(Path(file).expanduser(), SPIS) if file else []
    return RouteTable(SPIS, settings.base_path, settings.api_version, placed)


def overview(settings: Settings) -> list[Json]:
    """A row for each contract."""
    table = routes(settings)
    return [row(contract, table) for contract in SPIS]


def row(contract: Contract, table: RouteTable) -> Json:
    """What a contract is called, how it is called, and where that is known from."""
    found = table.paths(contract)
    extra = sample_query(contract, SPIS)
    return {
        "id": contract.id,
        "endpointName": contract.name,
        "operation": contract.operation,
        "integrationType": contract.integration,
        "path": contract.path,
        "samplePath": contract.sample + "".join(f"?{name}={value}" for name, value in extra.items()),
        "paths": [f"{contract.method} {route.path}" for route in found],
        "source": contract.source,
        "legacy": contract.legacy,
        "about": contract.about,
    }


def near(name: str) -> str:
    """The endpoint that was probably meant."""
    return did_you_mean(name.upper(), [name for one in SPIS for name in (one.name, one.id, *one.also)])


def details(name: str, settings: Settings) -> list[Json]:
    """Everything about the contracts with a name; none where nothing is called so."""
    table, played = routes(settings), open_set(settings.fixtures).examples()
    found = []
    for contract in named(name) or named(name.upper()):
        shown = [
            {"title": one.title, "request": one.request, "reply": one.reply, **({"after": list(one.after)} if one.after else {})}
            for one in examples.of(contract, played)
        ]
        found.append(
            {
                **row(contract, table),
                "request": fields(contract.body or contract.query),
                "reply": fields(contract.reply),
                "businessErrors": [
                    {"errorCode": one.code, "about": " ".join((one.__doc__ or "").split())} for one in contract.fails
                ],
                "examples": shown,
            }
        )
    return found


def fields(shape: type[Shape] | None) -> list[Json]:
    """The members of a shape: name, type, whether it must be there, and where we have it from."""
    declared = shape.fields if shape else {}
    return [
        {
            "name": name,
            "type": type(field).__name__,
            **({"of": inner.__name__} if (inner := nested(field)) else {}),
            **({"null": True} if field.allow_none else {}),
            "required": field.required,
            "source": field.metadata.get("x-source", shape.SOURCE if shape else ""),
            **({"about": field.metadata["description"]} if "description" in field.metadata else {}),
        }
        for name, field in declared.items()
    ]


def as_text(found: Json) -> str:
    """One contract for a person."""
    lines = [f"{found['id']}  ({found['integrationType']}, source: {found['source']}{', legacy' if found['legacy'] else ''})"]
    lines += [found["about"], "", "Paths", *(f"  {path}" for path in found["paths"])]
    for title in ("request", "reply"):
        lines += ["", title.capitalize(), *(_field(one) for one in found[title])]
    lines += ["", "Business errors (HTTP 200)", *(f"  {one['errorCode']}: {one['about']}" for one in found["businessErrors"])]
    for one in found["examples"]:
        request = {"path": found["path"], **one["request"]}
        lines += ["", f"Example: {one['title']}", _indented("request", request), _indented("reply", one["reply"])]
    return "\n".join(lines)


def events() -> list[Json]:
    """A row for each event."""
    return [event_row(event) for event in EVENTS]


def event_row(event: Event) -> Json:
    """What an event is called, who sends it, when, and where that is known from."""
    return {
        "id": event.id,
        "name": event.name,
        "platform": event.platform,
        "version": event.version,
        "methods": list(event.methods),
        "events": list(event.inside),
        "source": event.source,
        "about": event.about,
    }


def event_details(event: Event, found: FixtureSet) -> Json:
    """Everything about an event: its body's shape, the shapes in it, its examples."""
    parts = {shape.__name__: fields(shape) for shape in shapes(event.body)}
    return {**event_row(event), "body": event.body.__name__, "shapes": parts, "examples": making.examples(event, found)}


def shapes(shape: type[Shape]) -> list[type[Shape]]:
    """A shape and every shape in it, each once, outer ones first."""
    found = [shape]
    for one in found:
        found += [inner for field in one.fields.values() if (inner := nested(field)) and inner not in found]
    return found


def nested(field: Field) -> type[Shape] | None:
    """The shape that a field, or each entry of its list, has."""
    inner = field.inner if isinstance(field, Many) else field
    return inner.nested if isinstance(inner, Part) else None


def event_as_text(told: Json) -> str:
    """One event for a person."""
    inside = [f"Events: {', '.join(told['events'])}"] if told["events"] else []
    lines = [f"{told['id']}  ({', '.join(told['methods'])}, source: {told['source']})", told["about"], *inside]
    for name, members in told["shapes"].items():
        lines += ["", name, *map(_field, members)]
    for name, one in told["examples"].items():
        lines += ["", f"Example {name}: {one['about']}", _indented("body", one["body"])]
    return "\n".join(lines)


def _field(one: Json) -> str:
    need = "required" if one["required"] else "optional"
    kind = one["type"] + (f" of {one['of']}" if "of" in one else "") + " or null" * one.get("null", False)
    return f"  {one['name']}: {kind}, {need}, {one['source']}" + (f" - {one['about']}" if "about" in one else "")


def _indented(title: str, value: Json) -> str:
    text = layout(value).rstrip() if len(json.dumps(value)) > 100 else json.dumps(value, ensure_ascii=False)
    return "\n".join(f"  {line}" for line in f"{title}: {text}".splitlines())
