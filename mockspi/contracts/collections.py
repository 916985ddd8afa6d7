"""The collections of a fixture set: what makes a record's key, what it is searched by, what it points to."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from mockspi.contracts.event_record import ReceivedEvent
from mockspi.contracts.order_record import Order as OrderRecord
from mockspi.contracts.order_record import Receipt
from mockspi.contracts.records import (
    Customer,
    Employee,
    Interaction,
    LoyaltyEntry,
    LoyaltyTier,
    Product,
    Reservation,
    Reward,
    ShippingMethod,
    Shop,
    SlotPattern,
    Stock,
)
from mockspi.contracts.tax_records import TaxExemption, TaxRate, TaxSubmission
from mockspi.retail.loyalty import is_available
from mockspi.retail.orders import counts
from mockspi.retail.places import ONLINE
from mockspi.retail.reservations import is_held
from mockspi.retail.taxes_rates import anchor
from mockspi.schema import Shape
from mockspi.store.base import Collection, Order, Term
from mockspi.store.terms import compact, exact, folded, folded_anew, moment, newest_first, phone


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that names a record elsewhere; ``also`` are words that stand for no record."""

    path: str
    collection: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A collection, the shape of its records and what they point to."""

    collection: Collection
    shape: type[Shape]
    references: tuple[Reference, ...] = ()
    written: bool = False  #: made by calls; a fixture set need not bring it


_BY_NAME = Order((("profile.lastName", folded), ("profile.firstName", folded), ("profile.customerId", folded_anew)))
_STORE = Reference("storeId", "stores")
_CUSTOMER = Reference("customerId", "customers")
_PLACES = (ONLINE,)

KINDS = (
    Kind(
        Collection(
            "customers",
            key=("profile.customerId",),
            terms=(
                Term("customerId", ("profile.customerId",)),
                Term("loyaltyId", ("loyaltyProfile.loyaltyId",)),
                Term("email", ("profile.email",), folded_anew),
                Term("phone", ("profile.phoneMobile", "profile.phoneHome"), phone),
                Term("phoneMobile", ("profile.phoneMobile",), phone),
                Term("firstName", ("profile.firstName",), folded),
                Term("lastName", ("profile.lastName",), folded),
                Term("postalCode", ("profile.address.postalCode", "addressList[].postalCode"), compact),
                Term("card", ("cardList[].cardAcquisitionToken",)),
            ),
            order=_BY_NAME,
            unique=("email", "phoneMobile"),
            leading="lastName",
        ),
        Customer,
        (Reference("products[].productId", "products"), Reference("loyaltyProfile.currentTier.name", "loyalty_tiers")),
    ),
    Kind(Collection("products", key=("productId",), terms=(Term("gtin", ("gtin",)),), unique=("gtin",)), Product),
    Kind(Collection("stores", key=("storeId",)), Shop),
    Kind(
        Collection("stock", key=("productId", "locationId"), terms=(Term("productId", ("productId",)),)),
        Stock,
        (Reference("productId", "products"), Reference("locationId", "stores", _PLACES)),
    ),
    Kind(
        Collection(
            "orders",
            key=("orderId",),
            terms=(
                Term("orderId", ("orderId", "displayOrderId")),
                Term("customerId", ("customerProfile.customerId",)),
                Term("email", ("email", "customerProfile.email"), folded_anew),
                Term("phoneNumber", ("phoneNumber", "customerProfile.phoneMobile"), phone),
                Term("firstName", ("customerProfile.firstName", "shippingAddress.firstName"), folded),
                Term("lastName", ("customerProfile.lastName", "shippingAddress.lastName"), folded),
                Term("storeId", ("storeId",)),
                Term("productId", ("orderProductList[].productId",)),
                Term("gtin", ("orderProductList[].gtin",)),
                Term("lastFour", ("tenders[].lastFour",)),
                Term("cardType", ("tenders[].cardType",), folded),
                Term("expiryMonth", ("tenders[].expiryMonth",)),
                Term("expiryYear", ("tenders[].expiryYear",)),
                Term("orderStatus", ("orderStatus",)),
                Term("orderSource", ("orderSource",)),
                Term("orderDate", ("orderDate",), moment),
                Term("employeeId", ("employeeId",), exact, counts),
                Term("slotId", ("slotId", "orderProductList[].slotId"), exact, counts),
            ),
            order=lambda record: newest_first(record["orderDate"]),
        ),
        OrderRecord,
        (
            _STORE,
            Reference("customerProfile.customerId", "customers"),
            Reference("orderProductList[].productId", "products"),
            Reference("orderProductList[].fulfillmentLocation", "stores", _PLACES),
            Reference("orderProductList[].shippingMethodId", "shipping_methods"),
            Reference("orderProductList[].salesAssociateAttribution[].storeAssociateId", "employees"),
            Reference("employeeId", "employees"),
            Reference("returnProductList[].productId", "products"),
        ),
    ),
    Kind(Collection("employees", key=("employeeId",)), Employee, (_STORE,)),
    Kind(
        Collection(
            "rewards",
            key=("rewardId",),
            terms=(Term("customerId", ("customerId",)), Term("expiryDate", ("expiryDate",), moment, is_available)),
            order=lambda record: moment(record["expiryDate"]),
        ),
        Reward,
        (_CUSTOMER, Reference("orderId", "orders")),
    ),
    Kind(
        Collection(
            "tax_rates",
            key=("jurisdiction", "taxCode"),
            terms=(Term("anchor", ("",), anchor),),
        ),
        TaxRate,
    ),
    Kind(Collection("tax_exemptions", key=("exemptionCode",)), TaxExemption),
    Kind(Collection("shipping_methods", key=("shippingMethodId",)), ShippingMethod),
    Kind(
        Collection("delivery_slots", key=("storeId", "shippingMethodId")),
        SlotPattern,
        (Reference("storeId", "stores", _PLACES), Reference("shippingMethodId", "shipping_methods")),
    ),
    Kind(
        Collection(
            "interactions",
            key=("interactionId",),
            terms=(Term("customerId", ("customerId",)),),
            order=lambda record: newest_first(record["date"]),
        ),
        Interaction,
        (_CUSTOMER, _STORE, Reference("associateId", "employees")),
    ),
    Kind(Collection("loyalty_tiers", key=("name",)), LoyaltyTier),
    Kind(
        Collection(
            "loyalty_entries",
            key=("customerId", "entryId"),
            terms=(Term("customerId", ("customerId",)), Term("expiresAt", ("expiresAt",), moment)),
            order=lambda record: str(record["entryId"]).rjust(20),
        ),
        LoyaltyEntry,
        (_CUSTOMER, Reference("orderId", "orders")),
        written=True,
    ),
    Kind(
        Collection(
            "reservations",
            key=("cartId",),
            terms=(
                Term("productId", ("productList[].productId",), exact, is_held),
                Term("expiresAt", ("expiresAt",), moment, is_held),
            ),
        ),
        Reservation,
        (Reference("productList[].productId", "products"), Reference("productList[].locationId", "stores", _PLACES)),
        written=True,
    ),
    Kind(Collection("receipts", key=("orderId", "token"), terms=(Term("orderId", ("orderId",)),)), Receipt, written=True),
    Kind(
        Collection(
            "received",
            key=("eventId",),
            terms=(
                Term("same", ("same[]",)),
                Term("event", ("event",)),
                Term("orderId", ("orderId",)),
                Term("state", ("state",)),
                Term("id", ("id", "eventId")),
            ),
            order=lambda record: f"{record['number']:012d}",
        ),
        ReceivedEvent,
        written=True,
    ),
    Kind(Collection("tax_submissions", key=("orderId",)), TaxSubmission, written=True),
)

BY_NAME = MappingProxyType({kind.collection.name: kind for kind in KINDS})
COLLECTIONS = MappingProxyType({kind.collection.name: kind.collection for kind in KINDS})
