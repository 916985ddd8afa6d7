"""Who starts when: what is not needed for the first answer leaves the processors to what is."""

from __future__ import annotations

import multiprocessing
import os
import time

_NOT_YET = 10.0  #: seconds that a process waits for its turn


class Stage:
    """Something that comes to pass once, and that processes wait for; a byte that nobody takes out of its pipe."""

    def __init__(self) -> None:
        self._heard, self._told = multiprocessing.Pipe(duplex=False)

    def reach(self) -> None:
        """Whoever waits goes on."""
        self._told.send_bytes(b"!")

    def wait(self) -> None:
        """Return once it was reached, or when that takes too long."""
        self._heard.poll(_NOT_YET)


class Turns:
    """What the launcher tells those who wait."""

    def __init__(self) -> None:
        self.answering = Stage()  #: calls are answered
        self.ready = Stage()  #: so is the admin port

    def await_answering(self) -> None:
        """Wait until calls are answered where there is one processor; else both start at once."""
        if len(getattr(os, "sched_getaffinity", lambda _: range(2))(0)) == 1:
            self.answering.wait()


class Stop:
    """Whether a process was told to stop. A signal's handler sets it, which may take no lock: its thread may hold it."""

    def __init__(self) -> None:
        self.told = False

    def set(self) -> None:
        """It was."""
        self.told = True

    def told_after(self, seconds: float) -> bool:
        """The same after a while."""
        time.sleep(seconds)
        return self.told
