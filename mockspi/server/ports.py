"""The ports that a server takes, and the addresses under which they are reached."""

from __future__ import annotations

import errno
import socket
import sys
from dataclasses import dataclass

from mockspi.building import House
from mockspi.errors import UsageError
from mockspi.settings import is_default


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a server listens."""

    data: int
    admin: int


def take_admin_port(house: House) -> tuple[socket.socket | None, int]:
    """The admin port; where nobody chose one, a free one if the usual one is taken or the data port is free too."""
    settings = house.settings
    if not is_default(settings, "admin_port"):
        return take_port(settings.admin_host, settings.admin_port, "--admin-port")
    try:
        return take_port(settings.admin_host, settings.admin_port if settings.port else 0, "--admin-port")
    except UsageError:
        return take_port(settings.admin_host, 0, "--admin-port")


def address_of(host: str) -> str:
    """The numeric address of a host name: Granian takes no other."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except socket.gaierror as error:
        raise UsageError(f"--host {host} is no address of this machine: {error.strerror}") from error


def take_port(host: str, port: int, flag: str = "--port") -> tuple[socket.socket | None, int]:
    """Make sure that nobody else listens there; on Linux the port is held for the workers until they do.

    The workers share the port with SO_REUSEPORT, with which the kernel would let a second mockspi listen too:
    so it is first taken without.
    """
    host = address_of(host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
            port = probe.getsockname()[1]
        if sys.platform != "linux":
            return None, port
        held = socket.socket(family)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, port))
    except OSError as error:
        why = "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise UsageError(f"port {port} on {host} {why}; choose another with {flag}, or 0 for a free one") from error
    return held, port


def reachable(host: str) -> str:
    """The address under which this machine reaches a server on ``host``, as it stands in a URL."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # read, not bound
    return f"[{host}]" if ":" in host else host
