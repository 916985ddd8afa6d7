"""What an api_key opens: records, clock, seed and language of its own.

A sandbox's clock runs as ``at + (real - since) * scale``: the real clock is (0, 0, 1), a frozen one has scale 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from mockspi.clock import Clock
from mockspi.exchange import Json
from mockspi.settings import MAIN

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
EARLIEST, LATEST = -2_208_988_800_000, 221_845_392_000_000  #: years 1900 to 9000: dates are still reckoned around them


@dataclass(frozen=True, slots=True)
class Timing:
    """How a sandbox's time follows real time, both in epoch milliseconds."""

    at: int = 0
    since: int = 0
    scale: float = 1.0

    def now(self, real: int) -> int:
        """The sandbox's time at a real time."""
        return max(EARLIEST, min(LATEST, self.at + round((real - self.since) * self.scale)))

    def advanced(self, real: int, milliseconds: int) -> Timing:
        """The same clock, moved on."""
        return Timing(self.now(real) + milliseconds, real, self.scale)

    def stored(self) -> Json:
        """The clock as it is kept."""
        return {"at": self.at, "since": self.since, "scale": self.scale}

    def told(self, real: int) -> Json:
        """The clock for the admin port."""
        kind = "real" if self == Timing() else "frozen" if self.scale == 0 else "scaled" if self.scale != 1 else "shifted"
        return {"now": self.now(real), "kind": kind, "scale": self.scale, "shift": self.now(real) - real}


@dataclass(frozen=True, slots=True)
class Sandbox:
    """One sandbox; ``fixed`` ones were given at start and cannot be deleted. ``expires`` is real time.

    ``serial`` differs for every sandbox that is made, so that one of the same name never sees what an earlier wrote.
    Ids and chances follow from ``seed``, which is made up where nobody chose one.
    """

    name: str
    key: str
    created: int = 0
    expires: int | None = None
    seed: str = ""
    timing: Timing = field(default_factory=Timing)
    locale: str = ""
    quota: Json | None = None  #: ``limit`` calls in a ``window`` of milliseconds
    fixed: bool = False
    serial: str = ""
    begun: Timing = field(default_factory=Timing)  #: the clock that it had first, and has again after a reset
    fixtures: str = MAIN  #: the name of the fixture set under its records
    snapshot: str = ""  #: the name of the snapshot that it was made from
    own: list[Json] | None = None  #: the connectors that it has in place of the server's
    first: list[Json] | None = None  #: those that it was made with
    served: tuple[Json, ...] = ()  #: the server's connectors, where any of them is a webhook

    @property
    def connectors(self) -> list[Json]:
        """Its connectors as a connectors file has them: where events are sent, and what monitoring needs to know."""
        return list(self.served) if self.own is None else self.own

    @property
    def space(self) -> str:
        """The name under which the store keeps what it writes."""
        return f"{self.name}~{self.serial}" if self.serial else self.name

    def clock(self, number: Callable[[], int], real: int) -> Clock:
        """Its clock at a real time; ``number`` gives 1, 2, 3, ... and makes ids repeatable."""
        now = self.timing.now(real)
        return Clock(lambda: now, lambda: seeded(f"{self.seed}:{number()}"))

    def stored(self) -> Json:
        """The sandbox as it is kept."""
        names = ("key", "created", "expires", "seed", "locale", "quota", "serial", "fixtures", "snapshot", "own", "first")
        kept = {name: getattr(self, name) for name in names}
        return {**kept, "timing": self.timing.stored(), "begun": self.begun.stored()}

    @classmethod
    def restored(cls, name: str, kept: Json, served: tuple[Json, ...] = ()) -> Sandbox:
        """The sandbox as it was kept, on a server with these connectors."""
        timing, begun = Timing(**kept["timing"]), Timing(**kept["begun"])
        return cls(name, **{**kept, "timing": timing, "begun": begun}, served=served)

    def timed(self, change: Json, real: int) -> Sandbox:
        """The sandbox with its clock set: frozen, shift, scale or real, and then advance."""
        timing = self.timing
        if change.get("real"):
            timing = Timing()
        if "frozen" in change:
            timing = Timing(change["frozen"], real, 0.0)
        if "shift" in change:
            timing = Timing(real + change["shift"], real, 1.0)
        if "scale" in change:
            timing = Timing(timing.now(real), real, float(change["scale"]))
        if "advance" in change:
            timing = timing.advanced(real, change["advance"])
        return replace(self, timing=timing)


def seeded(text: str) -> str:
    """Ten letters and digits that follow from a text."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    return "".join(_LETTERS[number >> 5 * place & 31] for place in range(10))


def fraction(text: str) -> float:
    """A number from 0 to below 1 that follows from a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48


def told(sandbox: Sandbox, base_url: str, real: int) -> dict[str, Any]:
    """A sandbox for the admin port."""
    shown: dict[str, Any] = {
        "name": sandbox.name,
        "api_key": sandbox.key,
        "baseUrl": base_url,
        "fixtures": sandbox.fixtures,
        "fixed": sandbox.fixed,
        "createdAt": sandbox.created,
        "expiresAt": sandbox.expires,
        "seed": sandbox.seed,
        "locale": sandbox.locale or None,
        "quota": sandbox.quota,
        "clock": sandbox.timing.told(real),
    }
    return {name: value for name, value in shown.items() if value is not None}
