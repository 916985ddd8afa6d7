"""Standard Webhooks: one event for whatever a sender of one's own would tell; the specification advises its three members."""

from __future__ import annotations

from mockspi.event import STANDARD, Event
from mockspi.schema import PUBLIC, Anything, Id, Shape, Text, validate

_ISO = validate.Regexp(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z",
    error="a moment in ISO 8601 is expected, such as 2026-01-31T12:00:00Z",
)


class StandardEvent(Shape):
    """Something that happened."""

    SOURCE, OPEN = PUBLIC, True

    type = Id(required=True, about="names in full stops, such as order.created")
    timestamp = Text(required=True, validate=_ISO, about="when it happened, in ISO 8601")
    data = Anything(required=True, about="an object: what happened, or where to read it")


EVENTS = (
    Event(
        name="event",
        platform=STANDARD,
        about="Anything: set its type and data.",
        body=StandardEvent,
        source=PUBLIC,
    ),
)
