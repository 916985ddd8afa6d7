"""The table of events: every webhook of every platform."""

from __future__ import annotations

from mockspi.contracts.events import retail_cloud
from mockspi.event import Event

EVENTS: tuple[Event, ...] = (*retail_cloud.EVENTS,)


def named(name: str, platform: str = "") -> list[Event]:
    """The events with a name, or id; of one platform where it is given."""
    return [one for one in EVENTS if name in (one.id, one.name, *one.also) and platform in ("", one.platform)]
