"""The few generic ways to answer: read one record, page through what was found. The rest is retail logic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mockspi.contract import Answer, Call
from mockspi.errors import Failure
from mockspi.exchange import Json
from mockspi.store.base import Criterion, Records

FIRST_PAGE, PAGE_SIZE = 1, 25


def require(records: Records, collection: str, key: str, missing: type[Failure], **facts: Any) -> Json:
    """A record that must be there."""
    record = records.get(collection, key)
    if record is None:
        raise missing(**facts)
    return record


def get(
    collection: str, key: str, missing: type[Failure], view: Callable[[Call, Json], Json] = lambda call, record: record
) -> Answer:
    """Answer with the record whose key is the input ``key``, seen through ``view``."""

    def answer(call: Call) -> Json:
        wanted = call.inputs[key]
        return view(call, require(call.records, collection, wanted, missing, **{key: wanted}))

    return answer


def page(
    call: Call,
    collection: str,
    criteria: list[Criterion],
    paging: Mapping[str, int],
    view: Callable[[Call, Json], Json] = lambda call, record: record,
) -> Json:
    """One page of what meets the criteria: ``records``, ``totalCount``, ``pageNumber``, ``pageSize``."""
    number, size = paging.get("pageNumber", FIRST_PAGE), paging.get("pageSize", PAGE_SIZE)
    found = call.records.find(collection, *criteria, offset=(number - 1) * size, limit=size)
    records = [view(call, record) for record in found.records]
    return {"records": records, "totalCount": found.total, "pageNumber": number, "pageSize": size}
