"""Fixture sets read again while they are served: linted and compiled whole, then posted; what is broken is only told.

Nobody else posts. A set that changes while it is read is read again, so that what is served was on disk at one moment.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockspi.building import House, posting
from mockspi.clock import system_now
from mockspi.compiling import compiled, digest_of
from mockspi.editions import FRESH, STALE
from mockspi.errors import BrokenSet, UsageError
from mockspi.exchange import Json
from mockspi.fixtures.reading import SAMPLE, Finding, FixtureSet, advice, open_set
from mockspi.store import comparing
from mockspi.store.compiled import settle

_ATTEMPTS = 20
_PAUSE = 0.15  #: seconds after which files with findings are looked at once more: an editor may be half way
_LINGER = 60.0  #: seconds for which the file of an edition that was exchanged stays: calls under way may yet open it
_MOST = 100
_LOGGED = 20
log = logging.getLogger("mockspi")


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of reading a set; ``digest`` is of its files, ``base`` the compiled file where it is sound and new."""

    digest: str
    found: FixtureSet | None = None
    base: Path | None = None
    findings: Sequence[Finding] = ()


class Reloader:
    """Reads the sets of a server again."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._board = house.board()
        self._posted = self._board.read()
        self._refused: dict[str, Tried] = {}
        self._idle: dict[Path, float] = {}

    def reload(self, name: str) -> Json:
        """Serve what the folder of a set holds, if it is sound: ``findings``, ``changed`` and ``conflicts``."""
        tried, now = self._settled(name), self._posted["sets"][name]
        if tried.findings:
            if tried != self._refused.get(name):
                self._refuse(name, now, tried)
            return {"findings": self._posted["sets"][name]["findings"], "changed": [], "conflicts": []}
        self._refused.pop(name, None)
        if tried.found and tried.base:
            return self._exchange(name, now, tried.found, tried.base)
        if now["state"] == STALE:
            self._post(name, now | {"state": FRESH, "note": "", "findings": [], "since": system_now()}, "served")
            log.info("fixtures: %s is mended; it is what is served already", now["folder"])
        return {"findings": [], "changed": [], "conflicts": []}

    def sweep(self) -> bool:
        """Remove the files of editions that nobody can be using any more; whether others are left for later."""
        used, real = {one["base"] for one in self._posted["sets"].values()}, time.monotonic()
        idle = [path for path in self._house.served.glob("base-*.sqlite") if str(path) not in used]
        self._idle = {path: self._idle.get(path, real) for path in idle}
        for path, since in list(self._idle.items()):
            if real - since > _LINGER:
                path.unlink(missing_ok=True)
                del self._idle[path]
        return bool(self._idle)

    def _settled(self, name: str) -> Tried:
        """What the folder holds once it holds still."""
        folder = self._house.settings.sets[name]
        for _ in range(_ATTEMPTS):
            tried = self._try(name, folder)
            if tried.findings and tried != self._refused.get(name):
                time.sleep(_PAUSE)
            if self._digest(folder) == tried.digest:
                return tried
        return Tried("", findings=[Finding("", 1, 1, "", f"the files in {folder} change faster than they can be read")])

    def _try(self, name: str, folder: str) -> Tried:
        digest = ""
        try:
            found = open_set(folder)
            digest = digest_of(found)
            if digest == self._posted["sets"][name]["digest"]:
                return Tried(digest)
            if (refused := self._refused.get(name)) and refused.digest == digest:
                return refused
            return Tried(digest, found, compiled(found, lambda done: None, trusted=folder == SAMPLE))
        except BrokenSet as broken:
            return Tried(digest, findings=[one for one in broken.findings if isinstance(one, Finding)])
        except (UsageError, OSError) as error:
            return Tried(digest or str(error), findings=[Finding("", 1, 1, "", str(error))])
        except Exception as error:  # whatever it is, the last good set goes on
            log.exception("fixtures: %s could not be read again", folder)
            return Tried(digest, findings=[Finding("", 1, 1, "", f"a defect of mockspi, see the log: {error!r}")])

    def _digest(self, folder: str) -> str:
        try:
            return digest_of(open_set(folder))
        except (UsageError, OSError) as error:
            return str(error)

    def _refuse(self, name: str, now: Json, tried: Tried) -> None:
        self._refused[name] = tried
        told = [_told(one) for one in tried.findings[:_MOST]]
        since = now["since"] if now["state"] == STALE else system_now()
        note = _note(name if len(self._posted["sets"]) > 1 else "", told[0])
        self._post(name, now | {"state": STALE, "since": since, "findings": told, "note": note}, "refused")
        for one in tried.findings[:_LOGGED]:
            log.warning("fixtures: %s", f"{now['folder']}/{one}" if one.file else one.message)
        many = len(tried.findings)
        log.warning("fixtures: %s is stale, %s finding%s; the last good one is served", now["folder"], many, "s" * (many != 1))
        if hint := advice(tried.findings):
            log.warning("fixtures: %s", hint)

    def _exchange(self, name: str, now: Json, found: FixtureSet, compiled_: Path) -> Json:
        old, new = Path(now["base"]), settle(compiled_, self._house.served)
        changed = [one._asdict() for one in comparing.counts(old, new)]
        names = {one.space: one.name for one in self._house.sandboxes().all() if one.fixtures == name}
        both = comparing.overlaps(self._house.overlay, old, new, names, _MOST)
        conflicts = [{"sandbox": names[one.space], "collection": one.collection, "key": one.key} for one in both]
        self._post(name, posting(found, new) | {"changed": changed, "conflicts": conflicts}, "served")
        log.info("fixtures: %s is served anew (%s)", now["folder"], _summary(changed))
        for one in conflicts[:_LOGGED]:
            log.warning("fixtures: %(collection)s %(key)s has changed; sandbox %(sandbox)s keeps what it has written", one)
        return {"findings": [], "changed": changed, "conflicts": conflicts}

    def _post(self, name: str, posted: Json, outcome: str) -> None:
        reloads = self._posted["reloads"]
        self._posted = {
            "reloads": reloads | {outcome: reloads.get(outcome, 0) + 1},
            "sets": self._posted["sets"] | {name: posted},
        }
        self._board.post(self._posted)


def _told(one: Finding) -> Json:
    """A finding for programs; a file name that is no text becomes one."""
    return {name: value if isinstance(value, int) else _sound(value) for name, value in one.to_json().items()}


def _sound(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _note(name: str, first: Mapping[str, Any]) -> str:
    """What the header of a reply says."""
    place = f"{first['file']}:{first['line']}:{first['column']}, or " if first["file"] else ""
    return f"stale; see {f'{name}: ' if name and place else ''}{place}GET /fixtures on the admin port"


def _summary(changed: Sequence[Mapping[str, Any]]) -> str:
    parts = [f"{one['collection']} +{one['added']} -{one['removed']} ~{one['changed']}" for one in changed]
    return ", ".join(parts) or "nothing that is served differs"
