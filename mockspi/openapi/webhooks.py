"""The events as OpenAPI 3.1 webhooks: what each platform posts, with the examples of a fixture set."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from types import MappingProxyType

import mockspi
from mockspi.contracts.events import EVENTS
from mockspi.event import EMPORIX, NEXT_COMMERCE, RETAIL_CLOUD, STANDARD, Event
from mockspi.exchange import Json
from mockspi.fixtures.reading import FixtureSet
from mockspi.openapi import new_spec
from mockspi.schema.marshalled import schema_of
from mockspi.webhooks.making import examples

_TITLE = "Webhooks of four platforms, as mockspi sends and receives them"
_ABOUT = """What platforms post to a merchant's endpoint.

`x-source` says where a fact comes from: `seed` is the vendor's own text as this project was given it, `public` another
public text, `assumed` is mockspi's assumption. Of Retail Cloud's bodies only the order object is public."""


def _header(name: str, about: str) -> Json:
    return {"name": name, "in": "header", "required": True, "description": about, "schema": {"type": "string"}}


def _key(name: str, about: str) -> Json:
    return {"type": "apiKey", "in": "header", "name": name, "description": about}


_TAGS = {
    RETAIL_CLOUD: "Salesforce Retail Cloud (Point of Sale).",
    EMPORIX: "Emporix, by HTTP.",
    NEXT_COMMERCE: "Next Commerce, formerly 29 Next.",
    STANDARD: "Standard Webhooks, for senders of one's own.",
}
_SIGNED = MappingProxyType(
    {
        RETAIL_CLOUD: _key("Authorization", "No signature is documented: whatever static headers the connector sets."),
        EMPORIX: _key("emporix-event-signature", "Base64 of HMAC-SHA256 over the body as canonical JSON."),
        NEXT_COMMERCE: _key("X-29Next-Signature", "Hexadecimal HMAC-SHA256 over the body."),
        STANDARD: _key("webhook-signature", "v1 and Base64 of HMAC-SHA256 over id, timestamp and body, joined by full stops."),
    }
)
_HEADERS: Mapping[str, list[Json]] = {
    EMPORIX: [_header("emporix-event-publish-time", "RFC 3339, UTC; not signed.")],
    STANDARD: [
        _header("webhook-id", "The same for every attempt."),
        _header("webhook-timestamp", "Whole seconds since the epoch, of the attempt."),
    ],
}
_GOOD = {
    RETAIL_CLOUD: ("2XX", "Delivered, unless the body is JSON with errorCode or errorMessage."),
    EMPORIX: ("2XX", "Delivered; which codes count is not stated."),
    NEXT_COMMERCE: ("200", "Delivered; the documentation names 200 alone."),
    STANDARD: ("2XX", "Delivered."),
}
_GONE = {NEXT_COMMERCE, STANDARD}


def webhooks(found: FixtureSet | None = None) -> Json:
    """The document of every event, with the examples of a fixture set (the sample unless given)."""
    spec = new_spec(_TITLE, _ABOUT, mockspi.__version__)
    for platform, scheme in _SIGNED.items():
        spec.components.security_scheme(platform, dict(scheme))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # two shapes of one name would silently become Name1
        for event in EVENTS:
            spec.path(path=event.id, operations={one.lower(): _operation(event, one, found) for one in event.methods})
    spec.options["servers"] = [{"url": "https://merchant.example", "description": "wherever the merchant listens"}]
    spec.options["tags"] = [{"name": name, "description": about} for name, about in _TAGS.items()]
    made = spec.to_dict()
    return {"webhooks" if name == "paths" else name: member for name, member in made.items()}


def _operation(event: Event, method: str, found: FixtureSet | None) -> Json:
    shown = {name: {"summary": one["about"], "value": one["body"]} for name, one in examples(event, found).items()}
    status, about = _GOOD[event.platform]
    responses = {status: {"description": about}, "4XX": {"description": "Not delivered."}}
    if event.platform in _GONE:
        responses["410"] = {"description": "Not delivered, and nothing more is wanted."}
    optional: list[Json] = [] if event.platform == STANDARD else [{}]
    return {
        "operationId": event.id if method == event.methods[0] else f"{event.id}.{method.lower()}",
        "tags": [event.platform],
        "summary": event.about,
        **({"x-events": list(event.inside)} if event.inside else {}),
        "x-source": event.source,
        "parameters": [dict(one) for one in _HEADERS.get(event.platform, [])],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema_of(event.body), "examples": shown}}},
        "responses": responses,
        "security": [{event.platform: []}, *optional],
    }
