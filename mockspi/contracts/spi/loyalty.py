"""Loyalty: points of a transaction, and rewards that can be used as a tender."""

from __future__ import annotations

from mockspi.contract import Call, Contract
from mockspi.contracts.common import LineRequest
from mockspi.contracts.order_record import OrderCustomer, Tender
from mockspi.exchange import Json
from mockspi.refusals import CustomerNotFound, LoyaltyProfileNotFound
from mockspi.retail import loyalty
from mockspi.schema import PUBLIC, Id, Integer, Many, Moment, Money, Part, Shape, Text

GROUP = "Loyalty"
_SAMPLE = "/merchant/spi/sample/endpoint"


class SaleRequest(Shape):
    """An order or a cart with the customer and what it is worth."""

    SOURCE, OPEN = PUBLIC, True

    orderId = Id()
    cartId = Id()
    storeId = Id()
    customerId = Id(about="or customerProfile.customerId")
    customerProfile = Part(OrderCustomer)
    currency = Text()
    orderSubTotal = Money()
    discount = Money()
    transactionDiscountAmount = Money(low=0, about="taken off a cart's lines; in an order they hold their share of it")
    taxSubTotal = Money()
    totalAmount = Money(about="used with taxSubTotal where no lines are sent")
    productList = Many(LineRequest)
    orderProductList = Many(LineRequest)
    tenders = Many(Tender)


class PointsReply(Shape):
    """The points of this transaction, and what the customer has; of an order that has arrived, what was booked."""

    pointsEarned = Integer(low=0, required=True)
    pointsRedeemed = Integer(low=0, required=True)
    pointsBalance = Integer(required=True, about="as of now, without what has expired")
    tier = Text()


class RewardRequest(Shape):
    """Whose rewards; one of these is enough, all that are given must hold."""

    OPEN = True
    ONE_OF = ("customerId", "cardAcquisitionToken", "email", "phone", "loyaltyId")

    customerId = Id(source=PUBLIC)
    cardAcquisitionToken = Id(source=PUBLIC)
    email = Id()
    phone = Id()
    loyaltyId = Id()


class UsableReward(Shape):
    """A reward that can be used now."""

    rewardId = Id(required=True)
    name = Text(required=True)
    amount = Money(required=True)
    currency = Text(required=True)
    expiryDate = Moment(required=True)


class RewardReply(Shape):
    """The rewards that can be used, the first to expire first."""

    rewards = Many(UsableReward, required=True)


def points(call: Call) -> Json:
    """What this sale earns."""
    return loyalty.points(call.records, call.body, call.clock.now())


def rewards(call: Call) -> Json:
    """What this customer can use."""
    return loyalty.rewards(call.records, call.body, call.clock.now())


CONTRACTS = (
    Contract(
        name="LOYALTY_POINTS_EARNED",
        call="POST /sa/getLoyaltyPoints",
        sample=_SAMPLE + "/sa/getLoyaltyPoints",
        about="The points that a transaction earns, for the receipt; only for customers with a loyalty profile.",
        group=GROUP,
        body=SaleRequest,
        reply=PointsReply,
        answer=points,
        fails=(LoyaltyProfileNotFound,),
    ),
    Contract(
        name="REWARD_LOOKUP",
        call="POST /reward/lookup",
        sample=_SAMPLE + "/reward/lookup",
        about="The rewards of a customer that can be used as a tender.",
        group=GROUP,
        body=RewardRequest,
        reply=RewardReply,
        answer=rewards,
        fails=(CustomerNotFound,),
        refusal={"rewards": []},
    ),
)
