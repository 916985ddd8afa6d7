"""Which addresses may be called: loopback, and what is listed; link-local and metadata only where they are listed themselves."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

from mockspi.errors import UsageError
from mockspi.outward import Network, Reach, reach

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Where machines of a cloud learn their own secrets; a wide network such as 0.0.0.0/0 does not list these.
_GUARDED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(one)
    for one in (
        "169.254.0.0/16", "100.100.100.200", "168.63.129.16", "192.0.0.192",
        "fe80::/10", "fd00:ec2::254", "fd20:ce::254", "fd00:42::42",
    )
)  # fmt: skip
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_LOW = 0xFFFF_FFFF


class NotAllowed(UsageError):
    """A call that is refused before anything is connected."""


class Places:
    """Where calls may go."""

    def __init__(self, allow: Sequence[str]) -> None:
        try:
            self._allow = [reach(one) for one in allow]
        except ValueError as error:
            raise UsageError(f"--allow-outbound: {error}") from None

    def ask(self, host: str, port: int) -> None:
        """NotAllowed where a host need not be looked up, because no answer would let us call it."""
        name = host.lower().rstrip(".")
        here = name == "localhost" or name.endswith(".localhost") or _is_address(host)
        if not here and not any(one.port in (None, port) and (one.network or one.host == name) for one in self._allow):
            raise _elsewhere(host, port)

    def check(self, host: str, port: int, addresses: Sequence[str]) -> None:
        """NotAllowed unless every address of a host may be called."""
        for text in addresses:
            for form in forms(ipaddress.ip_address(text.partition("%")[0])):
                if any(form in guarded and not self._lists(form, guarded, port) for guarded in _GUARDED):
                    same = "" if host == str(form) else f"{form}, "
                    raise NotAllowed(
                        f"{host} is {same}an address of this link or of a cloud's metadata: "
                        f"nothing is sent there unless --allow-outbound {form} lists it itself"
                    )
                if not form.is_loopback and not any(_fits(one, form, host, port) for one in self._allow):
                    raise _elsewhere(host, port, form)

    def _lists(self, form: Address, guarded: Network, port: int) -> bool:
        return any(
            one.network is not None and form in one.network and one.port in (None, port) and _within(one.network, guarded)
            for one in self._allow
        )


def _elsewhere(host: str, port: int, form: Address | None = None) -> NotAllowed:
    found = "" if form is None or host == str(form) else f"{form}, "
    place = f"[{host}]" if ":" in host else host
    return NotAllowed(f"{host} is {found}not this machine: --allow-outbound {place}:{port} lets webhooks go there")


def _is_address(host: str) -> bool:
    """Whether a host is an address, however it is written, so that nobody is asked for it."""
    try:
        return bool(socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST))
    except (OSError, UnicodeError):
        return False


def forms(address: Address) -> list[Address]:
    """What an address is, and which IPv4 address it would be turned into on its way."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    inner = [address.sixtofour, *(address.teredo or ())]
    if any(address in one for one in _NAT64) or (address in _COMPATIBLE and int(address) > 1):
        inner.append(ipaddress.IPv4Address(int(address) & _LOW))
    return [address, *(one for one in inner if one)]


def _fits(one: Reach, form: Address, host: str, port: int) -> bool:
    named = one.host == host.lower().rstrip(".") if one.network is None else form in one.network
    return named and one.port in (None, port)


def _within(inner: Network, outer: Network) -> bool:
    return inner.version == outer.version and inner.prefixlen >= outer.prefixlen
