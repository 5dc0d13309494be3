"""The minutes in which a line could have been seen: only those count as quiet.

A line that is switched off, an exporter that delivers nothing, coverage out of range: all look like recovery, none is.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, insert, select, update

from sekisho.cases.states import OPEN
from sekisho.cases.tables import CASE
from sekisho.cases.work_tables import LINE_DAY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

MINUTE_MS = 60_000
_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMinute:
    """What is known of a line in one minute of stream time.

    Attributes:
        at_ms: any instant of the minute, milliseconds UTC.
        online: the line held an address, as far as its assignment source says.
        delivered: its exporter sent records of this minute.
        covered: flow octets over interface octets in range, or no counter known.
    """

    line_id: str
    at_ms: int
    online: bool
    delivered: bool
    covered: bool


def note_minutes(connection: Connection, minutes: Iterable[LineMinute]) -> int:
    """Note a tick's minutes for the lines that have an open case; the others need none.

    Returns:
        how many minutes became known by this.
    """
    open_lines = set(connection.execute(select(CASE.c.line_id).where(CASE.c.state.in_(sorted(OPEN)))).scalars())
    new: defaultdict[tuple[str, int], int] = defaultdict(int)
    for minute in minutes:
        if minute.line_id in open_lines and minute.online and minute.delivered and minute.covered:
            day, at = divmod(minute.at_ms // MINUTE_MS, _MINUTES)
            new[minute.line_id, day] |= 1 << at
    if not new:
        return 0
    days = {day for _, day in new}
    known = {
        (row.line_id, row.day): int.from_bytes(row.bits, "little")
        for row in connection.execute(select(LINE_DAY).where(LINE_DAY.c.day.in_(days)))
        if (row.line_id, row.day) in new
    }
    whole = {key: bits | known.get(key, 0) for key, bits in new.items()}
    changed = [_row(key, bits) for key, bits in whole.items() if key in known and bits != known[key]]
    added = [_row(key, bits) for key, bits in whole.items() if key not in known]
    if changed:
        same = (LINE_DAY.c.line_id == bindparam("of_line"), LINE_DAY.c.day == bindparam("of_day"))
        connection.execute(
            update(LINE_DAY).where(*same).values(minutes=bindparam("minutes"), bits=bindparam("bits")),
            [
                {"of_line": r["line_id"], "of_day": r["day"], "minutes": r["minutes"], "bits": r["bits"]}
                for r in changed
            ],
        )
    if added:
        connection.execute(insert(LINE_DAY), added)
    return sum((bits ^ known.get(key, 0)).bit_count() for key, bits in whole.items())


def quiet_minutes(connection: Connection, since: dict[str, int]) -> dict[str, int]:
    """Counted minutes of lines after an instant.

    Args:
        connection: to the case database.
        since: line -> the end of what was last seen there, milliseconds UTC.
    """
    found = dict.fromkeys(since, 0)
    if not since:
        return found
    first = min(since.values()) // MINUTE_MS // _MINUTES
    # Whole days are summed in the database; only the day of the end itself is taken apart.
    sums = select(LINE_DAY.c.line_id, LINE_DAY.c.day, LINE_DAY.c.minutes).where(LINE_DAY.c.day >= first)
    for line_id, day, minutes in connection.execute(sums):
        if line_id in found and day > since[line_id] // MINUTE_MS // _MINUTES:
            found[line_id] += minutes
    last_days = {ms // MINUTE_MS // _MINUTES for ms in since.values()}
    for row in connection.execute(select(LINE_DAY).where(LINE_DAY.c.day.in_(last_days))):
        day, at = divmod(-(-since.get(row.line_id, 0) // MINUTE_MS), _MINUTES)
        if row.line_id in found and row.day == since[row.line_id] // MINUTE_MS // _MINUTES:
            bits = int.from_bytes(row.bits, "little")
            found[row.line_id] += (bits >> at).bit_count() if day == row.day else 0
    return found


def counted_minutes(connection: Connection, line_id: str, from_ms: int, until_ms: int) -> frozenset[int]:
    """Which minutes of a period a line could have been seen in: minutes since 1970."""
    first, last = (ms // MINUTE_MS // _MINUTES for ms in (from_ms, until_ms))
    mine = (LINE_DAY.c.line_id == line_id, LINE_DAY.c.day.between(first, last))
    found: set[int] = set()
    for row in connection.execute(select(LINE_DAY.c.day, LINE_DAY.c.bits).where(*mine)):
        bits = int.from_bytes(row.bits, "little")
        found.update(row.day * _MINUTES + at for at in range(_MINUTES) if bits >> at & 1)
    return frozenset(minute for minute in found if from_ms <= minute * MINUTE_MS < until_ms)


def forget(connection: Connection, before_day: int) -> int:
    """Remove days before one; returns how many rows went."""
    return connection.execute(LINE_DAY.delete().where(LINE_DAY.c.day < before_day)).rowcount


def day_of(milliseconds: int) -> int:
    """The UTC day of an instant, days since 1970."""
    return milliseconds // MINUTE_MS // _MINUTES


def stored_minutes(connection: Connection, line_id: str) -> int:
    """How many minutes are known of a line."""
    query = select(func.coalesce(func.sum(LINE_DAY.c.minutes), 0)).where(LINE_DAY.c.line_id == line_id)
    return int(connection.execute(query).scalar_one())


def _row(key: tuple[str, int], bits: int) -> dict[str, str | int | bytes]:
    return {
        "line_id": key[0],
        "day": key[1],
        "minutes": bits.bit_count(),
        "bits": bits.to_bytes(_MINUTES // 8, "little"),
    }
