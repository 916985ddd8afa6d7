"""Who starts when: what is not needed for the first answer leaves the processors to what is."""

from __future__ import annotations

import multiprocessing
import os
from dataclasses import dataclass
from multiprocessing.synchronize import Event

_NOT_YET = 10.0  #: seconds that a process waits for its turn


@dataclass(frozen=True, slots=True)
class Turns:
    """What the launcher tells those who wait."""

    answering: Event  #: calls are answered
    ready: Event  #: so is the admin port

    def await_answering(self) -> None:
        """Wait until calls are answered where there is one processor; else both start at once."""
        if len(getattr(os, "sched_getaffinity", lambda _: range(2))(0)) == 1:
            self.answering.wait(_NOT_YET)

    def await_ready(self) -> None:
        """Wait until everybody is answered."""
        self.ready.wait(_NOT_YET)


def new_turns() -> Turns:
    """Nobody answers yet."""
    return Turns(multiprocessing.Event(), multiprocessing.Event())
