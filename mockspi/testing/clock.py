"""The clock of a sandbox, as tests set it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from mockspi.errors import UsageError
from mockspi.exchange import Json

#: ``2027-03-01T09:30:00Z``, a datetime, or epoch milliseconds; without a time zone it is UTC.
Instant = str | datetime | int
#: Seconds, or a timedelta.
Length = float | timedelta


class Clock:
    """Each change answers what fell due on the way: ``[{"kind": "RESERVATION_EXPIRED", "id": ..., "at": ...}]``."""

    def __init__(self, ask: Callable[..., Json]) -> None:
        self._ask = ask

    @property
    def now(self) -> datetime:
        """The time in the sandbox."""
        told: int = self._ask("GET", "")["clock"]["now"]
        return datetime.fromtimestamp(told / 1000, UTC)

    def freeze(self, instant: Instant | None = None) -> list[Json]:
        """Stand still, now or at an instant."""
        return self._set(frozen=_milliseconds(self.now if instant is None else instant))

    def advance(self, length: Length) -> list[Json]:
        """Move on."""
        return self._set(advance=_length(length))

    def shift(self, length: Length) -> list[Json]:
        """Run so far ahead of real time; behind where it is negative."""
        return self._set(shift=_length(length))

    def scale(self, factor: float) -> list[Json]:
        """Run so many times as fast as real time, from now on."""
        return self._set(scale=factor)

    def real(self) -> list[Json]:
        """Real time again."""
        return self._set(real=True)

    def _set(self, **change: object) -> list[Json]:
        fired: list[Json] = self._ask("POST", "/clock", change)["fired"]
        return fired


def _milliseconds(instant: Instant) -> int:
    if isinstance(instant, int):
        return instant
    try:
        moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    except ValueError:
        raise UsageError(f"{instant!r} is no instant: such as 2027-03-01T09:30:00Z, a datetime or epoch milliseconds") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _length(length: Length) -> int:
    return round((length.total_seconds() if isinstance(length, timedelta) else length) * 1000)
