"""The contracts as OpenAPI 3.1, through apispec: the shapes become components, the examples come from the sample set."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema

import mockspi
from mockspi import examples
from mockspi.contract import Contract
from mockspi.contracts import GROUPS, SPIS
from mockspi.contracts.common import BrokenReply, RefusalReply
from mockspi.errors import Failure
from mockspi.exchange import Json
from mockspi.fixtures.reading import FixtureSet, sample_set
from mockspi.schema import Field, Integer, Many, Moment, Number, Part, Shape
from mockspi.schema.marshalled import Marshalled, field_of, schema_of

_TITLE = "Retail Cloud SPIs, as mockspi serves them"
_ABOUT = """What the merchant's side of Salesforce Retail Cloud (Point of Sale) answers.

`x-source` says where a fact comes from: `seed` is the vendor's own overview, `public` another public text,
`assumed` is mockspi's assumption in the vendor's manner. Most field schemas of the vendor are not public.

A business "no" is HTTP 200 with `errorCode` and `errorMessage`. Null members are left out. Dates are integers,
epoch milliseconds UTC. `locale` chooses the language of `errorMessage` (en, fr, de, es)."""
_SAMPLES = ((Moment, 1_800_000_000_000), (Integer, 1), (Number, 1.0))
_LOCALE = {
    "name": "locale",
    "in": "query",
    "description": "Language of errorMessage, such as fr or cb-en-us.",
    "schema": {"type": "string"},
}
_BODYLESS_400 = "The request breaks the contract; `errors` says where."


class Converter(OpenAPIConverter):
    """apispec's converter, with the marks of our fields and the openness of our shapes."""

    def schema2jsonschema(self, schema: Schema) -> Json:
        """A shape as JSON Schema."""
        found = dict(super().schema2jsonschema(schema))  # type: ignore[no-untyped-call]  # apispec leaves it untyped
        if isinstance(schema, Marshalled):
            shape = schema.shape
            found["additionalProperties"] = shape.OPEN
            if shape.ONE_OF:
                found["anyOf"] = [{"required": [name]} for name in shape.ONE_OF]
            found["description"] = summary(shape)
            for name, member in found.get("properties", {}).items():
                mark(member, shape.fields.get(name), shape)
        return found


def mark(member: Json, field: Field | None, shape: type[Shape]) -> None:
    """Say of a property where it comes from: its own mark, else its shape's; and its pattern as JSON Schema writes it."""
    if pattern := member.get("pattern"):
        member["pattern"] = f"^{pattern.removeprefix('^').removesuffix(chr(92) + 'Z')}$"
    if field is not None:
        member["x-source"] = field.metadata.get("x-source", shape.SOURCE)


class Plugin(MarshmallowPlugin):
    """apispec's marshmallow plugin with our converter."""

    Converter = Converter


def new_spec(title: str, about: str, version: str) -> APISpec:
    """An empty document whose components are our shapes under their own names."""
    return APISpec(
        title=title,
        version=version,
        openapi_version="3.1.0",
        info={"description": about, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        plugins=[Plugin(schema_name_resolver=_name)],
    )


def _name(schema: Any) -> str:
    return schema.__name__ if isinstance(schema, type) else type(schema).__name__


def spi(found: FixtureSet | None = None, base: str = "http://127.0.0.1:8080/spi/1.0") -> Json:
    """The document of every SPI, with the examples of a fixture set (the sample unless given)."""
    spec = new_spec(_TITLE, _ABOUT, mockspi.__version__)
    spec.components.security_scheme("api_key", {"type": "apiKey", "in": "query", "name": "api_key"})
    played = (found or sample_set()).examples()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # two shapes of one name would silently become Name1
        for contract in SPIS:
            spec.path(
                path=contract.path, operations={contract.method.lower(): operation(contract, examples.of(contract, played))}
            )
    spec.options["servers"] = [{"url": base, "description": "mockspi serve"}]
    spec.options["security"] = [{"api_key": []}]
    spec.options["tags"] = [{"name": group, "description": about} for group, about in GROUPS.items()]
    return dict(spec.to_dict())


def operation(contract: Contract, shown: Sequence[examples.Example]) -> Json:
    """One contract as an OpenAPI operation."""
    found: Json = {
        "operationId": contract.id,
        "tags": [contract.group],
        "summary": contract.about,
        "description": description(contract),
        "x-source": contract.source,
        "x-integration-type": contract.integration,
        "x-sample-path": contract.sample,
        "parameters": parameters(contract),
        "responses": responses(contract, shown),
    }
    if contract.body:
        bodies = {
            key(one): {"summary": one.title, "value": one.request["body"]}
            for one in shown
            if "body" in one.request and one.status == 200
        }
        sent = {"schema": schema_of(contract.body), **_examples(bodies)}
        found["requestBody"] = {"required": True, "content": {"application/json": sent}}
    if contract.legacy:
        found["deprecated"] = True
    return found


def description(contract: Contract) -> str:
    """What the summary leaves out: other names, sample path, the business errors."""
    lines = [f"Endpoint name `{contract.name}`, integration type `{contract.integration}`, sample path `{contract.sample}`."]
    if contract.operation:
        lines.append(f"Operation `{contract.operation}`: the POS appends it to the connector's base URL.")
    if contract.also:
        lines.append(f"Also known as {', '.join(f'`{name}`' for name in contract.also)}.")
    if contract.fails:
        lines.append("Business errors:\n\n" + "\n".join(f"- `{one.code}`: {about(one)}" for one in contract.fails))
    return "\n\n".join(lines)


def about(failure: type[Failure]) -> str:
    """The sentence that describes a failure."""
    return " ".join((failure.__doc__ or "").split())


def parameters(contract: Contract) -> list[Json]:
    """Path parameters, the query's fields, and locale."""
    found: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}, "x-source": "seed"}
        for name in contract.parameters
    ]
    shape = contract.query or Shape
    for name, field in shape.fields.items():
        schema = Converter("3.1.0", _name, None).field2property(field_of(field))  # type: ignore[arg-type]  # no spec: nothing nested here
        told = {"description": text} if (text := schema.pop("description", "")) else {}
        source = schema.pop("x-source", shape.SOURCE)
        found.append({"name": name, "in": "query", "required": field.required, **told, "schema": schema, "x-source": source})
    return [*found, dict(_LOCALE)]


