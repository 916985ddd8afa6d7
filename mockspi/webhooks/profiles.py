"""How each platform delivers: what goes on the wire, what counts as delivered, when it is tried again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from mockspi.errors import UsageError
from mockspi.schema import did_you_mean
from mockspi.webhooks.emporix import Emporix
from mockspi.webhooks.message import Heard, Message, Verdict, Wire
from mockspi.webhooks.next_commerce import NextCommerce
from mockspi.webhooks.retail_cloud import RetailCloud
from mockspi.webhooks.standard import EmporixSvix, Standard
from mockspi.webhooks.way import Way


class Profile(Protocol):
    """One platform's way."""

    @property
    def name(self) -> str:
        """A platform, or one of its ways."""

    @property
    def timeout(self) -> int:
        """Milliseconds that an attempt may take."""

    def compose(self, message: Message, now: int, secret: str) -> Wire:
        """The request of one attempt at ``now`` (epoch milliseconds); Unsendable where there can be none.

        Secret and headers are as they go out: references to the environment were looked up.
        """

    def judge(self, heard: Heard) -> Verdict:
        """What an answer, or none, means."""

    def again(self, message: Message, attempts: int, now: int, verdict: Verdict, seed: str = "") -> int | None:
        """When the next attempt is due after so many; None where there is none. Chance follows from the sandbox's seed."""


_WAYS: Mapping[str, Way] = {one.name: one for one in (RetailCloud(), Emporix(), EmporixSvix(), NextCommerce(), Standard())}
PROFILES: Mapping[str, Profile] = _WAYS


def with_schedule(profile: Profile, text: str) -> Profile:
    """The profile with the waits that ``--webhook-schedule`` says; UsageError where the text is none."""
    return profile.shortened(text) if text and isinstance(profile, Way) else profile


def configured(schedule: str = "", options: Sequence[str] = ()) -> Mapping[str, Profile]:
    """All profiles under these settings: a schedule, and options (``emporix.envelope=type-payload``)."""
    ways = dict(_WAYS)
    for text in options:
        where, _, value = text.partition("=")
        name, _, changed = where.partition(".")
        if name not in ways:
            raise UsageError(f"no profile is called {name!r}{did_you_mean(name, list(ways))}; there are {', '.join(ways)}")
        ways[name] = ways[name].changed(changed, value)
    return {name: with_schedule(way, schedule) for name, way in ways.items()}
