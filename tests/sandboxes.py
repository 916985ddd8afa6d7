"""What tests of sandboxes put into them and look for."""

from __future__ import annotations

from conftest import Server

CUSTOMER = {"profile": {"firstName": "Nadia", "lastName": "Vandermeer"}}
NOON = 1_800_000_000_000


def create(server: Server, key: str, customer: str = "K-1") -> None:
    """A customer in a sandbox."""
    body = {"profile": {**CUSTOMER["profile"], "customerId": customer}}
    answer = server.call("POST", "/sa/customers", key=key, json=body)
    assert answer.json()["profile"]["customerId"] == customer, answer.text


def has(server: Server, key: str, customer: str = "K-1") -> bool:
    """Whether a sandbox has the customer; asked on new connections, so that both workers are heard."""
    answers = [server.call("GET", f"/sa/customers/{customer}", key=key).json() for _ in range(4)]
    found = {one.get("errorCode") for one in answers}
    assert found in ({None}, {"CUSTOMER_NOT_FOUND"}), found
    return found == {None}
