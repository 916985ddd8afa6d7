"""How each platform delivers: what goes on the wire, what counts as delivered, when it is tried again."""

from __future__ import annotations

from typing import Protocol

from mockspi.webhooks.message import Heard, Message, Verdict, Wire


class Profile(Protocol):
    """One platform's way."""

    name: str
    timeout: int  #: milliseconds

    def compose(self, message: Message, now: int, secret: str) -> Wire:
        """The request of one attempt at ``now`` (epoch milliseconds)."""

    def judge(self, heard: Heard) -> Verdict:
        """What an answer, or none, means."""

    def again(self, message: Message, attempts: int, now: int, verdict: Verdict) -> int | None:
        """When the next attempt is due after so many; None where there is none."""
