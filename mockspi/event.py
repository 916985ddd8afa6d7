"""What an event is: one webhook that a platform sends, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what the command line needs of events is no shape
    from mockspi.schema import Shape

RETAIL_CLOUD, EMPORIX, NEXT_COMMERCE, STANDARD = "retail-cloud", "emporix", "next-commerce", "standard"
PLATFORMS = (RETAIL_CLOUD, EMPORIX, NEXT_COMMERCE, STANDARD)


@dataclass(frozen=True)
class Event:
    """One event. ``body`` is everything that is posted, the platform's envelope with it.

    Its examples are in ``fixtures/events/{id}.json``. Of an event that has several versions the first is the current one.
    """

    name: str
    platform: str
    about: str
    body: type[Shape]
    source: str = "seed"
    methods: tuple[str, ...] = ("POST",)
    version: str = ""  #: where the platform has several of one event
    also: tuple[str, ...] = ()  #: other spellings
    inside: tuple[str, ...] = ()  #: what its connector subscribes within it, told by the member ``eventType``

    @property
    def id(self) -> str:
        """Platform and name, with the version where it has one."""
        return f"{self.platform}/{self.name}" + (f"@{self.version}" if self.version else "")
