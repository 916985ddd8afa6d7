"""What a checkout does with the merchant's SPIs; it knows an address and a key, and nothing of mockspi."""

import threading
import time

import requests

TRIES = 3


class SoldOut(Exception):
    """Somebody else has it."""


class Checkout:
    def __init__(self, base_url, api_key, timeout=5.0, pause=time.sleep):
        self.base_url, self.api_key, self.timeout, self.pause = base_url, api_key, timeout, pause

    def customer(self, customer_id):
        """The customer's profile; None where there is no such customer."""
        found = self._call("GET", f"/sa/customers/{customer_id}")
        return None if found.get("errorCode") == "CUSTOMER_NOT_FOUND" else found["profile"]

    def reserve(self, cart_id, product_id, quantity, store_id):
        """Until when the goods are ours, in epoch milliseconds."""
        lines = [{"orderItemId": "1", "productId": product_id, "quantity": quantity}]
        found = self._call("POST", "/sa/cartValidation", {"cartId": cart_id, "storeId": store_id, "productList": lines})
        if found.get("errorCode"):
            raise SoldOut(found["errors"][0]["errorMessage"])
        return found["reservation"]["expiresAt"]

    def tax(self, product_id, price, address):
        """The tax; None where the tax service is down, and the till estimates."""
        lines = [{"productId": product_id, "quantity": 1, "price": price}]
        try:
            found = self._call("POST", "/taxEngine/calculateTax", {"destinationAddress": address, "productList": lines})
        except requests.RequestException:
            return None
        return sum(line["tax"] for line in found["productList"])

    def book_tax_later(self, order):
        """The sale is over for the customer; the booking goes out behind."""
        threading.Thread(target=self._call, args=("POST", "/taxEngine/finalizeTaxSubmission", order)).start()

    def _call(self, method, path, body=None):
        for last in (number == TRIES for number in range(1, TRIES + 1)):
            reply = requests.request(
                method, self.base_url + path, params={"api_key": self.api_key}, json=body, timeout=self.timeout
            )
            if reply.status_code != 503 or last:
                reply.raise_for_status()
                return reply.json()
            self.pause(int(reply.headers.get("Retry-After", "1")))
        raise AssertionError("never here")
