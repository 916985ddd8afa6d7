"""The rate table: which rates, and which exemptions, hold at an address.

Invariants:

- place: a rate holds where the address has everything that the rate names (country, state, city, postal code); case,
  accents and blanks aside, and a five-digit ZIP code holds for its nine-digit ones.
- one rate per level: at an address, for a product tax code, at most one rate of each level counts: that whose place is
  most specific (postal code, then city, then state), and there the code's own before ``*``. No two rates tie.
- known: an address, or a product tax code there, for which no rate counts is refused, never taxed with nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from mockspi.exchange import Json
from mockspi.refusals import TaxJurisdictionUnknown
from mockspi.retail.places import country
from mockspi.store.base import Criterion, Readable
from mockspi.store.terms import compact, folded

ANY = "*"
LEVELS = ("COUNTRY", "STATE", "COUNTY", "CITY")
COLUMNS = (
    "jurisdiction", "level", "countryCode", "state", "city", "postalCode", "taxCode", "rate", "name",
    "appliesToShipping", "included",
)  # fmt: skip
_ZIP, _ZIP_PLUS_4 = 5, 9


def rates_for(records: Readable, place: Json, tax_code: str) -> list[Json]:
    """The rates that count at an address for a product tax code, the widest level first."""
    near = records.find("tax_rates", Criterion("anchor", anchors(place))).records
    here = [rate for rate in near if rate["taxCode"] in (ANY, tax_code) and holds(rate, place)]
    if not here:
        raise TaxJurisdictionUnknown
    chosen = {rate["level"]: rate for rate in sorted(here, key=_specific)}
    return [chosen[level] for level in LEVELS if level in chosen]


def holds(rule: Json, place: Json, *, partly: bool = False) -> bool:
    """Whether a rate (or an exemption) holds at an address; ``partly``: or could, for what the address leaves out."""
    for name, same in _MEMBERS.items():
        if named := rule.get(name):
            given = country(place) if name == "countryCode" else place.get(name)
            if not (same(named, given) if given else partly):
                return False
    return True


def anchor(rate: Any) -> str:
    """The narrowest thing that a rate names, by which it is found among tens of thousands; a text is one already."""
    if isinstance(rate, str):
        return rate
    narrowest = next((name for name in ("postalCode", "city", "state") if rate.get(name)), "countryCode")
    return _anchor(rate["countryCode"], narrowest, rate[narrowest])


def anchors(place: Json) -> tuple[str, ...]:
    """The anchors of every rate that could hold at an address."""
    here, postal = country(place), compact(place.get("postalCode", ""))
    parts = [("postalCode", postal), ("postalCode", postal[:_ZIP]), *((name, place.get(name, "")) for name in ("city", "state"))]
    named = [(name, value) for name, value in (*parts, ("countryCode", here)) if value or name == "countryCode"]
    return tuple(dict.fromkeys(_anchor(here, name, value) for name, value in named))


def _anchor(here: str, name: str, value: str) -> str:
    return f"{folded(here)} {name} {compact(value)}"


def held(rules: Iterable[Json], place: Json) -> Iterator[Json]:
    """The rates or exemptions that hold for what is given of a place; what is not given does not narrow."""
    return (rule for rule in rules if holds(rule, place, partly=True))


def ties(rates: Sequence[Json]) -> Iterator[tuple[int, str]]:
    """The positions of rates that could never count, each with why."""
    first: dict[tuple[str, ...], Json] = {}
    for index, rate in enumerate(rates):
        place = (compact(rate[name]) if name == "postalCode" else folded(rate[name]) for name in _MEMBERS if rate.get(name))
        named = "".join(name for name in _MEMBERS if rate.get(name))
        earlier = first.setdefault((rate["level"], rate["taxCode"], named, *place), rate)
        if earlier is not rate:
            yield index, f"same level, place and taxCode as {earlier['jurisdiction']}|{earlier['taxCode']}; only one can count"


def _specific(rate: Json) -> tuple[int, bool, bool, bool]:
    return (len(compact(rate.get("postalCode", ""))), bool(rate.get("city")), bool(rate.get("state")), rate["taxCode"] != ANY)


def _same(one: str, other: str) -> bool:
    return folded(one) == folded(other)


def _same_postal(named: str, given: str) -> bool:
    named, given = compact(named), compact(given)
    if named.isdigit() and given.isdigit() and (len(named), len(given)) == (_ZIP, _ZIP_PLUS_4):
        return given.startswith(named)
    return named == given


_MEMBERS: dict[str, Callable[[str, str], bool]] = {
    "countryCode": _same,
    "state": _same,
    "city": _same,
    "postalCode": _same_postal,
}
