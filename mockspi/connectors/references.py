"""Secrets in connectors: references to the environment, found, looked up and masked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mockspi.errors import UsageError
from mockspi.exchange import Json
from mockspi.masking import MASK, is_secret, is_secret_header
from mockspi.schema import Problem, escape

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_BROKEN = re.compile(r"\$\{[^}]*\}?|\$[A-Za-z_][A-Za-z0-9_]*")
_SECRET_TEXT = re.compile(r"(?i)(basic|bearer) \S|whsec_\S|(?=\S*[0-9])(?=\S*[A-Za-z])[A-Za-z0-9+/=_.~-]{24,}\Z")
_SECRETS = ("secret", "clientSecret")


def resolved(text: str, environ: Mapping[str, str] | None = None, what: str = "a connector") -> str:
    """A text with every ``${NAME}`` looked up; a UsageError names the variable that is not there, and ``what`` wants it."""
    known = os.environ if environ is None else environ

    def value(found: re.Match[str]) -> str:
        if found[1] not in known:
            raise UsageError(f"the variable {found[1]} is not set; {what} refers to it as ${{{found[1]}}}")
        return known[found[1]]

    return _REFERENCE.sub(value, text)


def names(value: Any) -> set[str]:
    """Every variable that a JSON value refers to."""
    if isinstance(value, str):
        return set(_REFERENCE.findall(value))
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {name for member in members for name in names(member)}


def masked(connector: Json) -> Json:
    """A connector as it is told: what is or looks like a secret is masked, a reference stays."""
    found = _masked(connector)
    return {**found, "apiEndpoint": _masked_url(str(found["apiEndpoint"]))}


def broken(connector: Json, path: str = "") -> Iterator[Problem]:
    """What of a connector refers to the environment wrongly; it would be sent as it stands there."""
    for _, text, where in _texts(connector, path):
        if found := _broken(text):
            yield Problem(where, f"{found!r} is no reference to the environment; ${{NAME}} is expected")


def literals(connector: Json, path: str) -> Iterator[Problem]:
    """What of a connector looks like a secret that stands there itself, and references that are none."""
    yield from broken(connector, path)
    for name, text, where in _texts(connector, path):
        if _is_literal(name, text) and not _broken(text):
            yield Problem(where, "this looks like a secret; write ${NAME}, and set that variable of the environment")
    url = connector.get("apiEndpoint", "")
    if isinstance(url, str) and _masked_url(url) != url:
        yield Problem(f"{path}/apiEndpoint", "this URL holds what looks like a secret; a header with ${NAME} can carry it")


def _broken(text: str) -> str:
    found = _BROKEN.search(_REFERENCE.sub("", text))
    return found[0] if found else ""


def _is_literal(name: str, text: str) -> bool:
    named = name in _SECRETS or is_secret_header(name)
    bare = _REFERENCE.sub("", text).strip()
    return bool(bare) and (not names(text) if named else _SECRET_TEXT.match(bare) is not None)


def _texts(connector: Json, path: str) -> Iterator[tuple[str, str, str]]:
    """Name, text and place of everything that may hold a secret."""
    for holder in ("jsonHeaders", "oauthConfig"):
        held = connector.get(holder)
        for name, text in held.items() if isinstance(held, dict) else ():
            if isinstance(text, str) and name not in ("oauthApiKey", "url", "oauthHeader"):
                yield name, text, f"{path}/{holder}/{escape(name)}"
    if isinstance(connector.get("secret"), str):
        yield "secret", connector["secret"], f"{path}/secret"


def _masked(connector: Json) -> Json:
    found = {**connector}
    for holder in ("jsonHeaders", "oauthConfig"):
        if holder in found:
            found[holder] = {**found[holder]}
    for name, text, where in _texts(connector, ""):
        if _is_literal(name, text):
            holder = where.split("/")[1]
            if holder == "secret":
                found["secret"] = MASK
            else:
                found[holder][name] = MASK
    return found


def _masked_url(text: str) -> str:
    try:
        url = urlsplit(text)
    except ValueError:
        return text
    netloc = f"{MASK}@{url.netloc.rpartition('@')[2]}" if "@" in url.netloc else url.netloc
    pairs = parse_qsl(url.query, keep_blank_values=True)
    if any(is_secret(name) and not names(value) for name, value in pairs):
        url = url._replace(query="&".join(f"{name}={MASK if is_secret(name) else value}" for name, value in pairs))
    return url._replace(netloc=netloc).geturl() if "@" in url.netloc or MASK in url.query else text
