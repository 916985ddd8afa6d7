"""The words of sending: what is sent where, what was answered, and what that means."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from mockspi.exchange import Json


@dataclass(frozen=True, slots=True)
class Target:
    """Where a platform's events go: a webhook connector, or what the command line says.

    Secrets may be references to the environment (``${NAME}``); they are looked up when something is sent.
    """

    url: str
    profile: str  #: a platform's way of delivering
    endpoint: str = ""  #: the connector's endpoint name
    method: str = "POST"
    secret: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    oauth: Json | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One event for one target. ``id`` is the same for every attempt, and another after a repost."""

    id: str
    event: str  #: Event.id
    body: Json
    target: Target
    at: int  #: when it happened, by the sandbox's clock
    order: str = ""  #: messages of one sandbox with the same order go one after another, such as those of one cart
    trouble: tuple[str, ...] = ()  #: what is wrong with this delivery on purpose


@dataclass(frozen=True, slots=True)
class Wire:
    """What is put on the wire: the very bytes that were signed."""

    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back: no ``status`` where nothing did, and then ``error`` says why.

    ``secrets`` are what was told to who answered: they are masked in whatever is repeated of the answer.
    """

    status: int | None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    error: str = ""
    milliseconds: int = 0
    secrets: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a platform makes of an answer."""

    delivered: bool
    reason: str = ""
    disables: bool = False  #: the target wants nothing any more (410)
    wait: int | None = None  #: milliseconds that the target asked for (Retry-After)
