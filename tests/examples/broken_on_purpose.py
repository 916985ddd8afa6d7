"""What a developer sees when a test fails; ``tests/test_examples.py`` runs it and reads the report."""

from checkout_client import Checkout


def test_the_right_customer_is_looked_up(mockspi):
    checkout = Checkout(mockspi.base_url, mockspi.api_key)
    checkout.customer("C-1002")
    checkout.reserve("CART-1", "P-1001", 1, "S-102")
    mockspi.verify("GET_CUSTOMER", path={"customerId": "C-1001"}, exactly=1)
