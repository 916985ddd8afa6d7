"""What is wrong with connectors as a whole: names, URLs, tokens that nobody fetches, events that nobody sends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mockspi.connectors.shapes import OAUTH, SPI
from mockspi.contract import Contract
from mockspi.contracts.events import EVENTS, named, spellings
from mockspi.event import RETAIL_CLOUD, Event
from mockspi.exchange import Json
from mockspi.schema import Problem, did_you_mean

NO_ERP = "NetSuite's OAuth needs an ERP configuration, and there is none: take netSuiteOAuth away, or give an oauthConfig"
_NEEDED = {"connectorType", "endpointName", "apiEndpoint"}


def listed(value: Any) -> list[Json]:
    """The connectors of a document, an empty object for each that is none."""
    found = value.get("connectors") if isinstance(value, dict) else None
    return [one if isinstance(one, dict) else {} for one in found] if isinstance(found, list) else []


def judged(connectors: Sequence[Json], shaped: Sequence[Problem]) -> list[Json]:
    """Connectors without the members that break their shape, so that the others can be looked at all the same."""
    places = [one.path.split("/")[2:] for one in shaped]
    return [_judged(one, [place[1:] for place in places if place[:1] == [str(index)]]) for index, one in enumerate(connectors)]


def _judged(connector: Json, wrong: Sequence[Sequence[str]]) -> Json:
    whole = [place for place in wrong if place[:1] != ["oauthConfig"] or place[1:] in ([], ["url"])]
    faulty = {place[0] for place in whole if place}
    nobody: Json = {"events": []} if faulty & {"events", "platform", "version"} else {}
    return {name: value for name, value in connector.items() if name not in faulty} | nobody


def problems_of(connectors: Sequence[Json], contracts: Sequence[Contract]) -> Iterator[Problem]:
    """Everything that keeps connectors from being used; places begin with ``/connectors``.

    One without type, name or URL is passed over, and no event is looked for in an empty list.
    """
    fetches = any(one.get("endpointName") == OAUTH for one in connectors)
    seen: set[str] = set()
    for index, one in enumerate(connectors):
        path = f"/connectors/{index}"
        if not one.keys() >= _NEEDED:
            continue
        name = one["endpointName"]
        if name == OAUTH:
            yield from _oauth_connector(one, path)
        elif one["connectorType"] == SPI:
            yield from _spi(one, path, contracts)
        else:
            yield from _webhook(one, path)
        if (name == OAUTH or one["connectorType"] != SPI) and name in seen:
            message = f"another connector is called {name!r}; give this one a name of its own, and list what it is sent in events"
            yield Problem(f"{path}/endpointName", message)
        seen.add(name)
        yield from _token(one, path, fetches)


@dataclass(frozen=True, slots=True)
class Meant:
    """One name that a webhook connector lists: the event that it means, and what inside of it where only that is wanted."""

    name: str
    events: tuple[Event, ...]  #: none where nobody knows the name
    inside: str = ""


def meant(connector: Json) -> Iterator[Meant]:
    """The events that a webhook connector is sent."""
    platform, version = connector.get("platform", RETAIL_CLOUD), connector.get("version", "")
    own = named(connector["endpointName"], platform)
    for name in connector.get("events") or [connector["endpointName"]]:
        found = [one for one in named(name, platform) if version in ("", one.version)]
        within = [one for one in own or EVENTS if one.platform == platform and name in one.inside]
        yield Meant(name, tuple(found[:1])) if found else Meant(name, tuple(within), name if within else "")


def _spi(connector: Json, path: str, contracts: Sequence[Contract]) -> Iterator[Problem]:
    name = connector["endpointName"]
    meant = [one for one in contracts if name in (one.id, one.name, *one.also)]
    if not meant:
        hint = did_you_mean(name, [*(one.name for one in contracts), OAUTH])
        yield Problem(f"{path}/endpointName", f"no SPI is called {name!r}{hint}")
        return
    kind, kinds = connector.get("integrationType"), list(dict.fromkeys(one.integration for one in meant))
    if kind and kind not in kinds:
        yield Problem(f"{path}/integrationType", f"{name} is {' or '.join(kinds)}, not {kind}")
    try:
        template = urlsplit(connector["apiEndpoint"]).path
    except ValueError as error:
        yield Problem(f"{path}/apiEndpoint", f"{connector['apiEndpoint']!r} is no URL: {error}")
        return
    if not template.rstrip("/").startswith("/"):
        yield Problem(f"{path}/apiEndpoint", "a URL or a path that begins with / is expected")
    known = sorted({parameter for one in meant for parameter in one.parameters})
    for parameter in re.findall(r"{([^{}/]*)}", template):
        if parameter not in known:
            yield Problem(f"{path}/apiEndpoint", f"{name} has no {{{parameter}}}{did_you_mean(parameter, known)}")


def _webhook(connector: Json, path: str) -> Iterator[Problem]:
    yield from _address(connector["apiEndpoint"], f"{path}/apiEndpoint")
    platform = connector.get("platform", RETAIL_CLOUD)
    for index, one in enumerate(meant(connector) if connector.get("events") != [] else ()):
        where = f"{path}/events/{index}" if "events" in connector else f"{path}/endpointName"
        if not one.events:
            yield Problem(where, _unknown(one.name, platform, connector))
        elif (kind := connector.get("integrationType")) and kind.removeprefix("HTTP_") not in one.events[0].methods:
            methods = " or ".join(f"HTTP_{method}" for method in one.events[0].methods)
            yield Problem(f"{path}/integrationType", f"{one.events[0].name} is {methods}, not {kind}")


def _unknown(name: str, platform: str, connector: Json) -> str:
    if versions := [one.version for one in named(name, platform)]:
        return f"{platform} has {name!r} in the versions {', '.join(versions)}, not in {connector['version']!r}"
    if elsewhere := named(name):
        return f"{platform} has no event {name!r}, {elsewhere[0].platform} has: say so in platform"
    known = [one for event in EVENTS if event.platform == platform for one in (*spellings(event), *event.inside)]
    rest = "" if "events" in connector else "; where the endpoint has a name of its own, list what is sent in events"
    return f"{platform} has no event {name!r}{did_you_mean(name, known)}{rest}"


def _oauth_connector(connector: Json, path: str) -> Iterator[Problem]:
    yield from _address(connector["apiEndpoint"], f"{path}/apiEndpoint")
    if connector.get("integrationType", "HTTP_POST") != "HTTP_POST":
        yield Problem(f"{path}/integrationType", f"{OAUTH} is HTTP_POST, not {connector['integrationType']}")


def _token(connector: Json, path: str, fetches: bool) -> Iterator[Problem]:
    """Whether somebody fetches the token that a connector asks for."""
    config = connector.get("oauthConfig")
    if config is None:
        return
    if "url" in config:
        yield from _address(config["url"], f"{path}/oauthConfig/url")
        for name in ("clientId", "clientSecret"):
            if name not in config:
                yield Problem(f"{path}/oauthConfig/{name}", "missing: the token endpoint asks for it")
    elif not fetches:
        yield Problem(f"{path}/oauthConfig", f"no connector is called {OAUTH!r}, and no url of a token endpoint stands here")


def _address(text: str, path: str) -> Iterator[Problem]:
    try:
        url = urlsplit(text)
        sound = url.scheme in ("http", "https") and url.hostname and (url.port or 1)
    except ValueError as error:
        yield Problem(path, f"this is no URL: {error}")
        return
    if not sound:
        yield Problem(path, "a URL such as https://hooks.example.com/orders is expected")
    elif "@" in url.netloc:
        yield Problem(path, "a URL without a user and password is expected; jsonHeaders can carry them")
    elif url.fragment:
        yield Problem(path, "a URL without a # is expected: what stands behind it is never sent")
