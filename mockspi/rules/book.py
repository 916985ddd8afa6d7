"""What a fixture set brings to every sandbox: scenarios to put on, and magic values that always work."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mockspi.conforming import faults
from mockspi.exchange import Json
from mockspi.rules.known import Known
from mockspi.rules.matching import Asked, Rule
from mockspi.rules.shapes import Then, check_then
from mockspi.schema import Many, Part, Problem, Shape, Text, did_you_mean

FORMS = ("id", "email", "postalCode")


class Fields(Shape):
    """The members of a request that may hold a magic value, by the form of their values."""

    id = Many(Text(), required=True)
    email = Many(Text(), required=True)
    postalCode = Many(Text(), required=True)


class MagicValue(Shape):
    """What happens, and the values that make it happen; ``contract`` narrows it."""

    about = Text(required=True)
    id = Text()
    email = Text()
    postalCode = Text()
    contract = Text()
    then = Part(Then, required=True)


class Catalogue(Shape):
    """The magic values of a fixture set."""

    schema_ = Text(data_key="$schema")
    about = Text()
    fields_ = Part(Fields, data_key="fields", required=True)
    values = Many(MagicValue, required=True)


@dataclass(frozen=True, slots=True)
class Magic:
    """One magic value under one contract."""

    contract: str
    form: str
    value: str
    about: str
    rule: Rule


@dataclass(frozen=True)
class Book:
    """``scenarios``: name, then its document; ``catalogue``: the magic values' document."""

    known: Known
    scenarios: Mapping[str, Json] = field(default_factory=dict)
    catalogue: Json = field(default_factory=dict)

    @cached_property
    def magic(self) -> list[Magic]:
        """Every magic value of every contract."""
        return list(_magic(self.catalogue, self.known))

    @cached_property
    def _forms(self) -> dict[str, str]:
        return {name: form for form in FORMS for name in self.catalogue.get("fields", {}).get(form, [])}

    @cached_property
    def _index(self) -> dict[str, dict[tuple[str, str], Rule]]:
        index: dict[str, dict[tuple[str, str], Rule]] = {}
        for one in self.magic:
            index.setdefault(one.contract, {}).setdefault((one.form, one.value), one.rule)
        return index

    @cached_property
    def _marks(self) -> tuple[bytes, ...]:
        """Bytes of which a JSON body with a magic value holds at least one: what the values of a form share, or an escape."""
        return (*_marks_of((one.form, one.value) for one in self.magic), *([b"\\"] if self.magic else []))

    def fields(self, form: str) -> list[str]:
        """The members that may hold values of a form."""
        return list(self.catalogue.get("fields", {}).get(form, []))

    def told(self) -> list[Json]:
        """Every magic value for a program."""
        return [
            {
                "contract": one.contract,
                "value": one.value,
                "fields": self.fields(one.form),
                "about": one.about,
                "then": one.rule.then,
            }
            for one in self.magic
        ]

    def told_by_value(self) -> list[Json]:
        """Every line of the catalogue for a person: its contracts, and its value in each form."""
        found = []
        for one in self.catalogue.get("values", []):
            contracts = list(dict.fromkeys(magic.contract for magic in _magic({"values": [one]}, self.known)))
            found.append({"contracts": contracts, "values": [one.get(form, "") for form in FORMS], "about": one["about"]})
        return found

    def maybe_magic(self, body: bytes) -> bool:
        """Whether a plain body may hold a magic value: cheap, and never wrongly no."""
        return any(mark in body for mark in self._marks)

    def magic_in(self, asked: Asked) -> Rule | None:
        """The rule of the first magic value in a call; looked for but once."""
        if asked.magic is None:
            asked.magic = (self._magic_in(asked),)
        return asked.magic[0]

    def _magic_in(self, asked: Asked) -> Rule | None:
        mine = self._index.get(asked.contract)
        if not mine:
            return None
        for name, value in asked.members():
            if isinstance(value, str) and (form := self._forms.get(name)) and (rule := mine.get((form, value))):
                return rule
        return None

    def rules(self, scenario: str, since: int) -> tuple[Rule, ...]:
        """The rules of a scenario that was put on at a real time; none where it is not in the set any more."""
        documents = self.scenarios.get(scenario, {}).get("rules", [])
        return tuple(
            Rule.of(one, f"{scenario}/{index}", f"{scenario}/{one.get('name', index + 1)}", since, self.known)
            for index, one in enumerate(documents)
        )


