"""What all platforms' ways of delivering have in common: success, retries, and options that say where we have them from."""

from __future__ import annotations

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from mockspi import outward
from mockspi.errors import UsageError
from mockspi.schema import ASSUMED, did_you_mean
from mockspi.webhooks.message import Heard, Message, Verdict, Wire

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
_THROTTLED = (429, 502, 504)


class Unsendable(UsageError):
    """A message that no attempt can deliver: a secret that is none, a body that JSON cannot hold, a header that HTTP cannot."""


def option(default: Any, source: str, about: str, *words: str) -> Any:
    """A field of a profile with where its default is from; ``words`` are all that it may be."""
    return field(default=default, metadata={"source": source, "about": about, "words": words})


@dataclass(frozen=True, kw_only=True)
class Way(ABC):
    """One platform's way, as data: a subclass gives other defaults and puts a message on the wire."""

    name: str
    timeout: int = option(20 * SECOND, ASSUMED, "milliseconds until an answer must be there")
    success: str = option("2xx", ASSUMED, "the statuses that count as delivered", "2xx", "200")
    gone_disables: bool = option(False, ASSUMED, "whether 410 ends all deliveries to the target")
    delays: tuple[int, ...] = option((), ASSUMED, "milliseconds between attempts; none: no automatic retry")
    jitter: float = option(0.0, ASSUMED, "the part of a delay by which it is shorter or longer, from the seed")
    retry_after: bool = option(False, ASSUMED, "whether Retry-After is honoured, within one and two delays")
    throttle: int = option(0, ASSUMED, "milliseconds to wait at least after 429, 502 and 504 without Retry-After")

    @abstractmethod
    def compose(self, message: Message, now: int, secret: str) -> Wire:
        """The request of one attempt at ``now``; Unsendable where there can be none."""

    def judge(self, heard: Heard) -> Verdict:
        """By the status alone."""
        if heard.status is None:
            return Verdict(delivered=False, reason=heard.error or "no answer")
        if heard.status == 410 and self.gone_disables:
            return Verdict(delivered=False, reason="answered 410: the target wants nothing any more", disables=True)
        if heard.status == 200 or (self.success == "2xx" and 200 <= heard.status < 300):
            return Verdict(delivered=True)
        return Verdict(delivered=False, reason=f"answered {heard.status}", wait=self._wait(heard))

    def again(self, message: Message, attempts: int, now: int, verdict: Verdict, seed: str = "") -> int | None:
        """The schedule, its jitter, and within [delay, the longer of two delays and the throttle] what the target asked for.

        The jitter follows from the seed and from what is told: its id is another in each run.
        """
        if verdict.delivered or verdict.disables or attempts > len(self.delays):
            return None
        if attempts < 1:
            return now
        delay = round(self.delays[attempts - 1] * (1 + self.jitter * _chance(seed, message, attempts)))
        if verdict.wait is not None:
            delay = min(max(delay, verdict.wait), max(2 * delay, self.throttle))
        return now + delay

    def shortened(self, schedule: str) -> Self:
        """The same with other times: a factor (``x0.01``) or seconds (``1,5,30``). Who never retries still does not."""
        try:
            outward.schedule(schedule)
        except ValueError as error:
            raise UsageError(f"the schedule is {schedule!r}: {error}") from None
        if not self.delays:
            return self
        if schedule[0] != "x":
            delays = tuple(round(float(one) * SECOND) for one in schedule.split(","))
            return replace(self, delays=delays, jitter=0.0, throttle=0)
        factor = float(schedule[1:])
        return replace(self, delays=tuple(round(one * factor) for one in self.delays), throttle=round(self.throttle * factor))

    def changed(self, name: str, text: str) -> Self:
        """The same with one option read from text."""
        known = {one.name: one for one in fields(self) if "words" in one.metadata and one.name != "delays"}
        if name not in known:
            raise UsageError(f"{self.name} has no option {name!r}{did_you_mean(name, list(known))}; it has {', '.join(known)}")
        return replace(self, **{name: _read(text, known[name].default, known[name].metadata["words"], f"{self.name}.{name}")})

    def _wait(self, heard: Heard) -> int | None:
        asked = _asked(heard) if self.retry_after else None
        return self.throttle if asked is None and self.throttle and heard.status in _THROTTLED else asked


def encode(body: Any, *, python: bool = False) -> bytes:
    """JSON as compact UTF-8, or in the form that Python's json.dumps has by default."""
    try:
        text = json.dumps(body, allow_nan=False, ensure_ascii=python, separators=(", ", ": ") if python else (",", ":"))
        return text.encode("utf-8", "backslashreplace")  # half a surrogate pair stays the escape that it came as
    except (ValueError, RecursionError) as error:
        raise Unsendable(f"the body cannot be sent as JSON: {error}") from None


def wire(message: Message, body: bytes, own: Iterable[tuple[str, str]] = ()) -> Wire:
    """A request with the target's headers; the platform's own win."""
    headers = {"content-type": ("Content-Type", "application/json")}
    for pair in (*message.target.headers.items(), *own):
        headers[pair[0].lower()] = pair
    return Wire(message.target.method, tuple(headers.values()), body)


def event_name(message: Message) -> str:
    """The platform's name of a message's event, without platform and version."""
    return message.event.partition("/")[2].partition("@")[0]


def _chance(seed: str, message: Message, attempts: int) -> float:
    """From -1 to 1, always the same for a seed and what is told."""
    told = json.dumps([seed, message.event, message.target.endpoint, message.at, message.body, attempts], sort_keys=True)
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:8]) / 2**63 - 1


def _asked(heard: Heard) -> int | None:
    """Milliseconds of Retry-After; a date counts from the Date beside it, for the target's clock is not the sandbox's."""
    headers = {name.lower(): value.strip() for name, value in reversed(heard.headers)}
    after = headers.get("retry-after", "")
    if re.fullmatch(r"[0-9]{1,9}", after):
        return int(after) * SECOND
    from email.utils import parsedate_to_datetime  # slow to import, and seldom told

    try:
        wait = parsedate_to_datetime(after) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0, round(wait.total_seconds() * SECOND))


def _read(text: str, default: Any, words: Sequence[str], where: str) -> Any:
    pattern, expected = {
        bool: ("true|false", "true or false"),
        str: ("|".join(words), f"one of {', '.join(words)}"),
        float: (r"0|1|0\.[0-9]{1,6}", "a number from 0 to 1"),
        int: (r"[0-9]{1,9}", "a number of milliseconds"),
    }[type(default)]
    if not re.fullmatch(pattern, text):
        raise UsageError(f"{where} is {text!r}: {expected} is expected")
    return text == "true" if isinstance(default, bool) else type(default)(text)
