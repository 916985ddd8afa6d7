"""What holds for every event at once; no event is named here."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import ROOT
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from mockspi.conforming import Held, conforms
from mockspi.contracts.events import EVENTS, named, spellings
from mockspi.describing import nested, shapes
from mockspi.event import PLATFORMS, Event
from mockspi.openapi.webhooks import webhooks
from mockspi.schema import Anything, Field, Flag, Many, Part, Shape, Strangers, Text, problems
from mockspi.webhooks.making import chosen, examples, make

each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda one: one.id)
SHAPES = list(dict.fromkeys(shape for event in EVENTS for shape in shapes(event.body)))
DOCUMENT = json.loads((ROOT / "openapi" / "webhooks.json").read_text("utf-8"))
PAGE = (ROOT / "docs" / "events.md").read_text("utf-8")
Place = tuple[str | int, ...]


def bodies(event: Event) -> list[Any]:
    """What its examples post."""
    return [one["body"] for one in examples(event).values()]


def places(shape: type[Shape], value: Any, at: Place = ()) -> Iterator[tuple[Place, type[Shape], Field]]:
    """Every place of a document that a field declares, with the shape around it."""
    for name, field in shape.fields.items():
        if not isinstance(value, dict) or name not in value:
            continue
        yield (*at, name), shape, field
        inner = nested(field)
        many = isinstance(field, Many) and isinstance(value[name], list)
        for index, member in enumerate(value[name]) if many else [(None, value[name])]:
            if inner:
                yield from places(inner, member, (*at, name) if index is None else (*at, name, index))


def new_places() -> dict[str, list[tuple[Any, Place, type[Shape], Field]]]:
    """For each event the bodies and places whose member no event before it has shown: each member is broken once."""
    seen: set[tuple[type[Shape], str]] = set()
    found: dict[str, list[tuple[Any, Place, type[Shape], Field]]] = {event.id: [] for event in EVENTS}
    for event in EVENTS:
        for body in bodies(event):
            for place, shape, field in places(event.body, body):
                if (shape, str(place[-1])) not in seen:
                    seen.add((shape, str(place[-1])))
                    found[event.id].append((body, place, shape, field))
    return found


def changed(body: Any, place: Place, *value: Any) -> Any:
    """The body with something else at a place, or nothing."""
    body = copy.deepcopy(body)
    around = body
    for step in place[:-1]:
        around = around[step]
    if value:
        around[place[-1]] = value[0]
    else:
        del around[place[-1]]
    return body


def pointer(place: Place) -> str:
    return "".join(f"/{step}" for step in place)


def wrong(field: Field) -> Any:
    """Something of another type."""
    return 5 if isinstance(field, (Text, Part, Many, Flag)) else "5"


NEW = new_places()


@each_event
def test_it_has_examples_that_keep_its_shape_and_one_of_each_event_inside_of_it(event: Event) -> None:
    shown = examples(event)
    assert shown
    for name, one in shown.items():
        assert one["about"].endswith("."), name
        assert problems(event.body, one["body"]) == []
        assert Strangers(closed=True).find(event.body, one["body"]) == []
        assert conforms(event.body, one["body"], Held.KEPT)
        assert make(event, example=name) == one["body"]
    if event.inside:
        assert {body["eventType"] for body in bodies(event)} == set(event.inside)


@each_event
def test_each_required_member_that_is_missing_is_found(event: Event) -> None:
    for body, place, shape, field in NEW[event.id]:
        found = [one.path for one in problems(event.body, changed(body, place))]
        if field.required:
            assert pointer(place) in found, (shape, place)
        elif place[-1] not in shape.ONE_OF:
            assert found == [], (shape, place)


@each_event
def test_each_member_of_a_wrong_type_is_found(event: Event) -> None:
    for body, place, _, field in NEW[event.id]:
        if not isinstance(field, Anything):
            broken = changed(body, place, wrong(field))
            assert [one for one in problems(event.body, broken) if one.path.startswith(pointer(place))], place
            assert not conforms(event.body, broken)
            nulled = changed(body, place, None)
            assert (problems(event.body, nulled) == []) is conforms(event.body, nulled) is field.allow_none


@each_event
def test_a_member_that_is_not_declared_is_a_stranger(event: Event) -> None:
    for body in bodies(event):
        assert [one.path for one in Strangers(closed=True).find(event.body, {**body, "undeclared": 1})] == ["/undeclared"]


@each_event
def test_it_is_found_by_each_of_its_names_and_belongs_to_one_platform(event: Event) -> None:
    assert event.platform in PLATFORMS
    assert event.about.endswith(".")
    assert event.source in ("seed", "public")
    for name in spellings(event):
        assert {one.platform for one in named(name)} == {event.platform}
        assert named(name.upper()) == named(name.lower()) == named(name)
        assert chosen(name).name == event.name
        assert chosen(name, event.platform).name == event.name
    assert chosen(event.id) is event


@each_event
def test_it_is_in_the_openapi_with_every_example(event: Event) -> None:
    operations = DOCUMENT["webhooks"][event.id]
    assert sorted(operations) == sorted(one.lower() for one in event.methods)
    for operation in operations.values():
        told = operation["requestBody"]["content"]["application/json"]
        assert told["schema"] == {"$ref": f"#/components/schemas/{event.body.__name__}"}
        assert {name: one["value"] for name, one in told["examples"].items()} == {
            name: one["body"] for name, one in examples(event).items()
        }
        assert operation["x-source"] == event.source
        assert operation.get("x-events", []) == list(event.inside)


@each_event
def test_an_editor_accepts_its_file_and_marks_what_is_wrong(event: Event) -> None:
    schema = json.loads((ROOT / f"fixtures/schemas/events/{event.id}.json").read_text("utf-8"))
    document = json.loads((ROOT / f"fixtures/events/{event.id}.json").read_text("utf-8"))
    assert document["$schema"] == f"../../schemas/events/{event.id}.json"
    Draft202012Validator.check_schema(schema)
    assert list(Draft202012Validator(schema).iter_errors(document)) == []
    name = next(one for one in document if one != "$schema")
    for spoiled in (5, {"about": "No body."}, {**document[name], "extra": 1}):
        assert list(Draft202012Validator(schema).iter_errors({**document, name: spoiled})) != []
    for body, place, _, field in NEW[event.id]:
        if not isinstance(field, Anything):
            spoiled = {name: {"about": "Broken.", "body": changed(body, place, wrong(field))}}
            assert not Draft202012Validator(schema).is_valid(spoiled), place


@each_event
def test_it_is_in_the_docs_with_its_body_and_examples(event: Event) -> None:
    section = PAGE[PAGE.index(f"\n## {event.id}\n") :].split("\n## ", 2)[1]
    assert event.about in section
    assert f"body: [{event.body.__name__}](#{event.body.__name__.lower()})" in section
    assert all(f"`{name}`: {one['about']}" in section for name, one in examples(event).items())
    assert all(f"`{one}`" in section for one in (*event.inside, *examples(event)))


@pytest.mark.parametrize("shape", SHAPES, ids=lambda one: one.__name__)
def test_every_member_of_a_body_says_where_it_comes_from_in_docs_and_openapi(shape: type[Shape]) -> None:
    section = PAGE[PAGE.index(f"\n## {shape.__name__}\n") :].split("\n## ", 2)[1]
    for name, field in shape.fields.items():
        source = field.metadata.get("x-source", shape.SOURCE)
        assert source in ("seed", "public", "assumed")
        assert any(f"| `{name}` |" in line and f"| {source} |" in line for line in section.splitlines())
        assert DOCUMENT["components"]["schemas"][shape.__name__]["properties"][name]["x-source"] == source


def test_every_member_that_a_platform_itself_names_is_shown_in_an_example() -> None:
    shown = {
        (found, place[-1])
        for event in EVENTS
        for body in bodies(event)
        for place, shape, _ in places(event.body, body)
        for found in shape.__mro__
    }
    missing = [
        f"{shape.__name__}.{name}"
        for shape in SHAPES
        for name, field in shape.fields.items()
        if field.metadata.get("x-source", shape.SOURCE) == "seed"
        and not any((one, name) in shown for one in shape.__mro__ if name in getattr(one, "fields", ()))
    ]
    assert missing == []


def test_the_openapi_is_valid_and_holds_nothing_else() -> None:
    assert not list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors())
    assert list(DOCUMENT["webhooks"]) == [event.id for event in EVENTS]
    assert webhooks() == DOCUMENT
    told = [operation["operationId"] for one in DOCUMENT["webhooks"].values() for operation in one.values()]
    assert len(told) == len(set(told))
