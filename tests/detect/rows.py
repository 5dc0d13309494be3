"""Rows of the two window tables by hand, and what one detector says about them."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from detect.engine import engine
from sekisho.core.address import to_words
from sekisho.detect.level import LineInfo
from sekisho.detect.question import candidates, params_table
from sekisho.schema.line_target import LINE_TARGET
from sekisho.schema.line_window import LINE_WINDOW

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sekisho.detect.detector import Detector
    from sekisho.detect.episodes import Window
    from sekisho.schema.table import Table

BLOCK = 1_700_000_400_000

Row = dict[str, Any]


def window(at_s: float = 0, *, line: int = 1, side: int = 0, **values: float) -> Row:
    start = BLOCK + int(at_s) // 10 * 10_000
    return {"line": line, "side": side, "window_start_ms": start, **values}


def udp_window(packets: float, at_s: float = 0, *, octets: float = 600, sampling: int = 1, **values: Any) -> Row:
    sampled = packets / sampling
    each = {"packets": packets, "octets": packets * octets, "sampled_packets": sampled}
    variance = {"packets_var": sampled * sampling * (sampling - 1)}
    udp = {"udp_packets": packets, "udp_octets": packets * octets}
    return window(at_s, **(each | variance | udp | values))


def syn_window(packets: float, at_s: float = 0, *, sampling: int = 1, **values: Any) -> Row:
    sampled = packets / sampling
    each = {"packets": packets, "octets": packets * 40, "sampled_packets": sampled}
    variance = {"packets_var": sampled * sampling * (sampling - 1)}
    syn = {"syn_packets": packets, "syn_octets": packets * 40}
    return window(at_s, **(each | variance | syn | values))


def target(address: str, port: int, *, at_s: float = 0, until_s: float = 10, line: int = 1, **values: float) -> Row:
    hi, lo = to_words(ip_address(address))
    times = {"first_ms": BLOCK + int(at_s * 1000), "last_ms": BLOCK + int(until_s * 1000) - 1}
    block = BLOCK + int(at_s) // 600 * 600_000
    return {"line": line, "block_start_ms": block, "target_hi": hi, "target_lo": lo, "port": port, **times, **values}


def udp_target(
    address: str, port: int, packets: float, *, octets: float = 600, sampling: int = 1, **values: Any
) -> Row:
    counts = {"packets": packets, "octets": packets * octets, "sampled_packets": packets / sampling, "records": 1.0}
    return target(address, port, protocol=17, **(counts | values))


def syn_target(address: str, port: int, packets: float = 1, *, sampling: int = 1, **values: Any) -> Row:
    sampled = packets / sampling
    counts = {"packets": packets, "sampled_packets": sampled, "syn_packets": packets, "syn_sampled_packets": sampled}
    return target(address, port, protocol=6, **(counts | values))


def table(schema: Table, rows: Iterable[Row]) -> pa.Table:
    rows = list(rows)
    columns = [pa.array([row.get(c.name, 0) for row in rows]).cast(c.type.arrow) for c in schema.columns]
    return pa.Table.from_arrays(columns, schema=schema.arrow_schema())


def ask(
    detector: Detector,
    windows: Iterable[Row],
    targets: Iterable[Row],
    *,
    group: str = "home",
    two_way: bool = True,
    inputs: Mapping[str, pa.Table] | None = None,
) -> list[Window]:
    """Candidate windows of line 1."""
    tables = {
        "line_window": table(LINE_WINDOW, windows),
        "line_target": table(LINE_TARGET, targets),
        "params": params_table(detector, [1], [LineInfo(group=group)], [two_way]),
        **(inputs or {}),
    }
    return candidates(engine(), detector, tables, from_ms=0).get(1, [])
