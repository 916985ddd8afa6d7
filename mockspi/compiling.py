"""The compiled form of fixture sets, kept in the user's cache folder: made once for each content, and known again."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import mockspi
from mockspi.errors import BrokenSet, UsageError
from mockspi.fixtures.files import Stamp, newest
from mockspi.fixtures.reading import FixtureSet
from mockspi.settings import cache_folder
from mockspi.store.compiled import staged, tidy

_TELLS = os.name == "posix"  #: whether files tell when they changed in a way that nobody can set
_RACY = 2 * 10**9  #: nanoseconds in which a file may change twice and look as after the first time: of the coarsest file systems


def compiled(found: FixtureSet, progress: Callable[[float], None], *, trusted: bool = False) -> Path:
    """The compiled form of a set, from the cache where it was made before; BrokenSet where it must not be served.

    ``progress`` is told from 0 to 1 how much is done, if there is anything to do.
    """
    folder = sets_in(cache_folder())
    digest = digest_of(found)
    if (target := folder / f"{digest}-{fingerprint()}.sqlite").is_file():
        found.believe(digest)
        os.utime(target)
        return target
    target = folder / f"{found.digest}-{fingerprint()}.sqlite"  # read now, if it was only remembered
    from mockspi.rehearsing import compile_into, make  # heavy: only where it is needed

    progress(0)
    beside = staged(target)  # nobody serves it before it is rehearsed
    try:
        if trusted:
            compile_into(beside, found)
        elif findings := make(beside, found, progress):
            raise BrokenSet(found.folder, findings)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
        progress(1)
    tidy(target.parent)
    return target


def digest_of(found: FixtureSet) -> str:
    """The digest of a set: that of its last reading where the system says that no file has changed since."""
    if not _TELLS:
        return found.digest
    place = str(found.folder.resolve())
    note = sets_in(cache_folder()) / f"known-{hashlib.sha256(place.encode()).hexdigest()[:24]}.json"
    stamp = found.stamp()
    seen = {"folder": place, "by": fingerprint(), "stamp": stamp}
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(note.read_text("utf-8"))
        if known["seen"] == json.loads(json.dumps(seen)):
            return str(known["digest"])
    begun = time.time_ns()
    digest = found.digest
    if newest(stamp) < begun - _RACY and FixtureSet(found.folder).stamp() == stamp:
        write_note(note, json.dumps({"seen": seen, "digest": digest}))
    return digest


def settled(found: FixtureSet) -> Stamp | None:
    """What the system says of a set that has not changed just now: if it says so later, nothing has changed since."""
    stamp = found.stamp()
    return stamp if _TELLS and newest(stamp) < time.time_ns() - _RACY else None


def write_note(path: Path, text: str) -> None:
    """Keep what makes the next start quicker; where that cannot be done, nothing else suffers."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        beside.write_text(text, "utf-8")
        beside.replace(path)


def sets_in(folder: Path) -> Path:
    """The cache folder, made if it can be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"the cache folder {folder} cannot be made: {error.strerror}; name another with XDG_CACHE_HOME"
        ) from error
    return folder


@cache
def fingerprint() -> str:
    """What compiled sets depend on beside the fixtures: the version of the code that runs."""
    stats = sorted(_stats(os.path.dirname(mockspi.__file__), ""))  # noqa: PTH120  # two hundred files at each start
    return hashlib.sha256(repr((mockspi.__version__, stats)).encode()).hexdigest()[:8]


def _stats(folder: str, below: str) -> Iterator[tuple[str, int, int]]:
    """The name, size and time of each file with code."""
    with os.scandir(folder) as entries:
        for one in entries:
            if one.name.endswith(".py"):
                yield f"{below}{one.name}", (stat := one.stat()).st_size, stat.st_mtime_ns
            elif one.name != "__pycache__" and one.is_dir():
                yield from _stats(one.path, f"{below}{one.name}/")
