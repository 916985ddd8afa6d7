"""Retail Cloud: how registers and integrations fare. What is told is the vendor's, the members' names are assumed."""

from __future__ import annotations

from mockspi.event import RETAIL_CLOUD, Event
from mockspi.schema import ASSUMED, Choice, Flag, Id, Integer, Many, Moment, Part, Shape, Text


class _Assumed(Shape):
    SOURCE, OPEN = ASSUMED, True


class Register(_Assumed):
    """Which register, running what."""

    storeId = Id(required=True)
    registerId = Id(required=True)
    installationId = Id()
    environment = Text(about="such as staging or production")
    region = Text()
    appName = Text()
    appVersion = Text()
    os = Text()
    osVersion = Text()
    deviceModel = Text()


class RegisterCrash(Register):
    """A crash of the POS app."""

    crashTime = Moment(required=True)
    message = Text()
    stackTrace = Text()


class NetworkVital(_Assumed):
    """How the register is connected."""

    connected = Flag(required=True)
    connectionType = Text(about="such as WIFI")


class AssociateVital(_Assumed):
    """Who signed in or out."""

    associateId = Id(required=True)
    action = Choice("SIGN_IN", "SIGN_OUT", required=True)
    time = Moment()


class PeripheralVital(_Assumed):
    """A device beside the register."""

    name = Text(required=True)
    type = Text(about="such as PRINTER, SCANNER or CARD_READER")
    connected = Flag(required=True)
    status = Text()


class OrderSyncVital(_Assumed):
    """Orders that were taken offline and wait."""

    pending = Integer(low=0)
    failed = Integer(low=0)
    lastSyncTime = Moment()


class FeedSyncVital(_Assumed):
    """A feed of data that the register keeps for when it is offline."""

    feed = Text(required=True, about="such as PRODUCTS or PRICES")
    status = Text()
    lastSyncTime = Moment()


class RegisterVitals(Register):
    """How a register is; only what is told about comes."""

    vitalsTime = Moment(required=True)
    network = Part(NetworkVital)
    associate = Part(AssociateVital)
    peripherals = Many(PeripheralVital)
    orderSync = Part(OrderSyncVital)
    feedSyncs = Many(FeedSyncVital)


class MonitoringEvent(_Assumed):
    """An SPI or webhook that went wrong, or took longer than its connector allows."""

    eventType = Choice(
        "RECEIVED_ERROR",
        "THRESHOLD_EXCEEDED",
        required=True,
        about="an error: 4xx, 5xx or an error inside a 200; a threshold: no answer in time, or slower than the connector's limit",
    )
    eventTime = Moment(required=True)
    endpointName = Id(required=True)
    connectorType = Choice("SPI", "Webhook")
    integrationType = Text(about="such as HTTP_POST")
    url = Text(about="what was called; keys in it are masked")
    httpStatus = Integer(low=100, high=599, about="absent where nothing was answered")
    errorCode = Text(about="from the answer's body")
    errorMessage = Text(about="from the answer's body")
    latency = Integer(low=0, about="milliseconds")
    latencyThreshold = Integer(low=0, about="milliseconds, as the connector sets it")
    timedOut = Flag()
    storeId = Id()
    registerId = Id()


EVENTS = (
    Event(name="POS_CRASH_DATA", platform=RETAIL_CLOUD, about="The POS app crashed on a register.", body=RegisterCrash),
    Event(
        name="POS_VITALS",
        platform=RETAIL_CLOUD,
        about="How a register is: its network, who signed in or out, its peripherals, what it has synchronised.",
        body=RegisterVitals,
    ),
    Event(
        name="EXPORT_MONITORING_EVENTS",
        platform=RETAIL_CLOUD,
        about="An SPI or webhook failed or was slow. Told one after another, never in parallel.",
        body=MonitoringEvent,
        methods=("POST", "PUT"),
    ),
)
