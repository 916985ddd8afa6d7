"""A large fixture set: the sample set with N customers in all, written record by record.

    .venv/bin/python benchmarks/generate.py 100000 /tmp/large

The same N gives the same bytes. ``mockspi fixtures lint`` finds nothing in it.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mockspi.fixtures.reading import sample_set
from mockspi.fixtures.writing import copy_sample

FIRST = ("Ada", "Björn", "Chloé", "Dušan", "Eirene", "Fumiko", "Gwen", "Håkon", "Inês", "Jiří", "Kateryna", "Lwazi", "Márta",
         "Nasrin", "Óscar", "Priya", "Quentin", "Rüya", "Søren", "Thảo", "Ulrike", "Vasile", "Wanjiru", "Xiomara", "Yusuf",
         "Zdeněk")  # fmt: skip
START = ("Ash", "Bram", "Cald", "Drav", "Elms", "Fjord", "Gren", "Hollo", "Ister", "Jarn", "Kest", "Lund", "Mar", "Nord", "Oak",
         "Pell", "Quarr", "Ros", "Stan", "Thorn", "Und", "Vall", "West", "Yew", "Zand")  # fmt: skip
END = ("berg", "by", "dahl", "eau", "ford", "gård", "ham", "ini", "jevic", "kamp", "ley", "moor", "nyi", "ovski", "pool", "quist",
       "ridge", "sen", "tal", "ulescu", "vliet", "worth")  # fmt: skip
STREETS = ("Lindenweg", "Rue des Carmes", "Mill Lane", "Calle del Pozo", "Larkspur Avenue", "Via Lunga", "Kanalgatan")
PLACES = (("Tulsa", "OK", "741{:02}", "US"), ("Fresno", "CA", "937{:02}", "US"), ("Kassel", "", "341{:02}", "DE"),
          ("Nantes", "", "443{:02}", "FR"), ("Murcia", "", "300{:02}", "ES"), ("Umeå", "", "903 {:02}", "SE"))  # fmt: skip
CONSENTS = ("newsLetterSignUp", "eReceipt", "smsSignUp", "agreeToTC", "directMailSignUp", "phoneSignUp", "loyaltySignUp")


def main() -> int:
    """Write the set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("customers", type=int)
    parser.add_argument("folder", type=Path, help="must not be there yet")
    options = parser.parse_args()
    write(options.customers, options.folder)
    return 0


def scratch() -> Path:
    """Where the benchmarks keep what is slow to make: MOCKSPI_BENCH, or a folder in the user's cache."""
    return Path(os.environ.get("MOCKSPI_BENCH") or Path.home() / ".cache/mockspi-bench")


def kept(customers: int) -> Path:
    """A set with so many customers, written unless an earlier run did."""
    made_of = [Path(__file__), *sorted(sample_set().folder.rglob("*.json"))]
    mark = hashlib.sha256(b"".join(one.read_bytes() for one in made_of)).hexdigest()[:12]
    folder = scratch() / f"set-{customers}-{mark}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
            write(customers, Path(beside) / "set")
            (Path(beside) / "set").rename(folder)
    return folder


def write(customers: int, folder: Path) -> None:
    """A copy of the sample set with so many customers."""
    copy_sample(folder)
    own = [record for name, _, record in sample_set().records() if name == "customers"]
    with (folder / "records" / "customers.json").open("w", encoding="utf-8") as file:
        file.write('{"$schema": "../schemas/customers.json", "records": [\n')
        for number, record in enumerate(itertools.islice(itertools.chain(own, more()), customers)):
            file.write((",\n" if number else "") + json.dumps(record, ensure_ascii=False))
        file.write("\n]}\n")


def more() -> Iterator[dict[str, Any]]:
    """Customers without end, none like another."""
    chance = random.Random("customers")
    for number in itertools.count(1):
        yield customer(number, chance)


def customer(number: int, chance: random.Random) -> dict[str, Any]:
    """One customer, about 1 KB of JSON."""
    first, last = chance.choice(FIRST), chance.choice(START) + chance.choice(END)
    homes = [place(chance) for _ in range(2)]
    profile = {
        "customerId": f"G-{number}",
        "firstName": first,
        "lastName": last,
        "email": f"generated.{number}@mail.example",
        "preferredLanguage": "en",
        "phoneMobile": f"+1-918-{number // 10_000_000:03}-{number % 10_000_000:07}",
        "address": homes[0],
    }
    addresses = [
        {"addressId": f"GA-{number}-{turn}", "firstName": first, "lastName": last, **home, "isDefault": turn == 1}
        for turn, home in enumerate(homes, start=1)
    ]
    found: dict[str, Any] = {
        "profile": profile,
        "addressList": addresses,
        "consents": {one: chance.random() < 0.5 for one in CONSENTS},
    }
    if number % 4 == 0:
        tier = {"name": "BRONZE", "title": "Bronze Member"}
        found["loyaltyProfile"] = {"loyaltyId": f"GL-{number}", "points": chance.randint(0, 5000), "currentTier": tier}
    return found


def place(chance: random.Random) -> dict[str, str]:
    """An address."""
    city, state, postal, country = chance.choice(PLACES)
    street = {
        "addressLine1": f"{chance.randint(1, 240)} {chance.choice(STREETS)}",
        "addressLine2": f"Apt {chance.randint(1, 60)}",
    }
    region = {"state": state} if state else {}
    return {**street, "city": city, **region, "postalCode": postal.format(chance.randint(0, 99)), "countryCode": country}


if __name__ == "__main__":
    sys.exit(main())