def posted(documents: list[Json], known: Known) -> tuple[Rule, ...]:
    """The rules that were posted to a sandbox: each with ``rule`` and ``since``."""
    return tuple(
        Rule.of(one["rule"], f"/{index}", one["rule"].get("name") or f"rule {index + 1}", one["since"], known)
        for index, one in enumerate(documents)
    )


def _marks_of(values: Iterable[tuple[str, str]]) -> list[bytes]:
    """Bytes of which a text with one of these (form, value) as a JSON text holds at least one: what those of a form share."""
    by_form: dict[str, list[str]] = {}
    for form, value in values:
        by_form.setdefault(form, []).append(value)
    shared = [(_shared(texts), _shared([text[::-1] for text in texts])[::-1]) for texts in by_form.values()]
    return [(f'"{head}' if len(head) >= len(tail) else f'{tail}"').encode() for head, tail in shared]


def _shared(values: list[str]) -> str:
    """The beginning that all have in common."""
    first, last = min(values), max(values)
    return first[: next((place for place, letter in enumerate(first) if not last.startswith(letter, place)), len(first))]


def _magic(catalogue: Json, known: Known) -> Iterator[Magic]:
    for one in catalogue.get("values", []):
        then, contract = one["then"], one.get("contract")
        ids = known.answering(then["error"], contract) if "error" in then else known.ids(contract)
        ids -= known.received if contract is None else frozenset()
        for form in FORMS:
            if value := one.get(form):
                rule = Rule(f"magic/{value}", f"magic/{value}", ids, then)
                yield from (Magic(id_, form, value, one["about"], rule) for id_ in known.fails if id_ in ids)


def check_catalogue(value: Any, known: Known) -> list[Problem]:
    """Everything that is wrong with a document of magic values."""
    if found := faults(Catalogue, value):
        return found
    found, taken = [], dict[tuple[str, str, str], int]()
    for index, one in enumerate(value["values"]):
        found += _check_value(one, f"/values/{index}", known)
    if not found:
        for magic, index in _numbered(value, known):
            if taken.setdefault((magic.contract, magic.form, magic.value), index) != index:
                found.append(
                    Problem(f"/values/{index}/{magic.form}", f"{magic.value!r} has another meaning for {magic.contract}")
                )
    return found


def _check_value(one: Json, path: str, known: Known) -> Iterator[Problem]:
    name = one.get("contract")
    if name is not None and name not in known.names:
        yield Problem(f"{path}/contract", f"no contract is called {name!r}{did_you_mean(name, known.names)}")
    if not any(one.get(form) for form in FORMS):
        yield Problem(path, f"one of {', '.join(FORMS)} is required")
    yield from check_then(one["then"], name, known, f"{path}/then")


def _numbered(catalogue: Json, known: Known) -> Iterator[tuple[Magic, int]]:
    for index, one in enumerate(catalogue["values"]):
        for magic in _magic({"values": [one]}, known):
            yield magic, index


def may_stand(catalogue: Any) -> Callable[[bytes], bool]:
    """Tells of a text of records (UTF-8) whether a magic value stands in it."""
    marks = _marks_of((form, str(one[form])) for one in catalogue.get("values", []) for form in FORMS if one.get(form))

    def stands(text: bytes) -> bool:
        return any(mark in text for mark in marks) and any(True for _ in check_taken(catalogue, {"": text.decode()}))

    return stands


def check_taken(catalogue: Any, texts: Mapping[str, str]) -> Iterator[Problem]:
    """Magic values that stand in record files (name, then text): a record would be hidden behind them."""
    values = catalogue.get("values", [])
    words = {str(one[form]) for one in values for form in FORMS if one.get(form)}
    if not words:
        return
    any_of = re.compile(f'"({"|".join(map(re.escape, words))})"')  # one look at a text that may be long
    standing = {name: set(any_of.findall(text)) for name, text in texts.items()}
    for index, one in enumerate(values):
        for form in FORMS:
            for name, there in standing.items():
                if one.get(form) and str(one[form]) in there:
                    yield Problem(f"/values/{index}/{form}", f"{one[form]!r} stands in {name}")
