"""Days and hours where somebody is: the sandbox's clock tells epoch milliseconds, calendars tell days in a time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from mockspi.store.base import Readable

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_FIRST, _LAST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000) for year in (1900, 9000))


def zone_of(records: Readable, store_id: str) -> ZoneInfo:
    """A store's time zone; UTC where there is no such store, as for ONLINE."""
    return zone((records.get("stores", store_id) or {}).get("timeZone", "UTC"))


def zone(name: str) -> ZoneInfo:
    """The time zone with a name."""
    from zoneinfo import ZoneInfo  # slow to import, and few calls ask for it

    return ZoneInfo(name)


def local(moment: int, there: ZoneInfo) -> datetime:
    """The day and hour of a moment there; what is before 1900 or after 9000 counts as then."""
    return datetime.fromtimestamp(min(max(moment, _FIRST), _LAST) / 1000, UTC).astimezone(there)


def moment_of(day: date, clock: str, there: ZoneInfo) -> int:
    """When a clock there shows this time of day; of two such moments the first."""
    return int(datetime.combine(day, time.fromisoformat(clock), there).timestamp() * 1000)


def period(kind: str | None, moment: int, there: ZoneInfo) -> tuple[int | None, int | None]:
    """The first and the last moment of the MONTH or YEAR that it lies in; no bounds where there are no periods."""
    if kind is None:
        return None, None
    day = local(moment, there).date()
    first = day.replace(month=1, day=1) if kind == "YEAR" else day.replace(day=1)
    later = (first + timedelta(days=366 if kind == "YEAR" else 31)).replace(day=1)
    return moment_of(first, "00:00", there), moment_of(later, "00:00", there) - 1
