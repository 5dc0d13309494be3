"""Millions of assignments of mixed kinds: as an operator's export, and as a history that sources have told."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from sekisho.attribution.history.history import History
from sekisho.attribution.sources.events import LAST_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

LINES_PER_ASSIGNMENT = 0.6
"""A line has an IPv4 and an IPv6 assignment, or several in the course of the day."""

BLOCK_PORTS = 512
BLOCKS = 126
"""Port blocks of one shared address, from port 1024 on."""

NOW_MS = 1_795_000_000_000
RECONNECT_MS = NOW_MS - 6 * 86_400_000
RECONNECT = "2026-11-12T11:06:40Z"
IPV4_MAPPED = 0xFFFF << 32

SHARES = {"ipv4": 0.30, "ipv4_reconnected": 0.10, "ipv4_ports": 0.15, "ipv6_56": 0.30, "ipv6_64": 0.15}
"""Kinds of assignment; a reconnected address has two lines, one after the other."""

AT_ONCE = 100_000

_INDEXES = ("session_name", "session_confirmed", "session_line", "session_inside", "held_prefix")


def write_export(path: Path, assignments: int) -> None:
    """A CSV with each kind's share; the kinds are mixed as an operator's export would be."""
    parts = [_rows(kind, int(assignments * share)) for kind, share in SHARES.items()]
    table = pa.concat_tables(parts)
    table = table.take(pa.array(_mixed(len(table))))
    names = pc.binary_join_element_wise("CAF", pa.array(_lines(len(table), assignments)).cast(pa.string()), "")
    pacsv.write_csv(table.add_column(0, "line_id", names), path)


def write_history(path: Path, assignments: int) -> None:
    """The same as sessions on disk, without the ten minutes that it takes to tell them one by one.

    The lines of port blocks are known by their address behind the translator, which lies in another line's prefix.
    """
    with History(path) as history:
        history.apply("radius", [])
    with sqlite3.connect(path) as database:
        database.execute("pragma synchronous = off")
        indexes = database.execute(
            f"select name, sql from sqlite_master where name in ({', '.join('?' * len(_INDEXES))})",  # noqa: S608
            _INDEXES,
        ).fetchall()
        for name, _ in indexes:
            database.execute(f"drop index {name}")
        lines = int(assignments * LINES_PER_ASSIGNMENT)
        database.executemany("insert into line values (?, ?)", ((n + 1, f"CAF{n}") for n in range(lines)))
        for sessions, held in _sessions(assignments):
            database.executemany(
                "insert into session (id, server, name, source, line, inside_realm, inside_hi, inside_lo, began_ms, "
                "begun, confirmed_ms, ended_ms) values (?, ?, ?, 'radius', ?, ?, ?, ?, ?, 1, ?, ?)",
                sessions,
            )
            database.executemany("insert into held values (?, ?, ?, ?, '', ?, ?, ?)", held)
        for _, sql in indexes:
            database.execute(sql)


def _sessions(assignments: int) -> Iterator[tuple[Iterator[tuple[Any, ...]], Iterator[tuple[int, ...]]]]:
    """Rows of both tables, ``AT_ONCE`` at a time."""
    columns = {name: np.concatenate(parts) for name, parts in _columns(assignments).items()}
    order = _mixed(len(columns["hi"]))
    line = _lines(len(order), assignments) + 1
    for first in range(0, len(order), AT_ONCE):
        chosen = order[first : first + AT_ONCE]
        number = np.arange(first + 1, first + 1 + len(chosen)).tolist()
        cells = {name: column[chosen].tolist() for name, column in columns.items()}
        yield (
            (
                (n, f"nas{n % 20}", f"s{n}", None, "", hi, lo, began, last, ended or None)
                if hi
                else (n, f"nas{n % 20}", f"s{n}", own, None, None, None, began, last, ended or None)
                for n, own, hi, lo, began, last, ended in zip(
                    number,
                    line[first : first + AT_ONCE].tolist(),
                    *(cells[name] for name in ("inside_hi", "inside_lo", "began_ms", "confirmed_ms", "ended_ms")),
                    strict=True,
                )
            ),
            zip(
                number,
                *(cells[name] for name in ("hi", "lo", "length", "port_first", "port_last", "began_ms")),
                strict=True,
            ),
        )


def _columns(assignments: int) -> dict[str, list[NDArray[np.int64]]]:
    """A column of each kind's sessions."""
    rng = np.random.default_rng(3)
    found: dict[str, list[NDArray[np.int64]]] = {}
    for kind, share in SHARES.items():
        i = np.arange(int(assignments * share), dtype=np.int64)
        hi, lo, port = address(kind, i)
        shared, second = kind == "ipv4_ports", (i % 2 == 1) & (kind == "ipv4_reconnected")
        first = (i % 2 == 0) & (kind == "ipv4_reconnected")
        behind = address("ipv6_56", i)[0] if shared else np.zeros(len(i), np.int64)
        began = RECONNECT_MS - 1 - rng.integers(0, 86_400_000, len(i))
        began[second] = RECONNECT_MS
        cells = {
            "hi": hi,
            "lo": 0 if kind.startswith("ipv6") else lo,
            "length": {"ipv6_56": 56, "ipv6_64": 64}.get(kind, 128),
            "port_first": port if shared else 0,
            "port_last": port + BLOCK_PORTS - 1 if shared else LAST_PORT,
            "began_ms": began,
            "confirmed_ms": np.where(first, RECONNECT_MS, NOW_MS - rng.integers(0, 600_000, len(i))),
            "ended_ms": np.where(first, RECONNECT_MS, 0),
            "inside_hi": behind,
            "inside_lo": 1,
        }
        for name, column in cells.items():
            found.setdefault(name, []).append(np.broadcast_to(np.asarray(column, np.int64), len(i)))
    return found


