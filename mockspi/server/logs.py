"""The log: one line for each call and each fault, as text for people or JSON for programs; keys are masked."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from mockspi.exchange import Exchange, Request
from mockspi.journal import PROBE
from mockspi.masking import masked_path, masked_query
from mockspi.settings import Settings

log = logging.getLogger("mockspi")
calls = logging.getLogger("mockspi.calls")


class Text(logging.Formatter):
    """A line for a person."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, message, and the trace where there is one."""
        line = f"{datetime.now():%H:%M:%S} {record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class Lines(logging.Formatter):
    """A line for a program."""

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object."""
        document = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": record.levelname.lower()}
        document |= getattr(record, "facts", {}) or {"message": record.getMessage()}
        if record.exc_info:
            document["trace"] = self.formatException(record.exc_info)
        return json.dumps(document, ensure_ascii=False)


def set_up(settings: Settings) -> Callable[[Exchange], None] | None:
    """Send the log to standard error; the function that logs calls, or None where calls are not logged."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines() if settings.log_format == "json" else Text())
    log.handlers = [handler]
    log.propagate = False
    log.setLevel(logging.INFO)
    wanted = settings.log_calls == "on" or (settings.log_calls == "auto" and sys.stderr.isatty())
    return log_call if wanted else None


def log_call(exchange: Exchange) -> None:
    """One line for an exchange."""
    if exchange.request.headers.get("user-agent") == PROBE:
        return
    line, status = shown(exchange.request), exchange.reply.status
    facts = {
        "contract": exchange.contract,
        "sandbox": exchange.sandbox,
        "status": status,
        "milliseconds": round(exchange.milliseconds, 2),
        "request": line,
    }
    name = exchange.contract or "no contract"
    calls.info("%s %s %s (%s, %.1f ms)", status, name, line, exchange.sandbox or "no sandbox", exchange.milliseconds,
               extra={"facts": facts})  # fmt: skip


def broken_off(request: Request) -> str:
    """What is said of a reply whose rest could not be made."""
    return f"the reply to {shown(request)} broke off: its rest cannot be made"


def shown(request: Request) -> str:
    """Method, path and query, the api_key masked however it is spelt."""
    query = masked_query(request.query)
    path = quote(masked_path(request.path), safe="/*")
    return f"{request.method} {path}" + (f"?{urlencode(query, safe='*')}" if query else "")
