"""What the days of mixed business do with customers, addresses, taxes and searches, beside a model of their own."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from selling import Shop
from shop_dates import Sale
from test_checkout import CHICAGO

ASKED: Counter[str] = Counter()  #: how often each thing was done
NAMES = st.sampled_from(("Moss", "Mosley", "Thorne"))
PLACE = {"addressLine1": "1 Main Street", "city": "Chicago", "countryCode": "US"}
TAXED = st.sampled_from(("P-1", "P-2"))


class Asking:
    """Rules for the machine, which brings the shop and the sales."""

    shop: Shop
    sales: dict[str, Sale]

    @property
    def people(self) -> dict[str, dict[str, Any]]:
        """The customers that these rules made: their last name and the ids of their addresses."""
        return self.__dict__.setdefault("_people", {})

    def someone(self, data: st.DataObject) -> str:
        """One of them."""
        chosen: str = data.draw(st.sampled_from(sorted(self.people)))
        return chosen

    @rule(name=NAMES)
    def creates_a_customer(self, name: str) -> None:
        sent = {"profile": {"lastName": name, "email": f"{len(self.people)}@example.com"}}
        told = self.shop.call("POST", "/sa/customers", sent)
        again = self.shop.call("POST", "/sa/customers", sent)
        assert again["errorCode"] == "CUSTOMER_ALREADY_EXISTS"
        self.people[told["profile"]["customerId"]] = {"name": name, "addresses": []}
        ASKED["created"] += 1

    @precondition(lambda self: self.people)
    @rule(data=st.data(), name=NAMES)
    def changes_a_customer(self, data: st.DataObject, name: str) -> None:
        chosen = self.someone(data)
        self.shop.call("PUT", "/sa/customers", {"profile": {"customerId": chosen, "lastName": name}})
        self.people[chosen]["name"] = name
        assert self.shop.call("GET", f"/sa/customers/{chosen}")["profile"]["lastName"] == name
        ASKED["changed"] += 1

    @rule(start=st.sampled_from(("mos", "MOSL", "thorne", "zz")))
    def finds_customers(self, start: str) -> None:
        told = self.shop.call("GET", "/sa/customers", lastName=start, pageSize="100")
        seen = {one["profile"]["customerId"] for one in told.get("customers", [])}
        right = {key for key, one in self.people.items() if one["name"].lower().startswith(start.lower())}
        assert seen == right
        ASKED["found"] += 1

    @precondition(lambda self: self.people)
    @rule(data=st.data())
    def adds_an_address(self, data: st.DataObject) -> None:
        chosen = self.someone(data)
        told = self.shop.call("POST", "/sa/customer/address", {"customerId": chosen, "address": PLACE})
        self.people[chosen]["addresses"].append(told["addressId"])
        assert [one["addressId"] for one in told["addressList"]] == self.people[chosen]["addresses"]
        ASKED["address"] += 1

    @precondition(lambda self: any(one["addresses"] for one in self.people.values()))
    @rule(data=st.data(), city=st.sampled_from(("Joliet", "")))
    def changes_an_address(self, data: st.DataObject, city: str) -> None:
        chosen = data.draw(st.sampled_from(sorted(key for key, one in self.people.items() if one["addresses"])))
        address = {"addressId": self.people[chosen]["addresses"][-1], "city": city}
        told = self.shop.call("PUT", "/sa/customer/address", {"customerId": chosen, "address": address})
        assert told.get("errorCode") == (None if city else "ADDRESS_INVALID")
        ASKED["address changed"] += 1

    @precondition(lambda self: any(one["addresses"] for one in self.people.values()))
    @rule(data=st.data())
    def removes_an_address(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(sorted(key for key, one in self.people.items() if one["addresses"])))
        gone = self.people[chosen]["addresses"].pop(0)
        self.shop.call("DELETE", "/sa/customer/address", customerId=chosen, addressId=gone)
        told = self.shop.call("GET", "/sa/customer/address", customerId=chosen)
        assert [one["addressId"] for one in told["addressList"]] == self.people[chosen]["addresses"]
        ASKED["address removed"] += 1

    @precondition(lambda self: self.people)
    @rule(data=st.data())
    def asks_what_a_customer_did(self, data: st.DataObject) -> None:
        chosen = self.someone(data)
        for what in ("interactions", "orders"):
            told = self.shop.call("GET", f"/sa/customers/{chosen}/{what}")
            assert told.get("errorCode") is None, told
        ASKED["history"] += 1

    @rule(store=st.sampled_from(("S-101", "S-102")))
    def looks_for_orders(self, store: str) -> None:
        told = self.shop.call("POST", "/sa/orders/search", {"storeId": store, "pageSize": 100})
        right = {name for name, sale in self.sales.items() if sale.sent["storeId"] == store}
        seen = {one["orderId"] for one in told.get("orders", [])}
        assert right <= seen, (right, seen)
        ASKED["searched"] += 1

    @precondition(lambda self: self.sales)
    @rule(data=st.data())
    def asks_for_an_order_from_another_channel(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.sales)))
        told = self.shop.call("GET", f"/sa/orders/boris/{name}")
        assert told["errorCode"] == "ORDER_NOT_FOUND"  # all of them were sold in a store
        ASKED["boris"] += 1

    @rule(product=TAXED, units=st.integers(1, 5), discount=st.sampled_from((0, 3.33)))
    def taxes_a_cart(self, product: str, units: int, discount: float) -> None:
        line = {"orderItemId": "1", "productId": product, "quantity": units, "price": 24, "discount": discount}
        told = self.shop.call("POST", "/taxEngine/calculateTax", {"destinationAddress": CHICAGO, "productList": [line]})
        assert round(sum(one["tax"] for one in told["productList"]), 2) == told["totalTax"] > 0
        ASKED["taxed"] += 1

    @precondition(lambda self: self.sales)
    @rule(data=st.data())
    def files_the_taxes_of_an_order(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.sales)))
        line = {"orderItemId": "1", "productId": "P-1", "quantity": 1, "price": 24}
        sent = {"orderId": name, "destinationAddress": CHICAGO, "productList": [line]}
        told = self.shop.call("POST", "/taxEngine/finalizeTaxSubmission", sent)
        assert self.shop.call("POST", "/taxEngine/finalizeTaxSubmission", sent) == told
        ASKED["filed"] += 1
