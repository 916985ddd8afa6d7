"""``mockspi.wsgi:app`` for any WSGI server; settings come from ``MOCKSPI_...`` and ``mockspi.toml``."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """Make the application when it is asked for: importing this module does nothing."""
    if name != "app":
        raise AttributeError(name)
    from mockspi import building, settings
    from mockspi.server import app as door
    from mockspi.server import logs

    chosen = settings.load()
    app = door.create_app(building.build(chosen).service(logs.set_up(chosen)))
    globals()["app"] = app
    return app
