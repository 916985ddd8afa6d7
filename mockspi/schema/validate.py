"""What a field's value must be beside its type: plain data, which messages, documents and quick checks are made from.

Each says of a value by raising ValidationError that it is not so. What then is told is marshmallow's (``marshalled.py``).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any


class ValidationError(Exception):
    """A value is not as it must be; ``messages`` is a sentence, or sentences by member."""

    def __init__(self, messages: str | dict[str, Any] = "") -> None:
        super().__init__(messages)
        self.messages = messages


Rule = Callable[[Any], Any]  #: raises ValidationError


class Bound(ABC):
    """A rule of which more is known than yes and no."""

    def __call__(self, value: Any) -> Any:
        """Raise unless it holds."""
        if not self.holds(value):
            raise ValidationError
        return value

    @abstractmethod
    def holds(self, value: Any) -> bool:
        """Whether a value is as it must be."""


class OneOf(Bound):
    """One of these."""

    def __init__(self, choices: Iterable[Any]) -> None:
        self.choices = tuple(choices)

    def holds(self, value: Any) -> bool:
        """Whether it is among them."""
        return value in self.choices


class Length(Bound):
    """So many letters or entries."""

    def __init__(self, min: int | None = None, max: int | None = None, *, equal: int | None = None) -> None:  # noqa: A002  # as in JSON Schema
        self.min, self.max, self.equal = min, max, equal

    def holds(self, value: Any) -> bool:
        """Whether it has as many."""
        length = len(value)
        if self.equal is not None:
            return length == self.equal
        return (self.min is None or length >= self.min) and (self.max is None or length <= self.max)


class Range(Bound):
    """From the one to the other, both included."""

    def __init__(self, min: float, max: float) -> None:  # noqa: A002  # as in JSON Schema
        self.min, self.max = min, max

    def holds(self, value: Any) -> bool:
        """Whether it is between them."""
        return bool(self.min <= value <= self.max)


class Regexp(Bound):
    """A text that begins as a pattern says; ``error`` says what is expected."""

    def __init__(self, pattern: str | re.Pattern[str], *, error: str | None = None) -> None:
        self.pattern, self.error = pattern, error

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The pattern, compiled when it is first asked for."""
        return re.compile(self.pattern)

    def holds(self, value: Any) -> bool:
        """Whether it matches."""
        return self.regex.match(value) is not None


class Equal(Bound):
    """This value and no other."""

    def __init__(self, comparable: Any, *, error: str) -> None:
        self.comparable, self.error = comparable, error

    def holds(self, value: Any) -> bool:
        """Whether it is."""
        return bool(value == self.comparable)
