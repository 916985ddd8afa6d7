"""Customers and their addresses: found, created, changed in part, never doubled.

Rules: no two customers share an e-mail or a mobile phone; an address id is unique within its customer.
"""

from __future__ import annotations

from typing import Any

from mockspi.clock import Clock
from mockspi.errors import BrokenRequest
from mockspi.exchange import Json
from mockspi.refusals import AddressInvalid, AddressNotFound, CustomerAlreadyExists, CustomerNotFound, SearchCriteriaRequired
from mockspi.retail.ledger import account
from mockspi.retail.places import is_complete
from mockspi.store.base import Criterion, Records
from mockspi.store.terms import folded, is_phone_ending

_SEARCHED = ("firstName", "lastName", "email", "phone", "customerId", "loyaltyId", "postalCode")


def known(records: Records, customer_id: str) -> Json:
    """The customer, or the refusal."""
    if (found := records.get("customers", customer_id)) is None:
        raise CustomerNotFound(customerId=customer_id)
    return found


def told(records: Records, *customers: Json) -> list[Json]:
    """Customers, each with the number of their completed orders."""
    ids = [one["profile"]["customerId"] for one in customers]
    counts = records.tally("orders", "customerId", ids, Criterion("orderStatus", ("COMPLETED",)))
    return [{**one, "orderCount": count} for one, count in zip(customers, counts, strict=True)]


def criteria(asked: Json) -> list[Criterion]:
    """What a search asks for: names by prefix, phones by their digits or last seven and more, the rest as it is."""
    given = {name: asked[name] for name in _SEARCHED if folded(asked.get(name, ""))}
    if not given:
        raise SearchCriteriaRequired
    return [
        Criterion(name, (value,), starts=name in ("firstName", "lastName") or (name == "phone" and is_phone_ending(value)))
        for name, value in given.items()
    ]


def create(records: Records, sent: Json, clock: Clock) -> Json:
    """Store a new customer; the id that is sent is kept if it is free, else one is made."""
    profile = {**sent["profile"], "customerId": sent["profile"].get("customerId") or clock.new_id("C")}
    if "/" in profile["customerId"]:
        problem = {"path": "/profile/customerId", "message": "an id without / is expected: it must fit into a path"}
        raise BrokenRequest(errors=[problem])
    if records.get("customers", profile["customerId"]) is not None:
        raise CustomerAlreadyExists(customerId=profile["customerId"])
    customer = {**sent, "profile": profile}
    customer.pop("orderCount", None)
    return _save(records, customer, sent, clock)


def update(records: Records, sent: Json, clock: Clock) -> Json:
    """Change what is sent, deep inside objects; lists are replaced; the rest stays."""
    before = known(records, sent["profile"]["customerId"])
    sent = {name: value for name, value in sent.items() if name != "orderCount"}
    return _save(records, merged(before, sent), sent, clock)


def merged(old: Any, new: Any) -> Any:
    """Objects member by member, anything else replaced."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{name: merged(old.get(name), value) for name, value in new.items()}}
    return new


def _save(records: Records, customer: Json, sent: Json, clock: Clock) -> Json:
    profile = customer["profile"]
    for term, value in (("email", profile.get("email")), ("phoneMobile", profile.get("phoneMobile"))):
        others = records.find("customers", Criterion(term, (value,)), limit=2).records if value else []
        if any(other["profile"]["customerId"] != profile["customerId"] for other in others):
            raise CustomerAlreadyExists(customerId=profile["customerId"])
    taken: set[str] = set()
    for address in customer.get("addressList", []):
        if address.get("addressId", "") in taken | {""}:
            address["addressId"] = clock.new_id("A")
        taken.add(address["addressId"])
    records.put("customers", customer)
    if "loyaltyProfile" in sent and (mine := account(records, profile["customerId"], clock.now())) and mine.entries:
        mine.save(records)
        customer = known(records, profile["customerId"])
    return told(records, customer)[0]


def addresses(customer: Json, changed: str = "") -> Json:
    """The addressList that the POS goes on with."""
    reply = {"customerId": customer["profile"]["customerId"], "addressList": customer.get("addressList", [])}
    return {**reply, "addressId": changed} if changed else reply


def add_address(records: Records, sent: Json, clock: Clock) -> Json:
    """Add an address to a customer."""
    customer = known(records, sent["customerId"])
    address = {**sent["address"], "addressId": sent["address"].get("addressId") or clock.new_id("A")}
    others = customer.setdefault("addressList", [])
    if not is_complete(address) or any(other["addressId"] == address["addressId"] for other in others):
        raise AddressInvalid(addressId=address["addressId"])
    others.append(address)
    return _keep(records, customer, address)


def change_address(records: Records, sent: Json) -> Json:
    """Change what is sent of an address."""
    customer = known(records, sent["customerId"])
    index = _index(customer, sent["address"]["addressId"])
    address = merged(customer["addressList"][index], sent["address"])
    if not is_complete(address):
        raise AddressInvalid(addressId=address["addressId"])
    customer["addressList"][index] = address
    return _keep(records, customer, address)


def remove_address(records: Records, customer_id: str, address_id: str) -> Json:
    """Take an address away."""
    customer = known(records, customer_id)
    index = _index(customer, address_id)
    del customer["addressList"][index]
    records.put("customers", customer)
    return addresses(customer, address_id)


def _keep(records: Records, customer: Json, address: Json) -> Json:
    if address.get("isDefault"):
        for other in customer["addressList"]:
            if other["addressId"] != address["addressId"] and other.get("isDefault"):
                other["isDefault"] = False
    records.put("customers", customer)
    return addresses(customer, address["addressId"])


def _index(customer: Json, address_id: str) -> int:
    for index, address in enumerate(customer.get("addressList", [])):
        if address["addressId"] == address_id:
            return index
    raise AddressNotFound(addressId=address_id)
