"""mockspi in a test suite: a server with sandboxes, the same without a socket, and the bridge for ``requests``.

    with mockspi.testing.serve() as server, server.sandbox() as box:
        ...
    with mockspi.testing.responses_mock(base_url="https://merchant.example/spi/1.0") as box:
        ...

pytest finds its fixtures by itself: ``mockspi``, ``mockspi_app``, ``mockspi_server``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockspi.testing.box import Box as Box
    from mockspi.testing.bridge import responses_mock as responses_mock
    from mockspi.testing.inside import AppBox as AppBox
    from mockspi.testing.inside import app as app
    from mockspi.testing.serving import Server as Server
    from mockspi.testing.serving import connected as connected
    from mockspi.testing.serving import serve as serve

__all__ = ["AppBox", "Box", "Server", "app", "connected", "responses_mock", "serve"]
_ROOMS = {
    "AppBox": "inside",
    "Box": "box",
    "Server": "serving",
    "app": "inside",
    "connected": "serving",
    "responses_mock": "bridge",
    "serve": "serving",
}


def __getattr__(name: str) -> Any:
    """Import a part when it is asked for: pytest imports this package in every run, also of those who use none of it."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
