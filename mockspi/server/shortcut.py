"""A way past the event loop, for calls that are answered without waiting.

Granian hands each call from a thread of its own to the loop, which costs a change of threads; what is known at once is
answered in Granian's thread. It has no public place for that. Where its inner one is not as we know it, every call goes
to the loop: slower, and right.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from mockspi.server.protocol import Proto, Scope

Later = Callable[..., None]
_HOPE, _SELDOM = 8, 16  #: after so many calls in vain only every so many-th is tried: trying takes the interpreter from the loop
_PLACES = ("_cbsched_schedule", "_cbsched_aioschedule")  #: each makes what hands a call to a loop


def lay(answered: Callable[[Scope, Proto], bool]) -> bool:
    """Ask ``answered`` first, in any thread, before a call goes to the loop of this process; whether that can be done."""
    try:
        from granian import _futures

        places = {name: getattr(_futures, name) for name in _PLACES}
    except (ImportError, AttributeError):
        return False
    for name, usual in places.items():
        setattr(_futures, name, partial(_asked_first, answered, usual))
    return True


def _asked_first(answered: Callable[[Scope, Proto], bool], usual: Callable[..., Later], *where: Any) -> Later:
    later, hope = usual(*where), _HOPE

    def first(watcher: Any, *more: Any) -> None:
        nonlocal hope
        hope -= 1
        done = False
        if hope > 0 or hope % _SELDOM == 0:
            with suppress(Exception):  # the loop says what is wrong with it, if anything is
                if done := answered(watcher.scope, watcher.proto):
                    hope = _HOPE
                    watcher.done()
        if not done:
            later(watcher, *more)

    return first