def responses(contract: Contract, shown: Sequence[examples.Example]) -> Json:
    """200 (the reply, or a business "no"), 400, 401 without content, and what any endpoint may say."""
    good = {
        key(one): {"summary": one.title, "value": filled(one.reply["body"], contract.reply)}
        for one in shown
        if one.status == 200 and isinstance(one.reply.get("body"), dict)
    }
    bad = {
        key(one): {"summary": one.title, "value": one.reply["body"]} for one in shown if one.status == 400 and "body" in one.reply
    }
    broken = {"schema": schema_of(BrokenReply)}
    found: Json = {
        "200": {"description": f'{summary(contract.reply)} Or a business "no".', "content": content(contract, good)},
        "400": {"description": _BODYLESS_400, "content": {"application/json": {**broken, **_examples(bad)}}},
        "401": {"description": "The api_key is missing or unknown. The body is empty."},
        "404": {"description": "No endpoint has this path.", "content": {"application/json": dict(broken)}},
    }
    if contract.body or contract.method == "DELETE":
        found["413"] = {"description": "The body is too large.", "content": {"application/json": dict(broken)}}
        found["415"] = {"description": "The body is not application/json.", "content": {"application/json": dict(broken)}}
    return found


def content(contract: Contract, good: Json) -> Json:
    """The 200's media types: the reply or the refusal as alternatives, and text where the reply is text."""
    if contract.media != "application/json":
        return {contract.media: {"schema": {"type": "string"}}}
    schema: Any = schema_of(contract.reply)
    if contract.fails:
        schema = {"anyOf": [schema, refusal(contract)]}
    return {"application/json": {"schema": schema, **_examples(good)}}


def refusal(contract: Contract) -> Json | type[Marshalled]:
    """The shape of a business "no" of this contract: the two error members, and what it carries beside them."""
    if not contract.refusal:
        return schema_of(RefusalReply)
    members: Json = {}
    for name, value in contract.refusal.items():
        items: Any = schema_of(value[0]) if isinstance(value, list) and value else {}
        members[name] = {"type": "array", "items": items} if isinstance(value, list) else {"const": value}
        if value == []:
            members[name] = {"type": "array", "maxItems": 0}
    return {
        "type": "object",
        "description": 'A business "no".',
        "properties": {"errorCode": {"type": "string", "minLength": 1}, "errorMessage": {"type": "string"}, **members},
        "required": ["errorCode", "errorMessage", *members],
    }


def filled(value: Any, shape: type[Shape]) -> Any:
    """An example's reply with something of the right type wherever it says "any value"."""
    declared = shape.fields
    return {name: _filled(member, declared.get(name)) for name, member in value.items()}


def _filled(value: Any, field: Field | None) -> Any:
    if value == examples.ANY:
        return _sample(field)
    if isinstance(field, Part) and isinstance(value, dict):
        return filled(value, field.nested)
    return [_filled(one, field.inner) for one in value] if isinstance(field, Many) and isinstance(value, list) else value


def _sample(field: Field | None) -> Any:
    """Something of a field's type."""
    if isinstance(field, Part):
        return {name: _sample(inner) for name, inner in field.nested.fields.items() if inner.required}
    if isinstance(field, Many):
        return [_sample(field.inner)]
    return next((sample for kind, sample in _SAMPLES if isinstance(field, kind)), "GENERATED")


def summary(shape: type[Shape]) -> str:
    """The first sentence of a shape."""
    return " ".join((shape.__doc__ or "").split())


def key(example: examples.Example) -> str:
    """A title as a component key."""
    return "".join(sign if sign.isalnum() and sign.isascii() else "-" for sign in example.title.lower()).strip("-")


def _examples(found: Json) -> Json:
    return {"examples": found} if found else {}
