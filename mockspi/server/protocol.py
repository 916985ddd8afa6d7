"""What RSGI hands to an application, as far as it is used here; Granian's own types stay with the launcher."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Protocol


class Headers(Protocol):
    """Request headers in lower case, in order, with repetitions."""

    def items(self) -> list[tuple[str, str]]:
        """Name and value of each."""


class Scope(Protocol):
    """One call without its body; ``client`` and ``server`` are addresses with ports."""

    client: str
    server: str
    scheme: str
    method: str
    path: str
    query_string: str
    authority: str | None
    headers: Headers


class Stream(Protocol):
    """A reply's body, piece by piece."""

    def send_bytes(self, data: bytes) -> Awaitable[None]:
        """Send one piece; RuntimeError where the client is gone."""


class Proto(Protocol):
    """The body that comes, and the one reply that goes."""

    def __call__(self) -> Awaitable[bytes]:
        """All of the body."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body as it arrives."""

    def client_disconnect(self) -> Awaitable[None]:
        """Ends when the connection does."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Reply, unless that was done."""

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Stream:
        """Reply in pieces."""
