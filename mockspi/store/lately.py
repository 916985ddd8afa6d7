"""What is asked of a compiled set again and again: it never changes, so that it need not be looked up again."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from mockspi.exchange import Json, decode, decode_again

_MOST_BYTES = 2_097_152  #: of what was asked for lately, and as many of what was before that
_LARGEST = 32_768
_BESIDE = 200  #: bytes that an answer takes beside its records
_MOST_ASKED = 8192  #: questions of which it is known that they were asked

Known = tuple[int, tuple[bytes, ...]]  #: how many records there are in all, and some of them as JSON


class Before:
    """Whether a question was asked before; of what is asked but once no more is kept than this."""

    def __init__(self) -> None:
        self._asked: set[int] = set()

    def __call__(self, asked: Hashable) -> bool:
        """The same; from now on it was."""
        number = hash(asked)
        if number in self._asked:
            return True
        if len(self._asked) >= _MOST_ASKED:
            self._asked = set()
        self._asked.add(number)
        return False


class Lately:
    """Answers by what was asked; threads share it. Records are made anew each time, for who gets one may change it."""

    def __init__(self) -> None:
        self._now: dict[Hashable, Known] = {}
        self._before: dict[Hashable, Known] = {}
        self._bytes = 0
        self.again = Before()

    def get(self, asked: Hashable) -> tuple[int, list[Json]] | None:
        """What was answered."""
        if (found := self._now.get(asked)) is None:
            if (found := self._before.get(asked)) is None:
                return None
            self._add(asked, found)
        total, bodies = found
        return total, list(map(decode_again, bodies))

    def keep(self, asked: Hashable, total: int, bodies: Iterable[str]) -> list[Json] | None:
        """Keep an answer; its records, or None where one of them cannot be read quickly: then nothing is kept."""
        told = tuple(body.encode() for body in bodies)
        try:
            records: list[Any] = [decode(body) for body in told]
        except ValueError:
            return None
        self._add(asked, (total, told))
        return records

    def _add(self, asked: Hashable, found: Known) -> None:
        size = _BESIDE + sum(map(len, found[1]))
        if size > _LARGEST:
            return
        self._bytes += size
        if self._bytes > _MOST_BYTES:
            self._now, self._before, self._bytes = {}, self._now, size
        self._now[asked] = found
