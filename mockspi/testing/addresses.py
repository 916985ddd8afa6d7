"""Where an endpoint is, by its name."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from mockspi.errors import UsageError


def address(endpoint: str, values: Mapping[str, object]) -> tuple[str, list[tuple[str, str]]]:
    """The path under the base URL and the query that a name and its values mean; UsageError names what is nearest."""
    from mockspi.contracts import SPIS  # heavy: only where an address is asked for
    from mockspi.schema import did_you_mean, members

    by_name = {name: contract for contract in SPIS for name in (*contract.also, contract.id)}
    contract = by_name.get(endpoint)
    if contract is None:
        operations = [one.id for one in SPIS if one.name == endpoint]
        hint = f"; say which: {', '.join(operations)}" if operations else did_you_mean(endpoint.upper(), by_name)
        raise UsageError(f"no endpoint is called {endpoint!r}{hint}")
    known = list(members(contract.query)) if contract.query else []
    if missing := [name for name in contract.parameters if name not in values]:
        raise UsageError(f"{endpoint} is at {contract.path}; give {', '.join(missing)}")
    for name in values:
        if name not in (*contract.parameters, *known):
            raise UsageError(f"{endpoint} has no parameter {name!r}{did_you_mean(name, [*contract.parameters, *known])}")
    path = contract.path
    for name in contract.parameters:
        path = path.replace(f"{{{name}}}", quote(str(values[name]), safe=""))
    return path, [(name, str(value)) for name, value in values.items() if name not in contract.parameters]
