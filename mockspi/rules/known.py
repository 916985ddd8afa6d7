"""What rules may name: contracts, and the errors that each may answer with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mockspi import errors, refusals
from mockspi.errors import BrokenRequest, Failure, InternalError, Refusal, StoreBusy, StoreFull

#: Every failure that a rule can ask for, by its code.
FAILURES: Mapping[str, type[Failure]] = {
    one.code: one
    for one in (*vars(errors).values(), *vars(refusals).values())
    if isinstance(one, type) and issubclass(one, (Refusal, BrokenRequest, InternalError, StoreBusy, StoreFull)) and one.code
}
#: Those that have nothing to do with what is asked: every contract may answer with them.
GENERAL = frozenset(code for code, one in FAILURES.items() if not issubclass(one, Refusal))


class Promise(Protocol):
    """What rules need to know of a contract."""

    @property
    def id(self) -> str: ...  # noqa: D102  # as the contract's
    @property
    def name(self) -> str: ...  # noqa: D102  # as the contract's
    @property
    def also(self) -> tuple[str, ...]: ...  # noqa: D102  # as the contract's
    @property
    def fails(self) -> tuple[type[Failure], ...]: ...  # noqa: D102  # as the contract's
    @property
    def parameters(self) -> list[str]: ...  # noqa: D102  # as the contract's
    @property
    def reads(self) -> bool: ...  # noqa: D102  # as the contract's
    @property
    def received(self) -> Sequence[object]: ...  # noqa: D102  # as the contract's


@dataclass(frozen=True)
class Known:
    """``names``: every name of a contract, then the ids that it means; ``fails``: contract id, then its codes.

    ``parameters``: contract id, then the names in its path; ``reading``: the ids of those that have a body; ``received``:
    those of events, in which only a value that names its contract is magic.
    """

    names: Mapping[str, frozenset[str]]
    fails: Mapping[str, frozenset[str]]
    parameters: Mapping[str, frozenset[str]]
    reading: frozenset[str]
    received: frozenset[str] = frozenset()

    @classmethod
    def of(cls, contracts: Iterable[Promise]) -> Known:
        """What these contracts make known."""
        names: dict[str, frozenset[str]] = {}
        fails: dict[str, frozenset[str]] = {}
        contracts = tuple(contracts)
        for one in contracts:
            fails[one.id] = frozenset(failure.code for failure in one.fails) & FAILURES.keys()
            for name in (one.id, one.name, *one.also):
                names[name] = names.get(name, frozenset()) | {one.id}
        parameters = {one.id: frozenset(one.parameters) for one in contracts}
        reading = frozenset(one.id for one in contracts if one.reads)
        received = frozenset(one.id for one in contracts if one.received)
        return cls(names, fails, parameters, reading, received)

    def ids(self, contract: str | None) -> frozenset[str]:
        """The contracts that a name means; all of them where none is named."""
        return frozenset(self.fails) if contract is None else self.names.get(contract, frozenset())

    def codes(self, contract: str | None) -> frozenset[str]:
        """The codes that a rule for these contracts may ask for."""
        return GENERAL.union(*(self.fails[one] for one in self.ids(contract)))

    def answering(self, code: str, contract: str | None = None) -> frozenset[str]:
        """Those contracts that may answer with a code."""
        return frozenset(one for one in self.ids(contract) if code in GENERAL or code in self.fails[one])
