"""What the tests of rules share: a sandbox of one's own, minted and ruled over the admin port."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import requests
from conftest import Server


@dataclass
class Ruled:
    """One sandbox of a running server."""

    server: Server
    told: dict[str, Any]
    key: str = ""

    def admin(self, method: str, path: str, body: Any = None) -> requests.Response:
        """One call of the admin port."""
        headers = {"Authorization": f"Bearer {self.told['adminToken']}"}
        return requests.request(method, self.told["adminUrl"] + path, json=body, headers=headers, timeout=30)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """One SPI call."""
        return self.server.call(method, path, key=self.key, **options)

    def get(self) -> requests.Response:
        """A call that is answered with a customer unless a rule says otherwise."""
        return self.call("GET", "/sa/customers/C-1001")

    def rule(self, *rules: dict[str, Any], method: str = "POST") -> requests.Response:
        """Post rules; they must be accepted."""
        reply = self.admin(method, f"/sandboxes/{self.key}/rules", {"rules": rules})
        assert reply.status_code == 200, reply.text
        return reply

    def refused(self, rule: dict[str, Any]) -> list[tuple[str, str]]:
        """Post a rule that must not be accepted: where and what is wrong."""
        reply = self.admin("POST", f"/sandboxes/{self.key}/rules", {"rules": [rule]})
        assert reply.status_code == 400, reply.text
        return [(one["path"], one["message"]) for one in reply.json()["errors"]]

    def use(self, *names: str) -> requests.Response:
        """Put scenarios on."""
        return self.admin("POST", f"/sandboxes/{self.key}/scenarios", {"use": names})

    def sibling(self, **options: Any) -> Ruled:
        """Another sandbox of the same server."""
        return mint(self.server, self.told, **options)


def mint(server: Server, told: dict[str, Any] | None = None, **options: Any) -> Ruled:
    """A new sandbox of a server."""
    told = told or json.loads((server.log.parent / "ready.json").read_text())
    made = Ruled(server, told)
    reply = made.admin("POST", "/sandboxes", options)
    assert reply.status_code == 201, reply.text
    made.key = reply.json()["api_key"]
    return made
