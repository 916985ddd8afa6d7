"""What the settings say about webhooks: where they may go, how soon they are tried again, how a platform delivers."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SCHEDULE = re.compile(r"x[0-9]{1,6}(\.[0-9]{1,9})?|[0-9]{1,9}(\.[0-9]{1,3})?(,[0-9]{1,9}(\.[0-9]{1,3})?)*")
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?)\.?(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class Reach:
    """One place where webhooks may go: a host or a network, at one port or at all."""

    host: str = ""
    port: int | None = None
    network: Network | None = None


def schedule(value: Any) -> str:
    """A factor or seconds; ValueError for anything else."""
    if value != "" and not _SCHEDULE.fullmatch(str(value)):
        raise ValueError("a factor such as x0.01, or seconds such as 1,5,30, is expected")
    return str(value)


def option(value: Any) -> str:
    """PROFILE.OPTION=VALUE; which there are is known to who delivers."""
    if not re.fullmatch(r"[a-z-]+\.[a-z_]+=[^\s,=]+", str(value)):
        raise ValueError("PROFILE.OPTION=VALUE is expected, such as emporix.envelope=type-payload")
    return str(value)


def place(value: Any) -> str:
    """The text of a place where webhooks may go; ValueError where ``reach`` cannot read it."""
    reach(str(value))
    return str(value)


def reach(text: str) -> Reach:
    """HOST, HOST:PORT, an address, ADDRESS:PORT ([V6]:PORT) or a network (CIDR)."""
    try:
        return Reach(network=ipaddress.ip_network(text))
    except ValueError as error:
        if "/" in text and "//" not in text:
            raise ValueError(f"a network such as 10.1.0.0/16 is expected: {error}") from error
    found = _HOST.fullmatch(text)
    port = int(found["port"]) if found and found["port"] else None
    if found is None or port == 0 or (port or 0) > 65535:
        raise ValueError("a host, HOST:PORT or a network (CIDR) is expected, such as hooks.example.com:8443")
    try:
        return Reach(port=port, network=ipaddress.ip_network(found["host"].strip("[]")))
    except ValueError:
        return Reach(found["host"].lower(), port)
