"""The process that keeps the fixture sets fresh: it hears of changed files, and of the admin port's questions.

It is a process of its own, so that reading a large set again slows neither calls nor the admin port.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from mockspi.building import House
from mockspi.exchange import Json
from mockspi.fixtures.files import FOLDERS, Stamp
from mockspi.fixtures.reading import FixtureSet

if TYPE_CHECKING:
    from mockspi.reloading import Reloader

_SWEEP_SECONDS = 5.0
_LOOK_SECONDS = 1.0  #: where the system tells of no change, the files are looked at so often
_QUIET, _LONGEST = 50, 400  #: milliseconds: changes belong together until there was none for so long, or for so long in all
_PATIENCE = 60.0
log = logging.getLogger("mockspi")

Asked = tuple[int, str | None]  #: the number of a question (0: nobody waits), and a set's name, or None for all


class Asking:
    """The admin port's end: asks, and waits for what came of it."""

    def __init__(self, wire: Connection) -> None:
        self._wire = wire
        self._turn = threading.Lock()

    def __call__(self, name: str | None) -> Json:
        """Have a set read again, or all; what came of each."""
        with self._turn, suppress(OSError, EOFError):
            number = time.monotonic_ns()
            self._wire.send((number, name))
            while self._wire.poll(_PATIENCE):
                answered, results = self._wire.recv()
                if answered == number:
                    found: Json = results
                    return found
        from mockspi.admin.fixtures import ReloadNotDone  # heavy: only for the admin port

        raise ReloadNotDone(seconds=int(_PATIENCE))


def keep(house: House, wire: Connection) -> None:
    """Read the sets again when they change and when somebody asks, until this process is told to stop."""
    asked: SimpleQueue[Asked] = SimpleQueue()
    stop = threading.Event()
    threads = [threading.Thread(target=_hear, args=(wire, asked), daemon=True)]
    if folders := watched(house):
        watching = (folders, dict(house.seen), lambda name: asked.put((0, name)), stop)
        threads.append(threading.Thread(target=watch, args=watching, daemon=True))
    for one in threads:
        one.start()
    try:
        batch = _batch(asked, None)
        from mockspi.reloading import Reloader  # slow to import: many a server is never asked

        reloader = Reloader(house)
        while True:
            _answer(reloader, list(house.settings.sets), batch, wire)
            batch = _batch(asked, _SWEEP_SECONDS if reloader.sweep() else None)
    finally:
        stop.set()


def watched(house: House) -> dict[str, Path]:
    """The sets whose files are watched."""
    return {name: Path(house.settings.sets[name]).expanduser() for name in house.seen}


def watch(sets: Mapping[str, Path], seen: dict[str, Stamp | None], changed: Callable[[str], None], stop: threading.Event) -> None:
    """Tell of each set that may have changed: when the system says so, and when its files look different than when ``seen``."""
    while not stop.is_set():
        for event in _events(sets, stop):
            for name, folder in sets.items():
                with suppress(OSError):
                    stamp = FixtureSet(folder).stamp()
                    if seen.get(name) != stamp or any(Path(path).is_relative_to(folder.resolve()) for path in event):
                        seen[name] = stamp
                        changed(name)


def _events(sets: Mapping[str, Path], stop: threading.Event) -> Iterator[set[str]]:
    """The paths that changed, none where only time has passed; ends when other folders must be watched."""
    import watchfiles  # only in this process, and only where something is watched

    folders = _folders(sets)
    with suppress(FileNotFoundError):  # one went while we began to watch
        try:
            for event in watchfiles.watch(
                *(path for path, _ in folders), recursive=False, watch_filter=None, debounce=_LONGEST, step=_QUIET,
                stop_event=stop, rust_timeout=int(_LOOK_SECONDS * 1000), yield_on_timeout=True, raise_interrupt=False,
            ):  # fmt: skip
                yield {path for _, path in event}
                if _folders(sets) != folders:
                    return
        except (OSError, RuntimeError) as error:
            _unheard(str(error))
    stop.wait(_LOOK_SECONDS)
    yield set()


def _folders(sets: Mapping[str, Path]) -> list[tuple[Path, int]]:
    """The folders of the sets and those in them that are read, and what tells each from another of the same name."""
    found = []
    for root in (folder.resolve() for folder in sets.values()):
        for path in (root, *(root / name for name in FOLDERS)):
            if path.is_dir() and path.resolve().is_relative_to(root):
                found.append((path, path.stat().st_ino))
    return found


@cache
def _unheard(why: str) -> None:
    log.warning("fixtures: the system does not tell of changed files (%s); they are looked at every second instead", why)


def _hear(wire: Connection, asked: SimpleQueue[Asked]) -> None:
    with suppress(OSError, EOFError):
        while True:
            asked.put(wire.recv())


def _batch(asked: SimpleQueue[Asked], timeout: float | None) -> list[Asked]:
    """Everything that is asked for by now; nothing after a time, where one is given."""
    found = []
    with suppress(Empty):
        found.append(asked.get(timeout=timeout))
        while True:
            found.append(asked.get_nowait())
    return found


def _answer(reloader: Reloader, sets: list[str], batch: list[Asked], wire: Connection) -> None:
    """Read each set that is meant once, and answer who waits."""
    meant = set(sets) if any(name is None for _, name in batch) else {name for _, name in batch}
    results = {name: _reloaded(reloader, name) for name in sets if name in meant}
    for number, name in batch:
        if number:
            wire.send((number, results if name is None else {name: results[name]}))


def _reloaded(reloader: Reloader, name: str) -> Json:
    try:
        return reloader.reload(name)
    except Exception as error:
        log.exception("fixtures: %s could not be read again", name)
        told = {"file": "", "line": 1, "column": 1, "pointer": "", "message": f"a defect of mockspi, see the log: {error}"}
        return {"findings": [told], "changed": [], "conflicts": []}
