"""A plugin for coverage: Granian answers WSGI calls in threads that Python did not start, so nobody traces them.

Granian is made to begin tracing with the first call of each such thread; not before somebody imports it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any


class Watcher(MetaPathFinder):
    """Finds ``granian.wsgi`` as usual, and changes it once it is loaded."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "granian.wsgi":
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec and spec.loader:
            _then(spec.loader, traced)
        return spec


def traced(module: ModuleType) -> None:
    """Trace whatever thread calls an application."""
    wrap = module._callback_wrapper

    def wrapped(callback: Callable[..., Any], *options: Any) -> Any:
        def measured(*words: Any) -> Any:
            if sys.gettrace() is None:
                sys.settrace(threading.gettrace())
            return callback(*words)

        return wrap(measured, *options)

    module._callback_wrapper = wrapped  # type: ignore[attr-defined]  # what mypy cannot know of a module


def _then(loader: Loader, change: Callable[[ModuleType], None]) -> None:
    load = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        load(module)
        change(module)

    loader.exec_module = exec_module  # type: ignore[method-assign]  # this one loader only


def coverage_init(*_: object) -> None:
    """What coverage calls in every process that it measures."""
    sys.meta_path.insert(0, Watcher())
