"""The table of events: every webhook of every platform."""

from __future__ import annotations

from mockspi.contracts.events import emporix, next_commerce, retail_cloud, standard
from mockspi.event import Event

EVENTS: tuple[Event, ...] = (*retail_cloud.EVENTS, *emporix.EVENTS, *next_commerce.EVENTS, *standard.EVENTS)


def named(name: str, platform: str = "") -> list[Event]:
    """The events with a name, id or other spelling, in any case; of one platform where it is given."""
    wanted = name.casefold()
    return [one for one in EVENTS if wanted in map(str.casefold, spellings(one)) and platform in ("", one.platform)]


def spellings(event: Event) -> tuple[str, ...]:
    """Everything that an event is called."""
    return (event.name, *event.also, event.id, event.id.partition("/")[2])
