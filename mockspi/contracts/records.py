"""The collections of a fixture set: what a record may hold, what makes its key, what it points to.

A record that the POS has written may hold more than its shape declares (shapes are open); one in a fixture file
may not, unless the set declares it in ``custom_attributes.json``.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from marshmallow import validate

from mockspi.contracts.common import FULFILLMENT, OMNI_FULFILLMENT, Address, Reserved, SavedAddress, Tier
from mockspi.contracts.order_record import Order
from mockspi.exchange import Json
from mockspi.schema import ASSUMED, PUBLIC, SEED, Choice, Flag, Id, Integer, Many, Moment, Money, Number, Part, Shape, Text
from mockspi.store.base import Collection, Term, walk
from mockspi.store.terms import compact, exact, folded, moment, newest_first, phone

__all__ = ["COLLECTIONS", "FULFILLMENT", "KINDS", "OMNI_FULFILLMENT", "Kind", "Reference"]

ONLINE = "ONLINE"
_CLOCK = validate.Regexp(r"([01]\d|2[0-3]):[0-5]\d\Z", error="a time of day such as 14:30 is expected")
_DATE = validate.Regexp(r"\d{4}-\d{2}-\d{2}\Z", error="a date such as 2026-12-25 is expected")
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


class Record(Shape):
    """The base of what is stored: merchants' own attributes are kept."""

    OPEN = True


class TaxInfo(Record):
    """A customer's tax registration."""

    SOURCE = PUBLIC

    taxId = Text()


class Profile(Record):
    """Who a customer is."""

    SOURCE = PUBLIC

    customerId = Id(source=SEED)
    salutation = Text()
    firstName = Text()
    lastName = Text()
    email = Text()
    gender = Text()
    birthday = Moment()
    preferredLanguage = Text()
    phoneMobile = Text()
    phoneHome = Text()
    address = Part(Address)
    taxInfo = Part(TaxInfo)
    alternateCustomerId = Text()


class SavedProfile(Profile):
    """Who a customer is, once the merchant knows them: they have an id."""

    customerId = Id(required=True, source=SEED)


class CurrentTier(Tier):
    """The tier that a customer has, and until when."""

    expiryDate = Moment(source=SEED)


class LoyaltyProfile(Record):
    """A customer's standing in the loyalty programme."""

    loyaltyId = Id()
    points = Integer(low=0)
    currentStoreCredit = Money(source=PUBLIC)
    currentTier = Part(CurrentTier, source=PUBLIC)


class Consents(Record):
    """What a customer agreed to."""

    SOURCE = PUBLIC

    newsLetterSignUp = Flag()
    eReceipt = Flag()
    smsSignUp = Flag()
    agreeToTC = Flag()
    directMailSignUp = Flag()
    phoneSignUp = Flag()
    loyaltySignUp = Flag()


class Card(Record):
    """A payment card on file; never its number."""

    cardType = Text(source=PUBLIC)
    lastFour = Text(validate=validate.Length(equal=4))
    expiryMonth = Integer(low=1, high=12)
    expiryYear = Integer(low=2000, high=2100)
    cardHolderName = Text()
    cardAcquisitionToken = Id()


class WishedProduct(Record):
    """One product of a wish list."""

    productId = Id(required=True)


class Customer(Record):
    """A customer; ``orderCount`` is not here because it is counted, not kept."""

    SOURCE = PUBLIC

    profile = Part(SavedProfile, required=True)
    addressList = Many(SavedAddress)
    loyaltyProfile = Part(LoyaltyProfile)
    consents = Part(Consents)
    cardList = Many(Card)
    products = Many(WishedProduct, about="the wish list")


class Product(Record):
    """Something that is sold."""

    productId = Id(required=True, source=PUBLIC)
    gtin = Text(required=True, source=PUBLIC, validate=validate.Regexp(r"\d{8,14}\Z", error="8 to 14 digits are expected"))
    name = Text(required=True, source=PUBLIC)
    variantGroupId = Text(source=PUBLIC)
    productClass = Text(required=True, source=PUBLIC)
    productTaxCode = Id(required=True, source=PUBLIC)
    price = Money(low=0, required=True, source=PUBLIC)
    currency = Text(required=True, source=PUBLIC)
    color = Text(source=PUBLIC)
    size = Text(source=PUBLIC)
    imageURL = Text(source=PUBLIC)
    returnable = Flag(required=True)
    weight = Number(low=0, about="kilograms")


class Shop(Record):
    """A store."""

    storeId = Id(required=True, source=PUBLIC)
    name = Text(required=True)
    address = Part(Address, required=True)
    latitude = Number(low=-90, high=90)
    longitude = Number(low=-180, high=180)
    timeZone = Text(required=True, about="IANA name")
    currency = Text(required=True)
    pickup = Flag(required=True)


class Stock(Record):
    """How much of a product lies at a place."""

    productId = Id(required=True)
    locationId = Id(required=True, about="a storeId, or ONLINE")
    onHand = Integer(low=0, required=True)


class Employee(Record):
    """Somebody who may have an employee discount."""

    employeeId = Id(required=True)
    firstName = Text(required=True)
    lastName = Text(required=True)
    email = Text()
    storeId = Id()
    active = Flag(required=True)
    discountPercent = Number(low=0, high=100, required=True)
    discountLimit = Money(low=0, required=True)


class Reward(Record):
    """Something that a customer can use as a tender."""

    rewardId = Id(required=True)
    customerId = Id(required=True)
    name = Text(required=True)
    amount = Money(low=0, required=True)
    currency = Text(required=True)
    expiryDate = Moment(required=True)
    status = Choice("AVAILABLE", "USED", required=True)


