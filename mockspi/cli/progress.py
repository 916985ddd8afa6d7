"""How far a long reading is: a bar on standard error, where that is a terminal and somebody would begin to wonder."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

_PATIENCE = 1.0  #: seconds before there is a bar
_STEPS = 1000


class Progress:
    """Told from 0 to 1 how much is done; ``line`` is said when it begins."""

    def __init__(self, line: str = "") -> None:
        self._line = line
        self._begun = 0.0
        self._bar: Any = None

    def __call__(self, done: float) -> None:
        """So much is done."""
        if not self._begun:
            self._begun = time.monotonic()
            if self._line:
                click.echo(self._line, err=True)
        if self._bar is None and done < 1 and time.monotonic() - self._begun > _PATIENCE and sys.stderr and sys.stderr.isatty():
            self._bar = click.progressbar(length=_STEPS, label="mockspi", file=sys.stderr)
        if self._bar:
            self._bar.update(int(done * _STEPS) - self._bar.pos)
            if done >= 1:
                self._bar.render_finish()
                self._bar = None
        if done >= 1:
            self._begun = 0.0  # the next set has a bar of its own
