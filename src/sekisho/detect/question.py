"""Asks a detector's SQL about some lines and turns the answer into windows and blocks."""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from sekisho.detect.detector import CANDIDATE, TARGET
from sekisho.detect.episodes import Block, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from sekisho.detect.detector import Detector
    from sekisho.detect.level import LineInfo
    from sekisho.query.engine import Engine
    from sekisho.schema.table import Table

_CONTEXT = ("all_packets", "inferred_packets", "all_sampled_packets", "unknown_sampling_packets")
_ACTS = "acts"


def screen_sql(screens: Mapping[str, str]) -> str:
    """Rows of what lines sent, in their order, and a column a screen: whether it lets the row through."""
    return f"select {', '.join(f'({screen}) as {name}' for name, screen in screens.items())} from line_window"


def any_of_each(flags: pa.ChunkedArray, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether any of each line's rows is flagged; lines have so many rows in turn."""
    hits = np.concatenate(([0], np.cumsum(flags.to_numpy())))
    ends = np.cumsum(counts)
    flagged: NDArray[np.bool_] = hits[ends] > hits[ends - counts]
    return flagged


def columns_named(sql: str, table: Table) -> tuple[str, ...]:
    """Columns of a table that a statement names, in the table's order."""
    words = set(re.findall(r"\w+", sql))
    return tuple(name for name in table.names if name in words)


def params_table(detector: Detector, lines: list[int], infos: list[LineInfo], two_way: list[bool]) -> pa.Table:
    """The table ``params``: thresholds of each line's group."""
    columns: dict[str, Any] = {"line": pa.array(lines, pa.int64()), "two_way": pa.array(two_way).cast(pa.int64())}
    for name, values in detector.thresholds([info.group for info in infos]).items():
        columns[name] = pa.array(values, pa.float64())
    return pa.table(columns)


def two_way_table(lines: list[int], two_way: list[bool]) -> pa.Table:
    """The table ``params`` of a question without thresholds."""
    return pa.table({"line": pa.array(lines, pa.int64()), "two_way": pa.array(two_way).cast(pa.int64())})


def candidates(
    engine: Engine, detector: Detector, tables: Mapping[str, pa.Table], *, from_ms: int
) -> dict[int, list[Window]]:
    """Candidate windows from a time on, by line and in order of time."""
    answer = engine.run(_candidates_sql(detector), tables)
    known = {*CANDIDATE, *_CONTEXT, _ACTS}
    evidence = [field for field in answer.schema if field.name not in known]
    numbers = [field.name for field in evidence if not _is_text(field.type)]
    texts = [field.name for field in evidence if _is_text(field.type)]
    found: defaultdict[int, list[Window]] = defaultdict(list)
    for row in answer.to_pylist():
        if row["window_start_ms"] >= from_ms:
            found[row["line"]].append(_window(row, numbers, texts, detector))
    return found


def targets(
    engine: Engine, detector: Detector, tables: Mapping[str, pa.Table], *, from_ms: int
) -> dict[int, dict[int, Block]]:
    """Where the traffic went, by line and block."""
    sql = f"select {', '.join(TARGET)} from ({detector.targets})"
    networks: defaultdict[tuple[int, int], dict[Any, float]] = defaultdict(dict)
    counts: dict[tuple[int, int], int] = {}
    for line, block, hi, lo, bits, port, protocol, packets, count in _rows(engine.run(sql, tables)):
        if block >= from_ms:
            networks[line, block][hi, lo, bits, port, protocol] = packets
            counts[line, block] = int(count)
    found: defaultdict[int, dict[int, Block]] = defaultdict(dict)
    for (line, block), packets_by_network in networks.items():
        found[line][block] = Block(networks=packets_by_network, targets=counts[line, block])
    return found


def _candidates_sql(detector: Detector) -> str:
    return f"""select c.*, w.packets as all_packets, w.inferred_packets, w.sampled_packets as all_sampled_packets,
  w.unknown_sampling_packets
from ({detector.candidates}) c
  join line_window w on w.line = c.line and w.window_start_ms = c.window_start_ms and w.side = 0
order by c.line, c.window_start_ms"""


def _is_text(column: pa.DataType) -> bool:
    return bool(pa.types.is_string(column) or pa.types.is_large_string(column) or pa.types.is_dictionary(column))


def _window(row: Mapping[str, Any], numbers: Iterable[str], texts: Iterable[str], detector: Detector) -> Window:
    return Window(
        start_ms=row["window_start_ms"],
        opens=row["opens"] == 1,
        packets=row["packets"],
        octets=row["octets"],
        sampled_packets=row["sampled_packets"],
        packets_var=row["packets_var"],
        octets_var=row["octets_var"],
        all_packets=row["all_packets"],
        inferred_packets=row["inferred_packets"],
        all_sampled_packets=row["all_sampled_packets"],
        unknown_sampling_packets=row["unknown_sampling_packets"],
        evidence={name: float(row[name]) for name in numbers},
        texts={**detector.texts, **{name: str(row[name]) for name in texts}},
        acts=detector.acts and row.get(_ACTS, 1) == 1,
    )


def _rows(answer: pa.Table) -> Iterable[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in answer.columns), strict=True)