class TaxRate(Record):
    """A rate of one jurisdiction; members of a place that are absent match any."""

    jurisdiction = Id(required=True)
    level = Choice("COUNTRY", "STATE", "COUNTY", "CITY", required=True)
    countryCode = Id(required=True)
    state = Text()
    city = Text()
    postalCode = Text()
    taxCode = Id(required=True, about="a productTaxCode, or * for any other")
    rate = Number(low=0, high=1, required=True, about="a fraction: 0.0625 is 6.25 %")
    name = Text(required=True)
    appliesToShipping = Flag(required=True)
    included = Flag(required=True, about="true where prices contain the tax (VAT)")


class TaxExemption(Record):
    """A reason not to pay tax, and where it counts."""

    exemptionCode = Id(required=True)
    name = Text(required=True)
    countryCode = Id(required=True)
    state = Text()
    taxCodes = Many(Id(), required=True, about="productTaxCodes, or * for all")
    requiresCertificate = Flag(required=True)


class ShippingMethod(Record):
    """A way to send things."""

    shippingMethodId = Id(required=True)
    name = Text(required=True)
    carrier = Text(required=True)
    price = Money(low=0, required=True)
    currency = Text(required=True)
    freeOver = Money(low=0)
    countries = Many(Id(), required=True)
    minDays = Integer(low=0, high=365, required=True)
    maxDays = Integer(low=0, high=365, required=True)
    pickup = Flag(required=True)


class WeeklySlot(Record):
    """One slot of a week."""

    day = Choice(*DAYS, required=True)
    startTime = Text(required=True, validate=_CLOCK)
    endTime = Text(required=True, validate=_CLOCK)
    capacity = Integer(low=0, required=True)


class SlotPattern(Record):
    """When a store (or ONLINE) delivers or hands over by one shipping method."""

    storeId = Id(required=True, about="a storeId, or ONLINE")
    shippingMethodId = Id(required=True)
    cutOff = Text(required=True, validate=_CLOCK, about="after it the first day moves on by one")
    leadDays = Integer(low=0, high=365, required=True)
    horizonDays = Integer(low=1, high=365, required=True)
    weekly = Many(WeeklySlot, required=True)
    blackoutDates = Many(Text(validate=_DATE))


class Interaction(Record):
    """A contact with a customer."""

    interactionId = Id(required=True)
    customerId = Id(required=True)
    type = Text(required=True)
    date = Moment(required=True)
    storeId = Id()
    associateId = Id()
    note = Text()


class LoyaltyTier(Tier):
    """A tier of the programme: from how many points, and what a point costs."""

    SOURCE = ASSUMED

    threshold = Integer(low=0, required=True)
    multiplier = Number(low=0, required=True)
    pointsPerUnit = Integer(low=0, required=True, about="points for one unit of currency")


class Reservation(Record):
    """Stock held for a cart until it is sold, reverted or expired."""

    cartId = Id(required=True)
    expiresAt = Moment(required=True)
    productList = Many(Reserved, required=True)


class TaxSubmission(Record):
    """Taxes that were finalised for an order."""

    orderId = Id(required=True)
    submissionId = Id(required=True)
    totalTax = Money(required=True)
    date = Moment(required=True)


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


def _by_name(record: Json) -> str:
    parts = (next(iter(walk(record, path)), "") for path in ("profile.lastName", "profile.firstName", "profile.customerId"))
    return "\x01".join(folded(part) for part in parts)


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
                Term("email", ("profile.email",), folded),
                Term("phone", ("profile.phoneMobile", "profile.phoneHome"), phone),
                Term("phoneMobile", ("profile.phoneMobile",), phone),
                Term("firstName", ("profile.firstName",), folded),
                Term("lastName", ("profile.lastName",), folded),
                Term("postalCode", ("profile.address.postalCode", "addressList[].postalCode"), compact),
                Term("card", ("cardList[].cardAcquisitionToken",)),
            ),
            order=_by_name,
        ),
        Customer,
        (Reference("products[].productId", "products"), Reference("loyaltyProfile.currentTier.name", "loyalty_tiers")),
    ),
    Kind(Collection("products", key=("productId",), terms=(Term("gtin", ("gtin",)),)), Product),
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
                Term("email", ("email", "customerProfile.email"), folded),
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
            ),
            order=lambda record: newest_first(record["orderDate"]),
        ),
        Order,
        (
            _STORE,
            Reference("customerProfile.customerId", "customers"),
            Reference("orderProductList[].productId", "products"),
            Reference("orderProductList[].fulfillmentLocation", "stores", _PLACES),
            Reference("orderProductList[].shippingMethodId", "shipping_methods"),
            Reference("orderProductList[].salesAssociateAttribution[].storeAssociateId", "employees"),
            Reference("returnProductList[].productId", "products"),
        ),
    ),
    Kind(Collection("employees", key=("employeeId",)), Employee, (_STORE,)),
    Kind(
        Collection(
            "rewards",
            key=("rewardId",),
            terms=(Term("customerId", ("customerId",)),),
            order=lambda record: moment(record["expiryDate"]),
        ),
        Reward,
        (_CUSTOMER,),
    ),
    Kind(
        Collection(
            "tax_rates",
            key=("jurisdiction", "taxCode"),
            terms=(Term("countryCode", ("countryCode",), folded),),
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
            "reservations",
            key=("cartId",),
            terms=(Term("productId", ("productList[].productId",), exact),),
        ),
        Reservation,
        (Reference("productList[].productId", "products"), Reference("productList[].locationId", "stores", _PLACES)),
        written=True,
    ),
    Kind(Collection("tax_submissions", key=("orderId",)), TaxSubmission, written=True),
)

COLLECTIONS = MappingProxyType({kind.collection.name: kind.collection for kind in KINDS})
