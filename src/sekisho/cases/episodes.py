"""The same episode seen again: one row, renewed, whichever part of it an analysis saw."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, insert, or_, select, update

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection, RowMapping, Table


class Change(StrEnum):
    """What became of a row."""

    ADDED = "added"
    RENEWED = "renewed"
    UNCHANGED = "unchanged"


def merge(
    connection: Connection,
    table: Table,
    values: Mapping[str, Any],
    *,
    same: Sequence[str],
    redirect: Callable[[int, int], None] | None = None,
) -> tuple[int, Change]:
    """Write an episode, or renew the row that holds it already.

    Two rows are one episode where the columns ``same`` agree and their times overlap. The row then spans both, and its
    numbers are the newer ones, except where the newer view lies within the older: a capture that ends in the middle of
    an episode knows less of it than one that ran on.

    Args:
        connection: within a transaction that writes.
        table: has ``id``, ``first_seen`` and ``last_seen``.
        values: every other column, and both times in milliseconds.
        same: the columns that make rows comparable.
        redirect: called with (old id, new id) before a row is given up that turned out to be part of another.

    Returns:
        the row's id, and what became of it.
    """
    found = _overlapping(connection, table, values, same)
    if not found:
        return connection.execute(insert(table).values(**values).returning(table.c.id)).scalar_one(), Change.ADDED
    holder = next((row for row in found if _lies_within(values, row)), None)
    if holder is not None:
        return holder["id"], Change.UNCHANGED
    first, *others = found
    for row in others:
        if redirect is not None:
            redirect(row["id"], first["id"])
        connection.execute(delete(table).where(table.c.id == row["id"]))
    whole = _whole(values, found)
    if not others and all(first[name] == value for name, value in whole.items()):
        return first["id"], Change.UNCHANGED
    connection.execute(update(table).where(table.c.id == first["id"]).values(**whole))
    return first["id"], Change.RENEWED


def _overlapping(
    connection: Connection, table: Table, values: Mapping[str, Any], same: Sequence[str]
) -> Sequence[RowMapping]:
    times = or_(
        and_(table.c.first_seen < values["last_seen"], table.c.last_seen > values["first_seen"]),
        table.c.first_seen == values["first_seen"],
    )
    alike = and_(*(table.c[name] == values[name] for name in same))
    return connection.execute(select(table).where(alike, times).order_by(table.c.first_seen)).mappings().all()


def _lies_within(values: Mapping[str, Any], row: RowMapping) -> bool:
    view, known = ((r["first_seen"], r["last_seen"]) for r in (values, row))
    return known[0] <= view[0] and view[1] <= known[1] and view != known


def _whole(values: Mapping[str, Any], found: Sequence[RowMapping]) -> dict[str, Any]:
    earliest = {
        name: min(values[name], *(row[name] for row in found))
        for name in ("first_seen", "detected_at")
        if name in values
    }
    return {**values, **earliest, "last_seen": max(values["last_seen"], *(row["last_seen"] for row in found))}