def address(kind: str, i: NDArray[np.int64]) -> tuple[Any, Any, Any]:
    """Words and port of the i-th assignment of a kind."""
    match kind:
        case "ipv4":
            return 0, IPV4_MAPPED | 0x0A000000 + i, 5000
        case "ipv4_reconnected":
            return 0, IPV4_MAPPED | 0x0A800000 + i // 2, 5000
        case "ipv4_ports":
            return 0, IPV4_MAPPED | 0x64400000 + i // BLOCKS, 1024 + i % BLOCKS * BLOCK_PORTS
        case "ipv6_56":
            return 0x20010DB8 << 32 | i << 8, i, 5000
        case _:
            return 0x20010DB880000000 + i, i, 5000


def _mixed(rows: int) -> NDArray[np.int64]:
    return np.random.default_rng(1).permutation(rows)


def _lines(rows: int, assignments: int) -> NDArray[np.int64]:
    return np.arange(rows) % int(assignments * LINES_PER_ASSIGNMENT)


def _rows(kind: str, n: int) -> pa.Table:
    i = np.arange(n, dtype=np.int64)
    hi, lo, port = address(kind, i)
    empty = pa.nulls(n, pa.string())
    shared = kind == "ipv4_ports"
    second = i % 2 == 1
    reconnected = kind == "ipv4_reconnected"
    return pa.table(
        {
            "prefix": _ipv6(hi, 56 if kind == "ipv6_56" else 64) if kind.startswith("ipv6") else _ipv4(lo),
            "port_first": pa.array(port) if shared else pa.nulls(n, pa.int64()),
            "port_last": pa.array(port + BLOCK_PORTS - 1) if shared else pa.nulls(n, pa.int64()),
            "valid_from": pc.if_else(pa.array(second), RECONNECT, empty) if reconnected else empty,
            "valid_to": pc.if_else(pa.array(second), empty, RECONNECT) if reconnected else empty,
        }
    )


def _ipv4(lo: NDArray[np.int64]) -> pa.Array:
    octets = (pa.array(lo >> shift & 0xFF).cast(pa.string()) for shift in (24, 16, 8, 0))
    return pc.binary_join_element_wise(*octets, ".")


def _ipv6(hi: NDArray[np.int64], length: int) -> pa.Array:
    texts = pa.array([f"{group:x}" for group in range(1 << 16)])
    groups = (texts.take(pa.array(hi >> shift & 0xFFFF)) for shift in (48, 32, 16, 0))
    return pc.binary_join_element_wise(*groups, f":/{length}", ":")
