"""The process that sends webhooks when they are due, by the clock of each sandbox."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter

from mockspi.building import House
from mockspi.clock import system_now
from mockspi.server.turns import Stop
from mockspi.store.control import SandboxStore
from mockspi.store.outbox_log import Delivery
from mockspi.webhooks.sender import Sender

_LOOK_SECONDS, _FREE_EVERY = 0.05, 20
_MOST, _MOST_EACH = 16, 4  #: threads that send, in all and for one sandbox: a target that hangs must not hold up the rest
_DRAIN_SECONDS = 3.0
log = logging.getLogger("mockspi")


def keep(house: House, stop: Stop) -> None:
    """Send what is due until told to stop; what is under way then may end within seconds, or is sent again later."""
    known = house.sandboxes()
    desk = Dispatcher(house.sender(known, lambda: stop.told), known)
    looks = 0
    while not stop.told_after(_LOOK_SECONDS):
        try:
            if looks % _FREE_EVERY == 0:
                desk.sender.outbox.free()
            desk.look()
        except Exception:
            log.exception("webhooks that are due could not be sent")
        looks += 1
    desk.drain(_DRAIN_SECONDS)


class Dispatcher:
    """Gives what is due to threads."""

    def __init__(self, sender: Sender, sandboxes: SandboxStore) -> None:
        self.sender = sender
        self._sandboxes = sandboxes
        self._busy: Counter[str] = Counter()
        self._turn = threading.Lock()

    def look(self) -> None:
        """Begin to send what is due now."""
        for space, due in self.sender.outbox.next_due().items():
            if due <= self.now(space):
                self._begin(space)

    def now(self, space: str) -> int:
        """The time in a sandbox; long ago where it is gone."""
        found = self._sandboxes.of_space(space)
        return found.timing.now(system_now()) if found else -(2**62)

    def drain(self, seconds: float) -> None:
        """Wait for those that send."""
        deadline = time.monotonic() + seconds
        while self._busy.total() and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)

    def _begin(self, space: str) -> None:
        while self._busy.total() < _MOST and self._busy[space] < _MOST_EACH:
            now = self.now(space)  # the clock may be moved as soon as something is taken
            if (held := self.sender.claim(space, now)) is None:
                return
            with self._turn:
                self._busy[space] += 1
            threading.Thread(target=self._send, args=(space, held, now), daemon=True).start()

    def _send(self, space: str, held: Delivery, now: int) -> None:
        try:
            self.sender.send(held, now)
            for _ in self.sender.send_due(space, lambda: self.now(space)):
                pass
        except Exception:
            log.exception("webhooks of sandbox %s could not be sent", space)
        finally:
            with self._turn:
                self._busy[space] -= 1
            self.sender.outbox.close()
            self._sandboxes.close()
