"""Time and random ids, handed in wherever they are needed; the middle never calls the system for them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

DAY = 86_400_000
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no letter that is read as another


def system_now() -> int:
    """Now, in epoch milliseconds UTC."""
    return time.time_ns() // 1_000_000


def random_id() -> str:
    """Ten letters and digits, 50 bits of chance."""
    return "".join(secrets.choice(_LETTERS) for _ in range(10))


@dataclass(frozen=True, slots=True)
class Clock:
    """The two sources of surprise: ``now()`` in epoch milliseconds, and the random part of new ids."""

    now: Callable[[], int] = system_now
    chance: Callable[[], str] = random_id

    def new_id(self, prefix: str) -> str:
        """A new id such as ``C-7QK2M0XW1P``."""
        return f"{prefix}-{self.chance()}"


class WatchedClock:
    """A clock, and whether anybody asked it: who did not gives the same answer tomorrow."""

    def __init__(self, clock: Clock) -> None:
        self.asked = False

        def now() -> int:
            self.asked = True
            return clock.now()

        def chance() -> str:
            self.asked = True
            return clock.chance()

        self.handed = Clock(now, chance)
