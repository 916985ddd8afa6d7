"""The ceiling: a WSGI application on the same Granian that answers every call with the same bytes.

granian --interface wsgi raw:app        # in benchmarks/; RAW_BYTES says how many, RAW_STATUS which status
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

_BODY = b"x" * int(os.environ.get("RAW_BYTES", "1000"))
_STATUS = os.environ.get("RAW_STATUS", "200 OK")
_HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(_BODY)))]


def app(_: object, start_response: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    """Answer."""
    start_response(_STATUS, _HEADERS)
    return [_BODY]
