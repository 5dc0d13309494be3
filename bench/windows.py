"""Folding flows into windows, and reading them at a tick: records a second and milliseconds; prints JSON."""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.measure import machine
from sekisho.schema.batch import BATCH_ROWS, FlowBatch
from sekisho.windows.table import Windows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

T0 = 1_763_950_800_000
ACTIVE_CAP_MS, LATENESS_MS = 60_000, 90_000
RECORDS_PER_MS = 300
"""The receive budget: 300,000 records a second of stream time."""

V4 = 0xFFFF << 32
SERVERS = 100
"""Addresses that a line talks to; some far more than others."""

KEPT_MINUTES = 60


def main() -> None:
    """Measure each kind of traffic, then a tick over an hour of windows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=400)
    parser.add_argument("--lines", type=int, default=2_000)
    chosen = parser.parse_args()
    rates = {name: _rate(make, chosen.lines, chosen.batches) for name, make in TRAFFIC.items()}
    print(json.dumps({**machine(), "million_records_per_s": rates, "tick": _tick(chosen.lines)}, indent=2))


def _rate(make: Callable[[np.random.Generator, int], dict[str, Any]], lines: int, batches: int) -> float:
    rng = np.random.default_rng(1)
    flows = [_batch(rng, k, make(rng, lines)).cells for k in range(batches)]
    return round(batches // 2 * BATCH_ROWS / min(_seconds(flows) for _ in range(3)) / 1e6, 2)


def _seconds(flows: list[NDArray[np.int64]]) -> float:
    """CPU seconds to fold the second half, when the tables are filled; each batch stands in the cache, as decoded."""
    windows, batch, seconds = _windows(), FlowBatch(exporters=["192.0.2.1"]), 0.0
    batch.length = BATCH_ROWS
    for number, cells in enumerate(flows):
        batch.cells[:] = cells
        started = time.process_time()
        windows.fold(batch)
        if number >= len(flows) // 2:
            seconds += time.process_time() - started
    return seconds


def _windows() -> Windows:
    windows = Windows(active_cap_ms=np.array([ACTIVE_CAP_MS]), lateness_ms=np.array([LATENESS_MS]))
    windows.start()
    return windows


def _batch(rng: np.random.Generator, number: int, columns: dict[str, Any]) -> FlowBatch:
    batch = FlowBatch(exporters=["192.0.2.1"])
    batch.length = BATCH_ROWS
    received = T0 + (number * BATCH_ROWS + np.arange(BATCH_ROWS)) // RECORDS_PER_MS
    # Records leave by the inactive timeout, 15 s after their last packet.
    end = received - rng.integers(0, 15_000, BATCH_ROWS)
    duration = np.where(rng.random(BATCH_ROWS) < 0.9, 0, rng.exponential(8_000, BATCH_ROWS)).astype(np.int64)
    times = {"received_at": received, "flow_end": end, "flow_start": end - duration}
    usual = {"packets": 1, "octets": 400, "protocol": 6, "tcp_flags": 24, "forwarding_status": -1}
    for name, value in {**usual, **times, **columns}.items():
        batch.column(name)[:] = value
    batch.column("sampling_interval")[:] = 1_000.0
    return batch


def _sent(rng: np.random.Generator, lines: int) -> dict[str, Any]:
    """Lines that send to servers of their own: what a one-way exporter shows."""
    protocol = rng.choice([6, 17], BATCH_ROWS)
    line = rng.integers(1, lines + 1, BATCH_ROWS)
    server = (SERVERS * rng.random(BATCH_ROWS) ** 3).astype(np.int64)
    return {
        "src_line": line,
        "dst_lo": V4 + ((line * 7_919 + server * 104_729) & 0xFFFFFFFF),
        "dst_port": 443,
        "protocol": protocol,
        "tcp_flags": np.where(protocol == 6, 24, 0),
    }


def _both_ways(rng: np.random.Generator, lines: int) -> dict[str, Any]:
    """The same with as many records of what comes back."""
    sent = _sent(rng, lines)
    back = rng.random(BATCH_ROWS) < 0.5
    line, server = sent["src_line"], sent["dst_lo"]
    return {
        **sent,
        "src_line": np.where(back, 0, line),
        "dst_line": np.where(back, line, 0),
        "dst_lo": np.where(back, 0, server),
        "src_lo": np.where(back, server, 0),
        "dst_port": np.where(back, 50_000, 443),
        "src_port": np.where(back, 443, 50_000),
    }


def _scans(rng: np.random.Generator, lines: int) -> dict[str, Any]:
    """A tenth of the lines scan: every record a new target."""
    return {
        "src_line": rng.integers(1, lines // 10 + 1, BATCH_ROWS),
        "dst_lo": V4 + rng.integers(0, 1 << 32, BATCH_ROWS),
        "dst_port": 23,
        "tcp_flags": 2,
    }


TRAFFIC = {"sent": _sent, "both ways": _both_ways, "scans": _scans}


def _tick(lines: int) -> dict[str, float]:
    """An hour of windows of every line, then a tick that touched all of them."""
    rng = np.random.default_rng(2)
    windows = _windows()
    for second in range(0, KEPT_MINUTES * 60, 10):
        batch = _batch(rng, 0, _both_ways(rng, lines))
        received = T0 + second * 1_000 + np.arange(BATCH_ROWS)
        for name in ("received_at", "flow_start", "flow_end"):
            batch.column(name)[:] = received
        windows.fold(batch)
        if second < KEPT_MINUTES * 60 - 10:
            windows.tick(T0 + second * 1_000 + 10_000)
    clock = T0 + KEPT_MINUTES * 60_000
    figures: dict[str, float] = {}
    touched = _timed(figures, "tick_ms", lambda: windows.tick(clock))
    figures["lines"] = len(touched.lines)
    for name, since in (("line_window, touched windows", touched.since_ms), ("line_window, 10 min", clock - 600_000)):
        table = _timed(figures, f"{name} ms", lambda s=since: windows.line_window(lines=touched.lines, since_ms=s))
        figures[f"{name} rows"] = table.num_rows
    table = _timed(figures, "line_target, 60 min ms", lambda: windows.line_target(lines=touched.lines))
    figures["line_target, 60 min rows"] = table.num_rows
    return figures


def _timed(figures: dict[str, float], name: str, work: Callable[[], Any]) -> Any:
    started = time.process_time()
    result = work()
    figures[name] = round((time.process_time() - started) * 1_000, 2)
    return result


if __name__ == "__main__":
    main()
