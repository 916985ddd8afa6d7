"""A message as the outbox keeps it: its secrets apart, for they go as soon as nothing needs them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

from mockspi.exchange import Json
from mockspi.masking import is_secret, is_secret_header

_STORES = ("storeid", "store_id", "storenumber", "sitecode")


class Letter(Protocol):
    """A message as webhooks know it: a dataclass, and its target another."""

    @property
    def id(self) -> str:
        """The same for every attempt."""

    @property
    def event(self) -> str:
        """Event.id."""

    @property
    def body(self) -> Json:
        """What is posted."""

    @property
    def target(self) -> Any:
        """Where to: url, endpoint, secret, headers, oauth."""

    @property
    def at(self) -> int:
        """When it happened."""

    @property
    def order(self) -> str:
        """One after another."""

    @property
    def trouble(self) -> tuple[str, ...]:
        """On purpose."""


def parted(target: Json) -> tuple[Json, Json]:
    """A target without the secrets that are spelt out, and those; references to the environment stay."""
    secrets: Json = {}
    if target["secret"] and not is_reference(target["secret"]):
        secrets["secret"] = target["secret"]
    if found := {name: text for name, text in target["headers"].items() if is_secret_header(name) and not is_reference(text)}:
        secrets["headers"] = found
    oauth = target.get("oauth") or {}
    if told := {name: text for name, text in oauth.items() if is_secret(name) and not is_reference(str(text))}:
        secrets["oauth"] = told
    shown = {**target, "headers": {name: "" if name in found else text for name, text in target["headers"].items()}}
    shown |= {"secret": "" if "secret" in secrets else target["secret"], "withheld": sorted(secrets)}
    if told:
        shown["oauth"] = {name: text for name, text in oauth.items() if name not in told}
    return shown, secrets


def whole(target: Json, secrets: Json) -> Json:
    """What ``parted`` took apart."""
    found = {name: value for name, value in target.items() if name != "withheld"}
    found["headers"] = {**target["headers"], **secrets.get("headers", {})}
    if "oauth" in secrets:
        found["oauth"] = {**target["oauth"], **secrets["oauth"]}
    return found | ({"secret": secrets["secret"]} if "secret" in secrets else {})


def is_reference(text: str) -> bool:
    """Whether a text names a variable of the environment instead of being the secret."""
    return "${" in text and "}" in text.partition("${")[2]


def store_of(body: Any) -> str:
    """The store that an event is about: the first member that names one, the outermost first; empty where none does."""
    queue = deque([body])
    while queue:
        value = queue.popleft()
        if isinstance(value, Mapping):
            for name, one in value.items():
                if name.lower() in _STORES and isinstance(one, (str, int)):
                    return str(one)
            queue.extend(value.values())
        elif isinstance(value, list):
            queue.extend(value)
    return ""
