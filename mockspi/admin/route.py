"""What an admin route is: a contract of ours, answered from the desk instead of from a sandbox's records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mockspi.contract import Contract
from mockspi.editions import Board, Editions
from mockspi.errors import BrokenRequest, Failure
from mockspi.exchange import Json, Reply
from mockspi.journal import Journal
from mockspi.routes import RouteTable
from mockspi.rules.book import Book
from mockspi.sandbox import Sandbox
from mockspi.schema import ASSUMED, Shape, Text
from mockspi.settings import Settings
from mockspi.store.base import Records, Store
from mockspi.store.control import SandboxStore
from mockspi.store.rules import RuleStore
from mockspi.webhooks.sender import Sender


class SandboxNotFound(Failure):
    """No sandbox has this name or api_key."""

    status = 404
    code = "SANDBOX_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Desk:
    """What the admin port works with."""

    settings: Settings
    base_url: str
    sandboxes: SandboxStore
    editions: Editions
    real: Callable[[], int]
    journal: Journal
    table: RouteTable  #: the SPIs' routes
    rules: RuleStore
    counts: Path  #: the folder where the workers count their calls
    board: Board
    reload: Callable[[str | None], Json]  #: read a fixture set again, or all; what came of it
    sender: Sender
    stopping: Callable[[], bool] = lambda: False  #: whether the server stops: nobody may wait any longer

    @property
    def store(self) -> Store:
        """Over the main fixture set; what is written is the same over every set."""
        return self.editions().store

    @property
    def book(self) -> Book:
        """The main fixture set's."""
        return self.editions().book

    def records(self, sandbox: Sandbox) -> Records:
        """What a sandbox sees."""
        return self.editions(sandbox.fixtures).store.read(sandbox.space)

    def sandbox(self, inputs: Mapping[str, Any]) -> Sandbox:
        """The sandbox that a path names, by name or by api_key."""
        found = self.sandboxes.named(str(inputs["sandbox"]))
        if found is None:
            raise SandboxNotFound(sandbox=inputs["sandbox"])
        return found


Work = Callable[[Desk, Json, Json], "Json | Reply"]


class Empty(Shape):
    """An object with nothing in it."""


class Done(Shape):
    """What was done, in a sentence."""

    done = Text(required=True)


@dataclass(frozen=True, slots=True)
class AdminRoute:
    """One route of the admin port; ``status`` is that of success."""

    name: str
    call: str
    about: str
    work: Work
    reply: type[Shape] | None
    body: type[Shape] | None = None
    query: type[Shape] | None = None
    fails: tuple[type[Failure], ...] = (BrokenRequest,)
    status: int = 200
    open: bool = field(default=False)  #: answered without a token
    exact: bool = False  #: the body reaches the work with its nulls
    noted: bool = False  #: changes what a sandbox answers: kept beside its calls, so that they can be replayed
    media: str = "application/json"  #: what success is written in

    def contract(self) -> Contract:
        """The same as a contract, for the checks that both share."""
        return Contract(
            name=self.name,
            call=self.call,
            sample="",
            about=self.about,
            group="Admin",
            reply=self.reply or Empty,
            answer=_not_here,
            source=ASSUMED,
            body=self.body,
            query=self.query,
            fails=self.fails,
            media=self.media,
        )


def _not_here(_: Any) -> Json:
    raise LookupError("admin routes are answered by their own work")
