"""The same episode seen again: one row, renewed, whichever part of it an analysis saw."""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection, Table


_GROWS = "held"
"""A column of lists that only grow."""

GROUPS_A_QUERY = 500
"""SQLite takes 999 parameters in its oldest supported form."""


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


def merge_all(
    connection: Connection, table: Table, found: Sequence[Mapping[str, Any]], *, group: str, kind: str
) -> list[Change]:
    """As ``merge`` for many episodes: one look at the database, then one statement for each sort of change.

    Args:
        connection: within a transaction that writes.
        table: as for ``merge``; no row of it is pointed at by another table.
        found: the episodes, in the order in which they are merged.
        group: the column by which the rows are looked up, a number.
        kind: the other column that makes rows comparable.

    Returns:
        what became of each.
    """
    known = _known(connection, table, found, group=group, kind=kind)
    changes, touched, gone = [], {}, []
    for number, values in enumerate(found):
        rows = known[values[group], values[kind]]
        over = sorted((row for row in rows if _overlaps(values, row)), key=lambda row: row["first_seen"])
        if not over:
            # Its number is given by the database; until then it has one that no row has.
            row = {**values, "id": -1 - number}
            rows.append(row)
            touched[row["id"]] = row
            changes.append(Change.ADDED)
            continue
        if any(_lies_within(values, row) for row in over):
            changes.append(Change.UNCHANGED)
            continue
        first, *others = over
        whole = _whole(values, over)
        same = not others and all(first[name] == value for name, value in whole.items())
        changes.append(Change.UNCHANGED if same else Change.RENEWED)
        if not same:
            first.update(whole)
            touched[first["id"]] = first
        for row in others:
            rows.remove(row)
            touched.pop(row["id"], None)
            gone.append(row["id"])
    _write(connection, table, touched, [number for number in gone if number > 0])
    return changes


def _known(
    connection: Connection, table: Table, found: Sequence[Mapping[str, Any]], *, group: str, kind: str
) -> defaultdict[tuple[Any, Any], list[dict[str, Any]]]:
    known: defaultdict[tuple[Any, Any], list[dict[str, Any]]] = defaultdict(list)
    earliest = min((values["first_seen"] for values in found), default=0)
    groups = sorted({values[group] for values in found})
    for start in range(0, len(groups), GROUPS_A_QUERY):
        some = table.c[group].in_(groups[start : start + GROUPS_A_QUERY])
        for row in connection.execute(select(table).where(some, table.c.last_seen >= earliest)).mappings():
            known[row[group], row[kind]].append(dict(row))
    return known


def _write(connection: Connection, table: Table, touched: Mapping[int, dict[str, Any]], gone: Sequence[int]) -> None:
    added = [{name: value for name, value in row.items() if name != "id"} for row in touched.values() if row["id"] < 0]
    renewed = [{f"new_{name}": value for name, value in row.items()} for row in touched.values() if row["id"] > 0]
    if gone:
        connection.execute(delete(table).where(table.c.id == bindparam("gone")), [{"gone": number} for number in gone])
    if renewed:
        columns: dict[str, Any] = {
            column.name: bindparam(f"new_{column.name}") for column in table.c if column.name != "id"
        }
        connection.execute(update(table).where(table.c.id == bindparam("new_id")).values(columns), renewed)
    if added:
        connection.execute(insert(table), added)


def _overlaps(values: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    within: bool = row["first_seen"] < values["last_seen"] and row["last_seen"] > values["first_seen"]
    return within or bool(row["first_seen"] == values["first_seen"])


def _overlapping(
    connection: Connection, table: Table, values: Mapping[str, Any], same: Sequence[str]
) -> list[dict[str, Any]]:
    times = or_(
        and_(table.c.first_seen < values["last_seen"], table.c.last_seen > values["first_seen"]),
        table.c.first_seen == values["first_seen"],
    )
    alike = and_(*(table.c[name] == values[name] for name in same))
    rows = connection.execute(select(table).where(alike, times).order_by(table.c.first_seen)).mappings()
    return [dict(row) for row in rows]


def _lies_within(values: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    view, known = ((r["first_seen"], r["last_seen"]) for r in (values, row))
    return known[0] <= view[0] and view[1] <= known[1] and view != known


def _whole(values: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    earliest = {
        name: min(values[name], *(row[name] for row in found))
        for name in ("first_seen", "detected_at")
        if name in values
    }
    whole = {**values, **earliest, "last_seen": max(values["last_seen"], *(row["last_seen"] for row in found))}
    return whole | ({_GROWS: _together(values, found)} if _GROWS in values else {})


def _together(values: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> list[Any]:
    """What any view of an episode named, each once: a later view may know no more of what an earlier one had seen.

    What goes on from view to view (all but ``to`` agrees) stands once, up to its latest end.
    """
    together: list[Any] = []
    for each in (each for row in (*found, values) for each in row[_GROWS]):
        same = next((one for one in together if {**one, "to": None} == {**each, "to": None}), None)
        if same is None:
            together.append(each)
        elif each.get("to", "") > same.get("to", ""):
            together[together.index(same)] = each
    return together
