"""Attribution over ten million assignments of mixed kinds: load time, memory, lookups a second; prints JSON."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from sekisho.attribution.attributor import Attributor
from sekisho.core.config import Network
from sekisho.schema.batch import BATCH_ROWS, FlowBatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

LINES_PER_ASSIGNMENT = 0.6
"""A line has an IPv4 and an IPv6 assignment, or several in the course of the day."""

BLOCK_PORTS = 512
BLOCKS = 126
"""Port blocks of one shared address, from port 1024 on."""

NOW_MS = 1_795_000_000_000
RECONNECT = "2026-11-18T00:00:00Z"
BATCHES = 300
IPV4_MAPPED = 0xFFFF << 32

SHARES = {"ipv4": 0.30, "ipv4_reconnected": 0.10, "ipv4_ports": 0.15, "ipv6_56": 0.30, "ipv6_64": 0.15}
"""Kinds of assignment; a reconnected address has two lines, one after the other."""


def main() -> None:
    """Write the assignments, then load and ask them in a process of their own, so that its memory is its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assignments", type=int, default=10_000_000)
    assignments = parser.parse_args().assignments
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "assignments.csv"
        write(path, assignments)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            figures = pool.apply(measure, (path, assignments))
    print(json.dumps(figures, indent=2))


def write(path: Path, assignments: int) -> None:
    """A CSV with each kind's share; the kinds are mixed as an operator's export would be."""
    parts = [_rows(kind, int(assignments * share)) for kind, share in SHARES.items()]
    table = pa.concat_tables(parts)
    order = np.random.default_rng(1).permutation(len(table))
    table = table.take(pa.array(order))
    line = np.arange(len(table)) % int(assignments * LINES_PER_ASSIGNMENT)
    names = pc.binary_join_element_wise("CAF", pa.array(line).cast(pa.string()), "")
    pacsv.write_csv(table.add_column(0, "line_id", names), path)


def measure(path: Path, assignments: int) -> dict[str, Any]:
    """Load, then ask with one and with both sides ours."""
    start = time.perf_counter()
    attributor = Attributor.load(lines=[path], map_e=None, network=Network(), realms=[""])
    load_s = time.perf_counter() - start
    attributor.start()
    rng = np.random.default_rng(2)
    return {
        "assignments": len(attributor),
        "load_s": round(load_s, 1),
        "million_lookups_per_s": {
            "source ours, destination not": _rate(attributor, rng, assignments, both=False),
            "both sides ours, drawn evenly": _rate(attributor, rng, assignments, both=True),
        },
        "unattributed": {reason.label: n for reason, n in attributor.unattributed.items()},
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _rate(attributor: Attributor, rng: np.random.Generator, assignments: int, *, both: bool) -> float:
    """Million lookups a second; the batch lies in the cache, as the decoder leaves it, the assignments do not."""
    batch = FlowBatch()
    batch.length = BATCH_ROWS
    seconds = sum(_seconds(attributor, batch, _questions(rng, assignments, both=both)) for _ in range(BATCHES))
    return round(2 * BATCHES * BATCH_ROWS / seconds / 1e6, 2)


def _seconds(attributor: Attributor, batch: FlowBatch, questions: FlowBatch) -> float:
    batch.cells[:] = questions.cells
    start = time.process_time()
    attributor.attribute(batch)
    return time.process_time() - start


def _questions(rng: np.random.Generator, assignments: int, *, both: bool) -> FlowBatch:
    batch = FlowBatch()
    batch.length = BATCH_ROWS
    batch.column("flow_start")[:] = batch.column("flow_end")[:] = NOW_MS
    batch.column("protocol")[:] = 17
    for side in ("src", "dst") if both else ("src",):
        _addresses(batch, side, rng, assignments)
    if not both:
        batch.column("dst_lo")[:] = IPV4_MAPPED | rng.integers(0xC0000000, 0xDF000000, BATCH_ROWS)
        batch.column("dst_port")[:] = 443
    return batch


def _addresses(batch: FlowBatch, side: str, rng: np.random.Generator, assignments: int) -> None:
    kinds = rng.choice(len(SHARES), BATCH_ROWS, p=list(SHARES.values()))
    for code, (kind, share) in enumerate(SHARES.items()):
        chosen = np.flatnonzero(kinds == code)
        hi, lo, port = _address(kind, rng.integers(0, int(assignments * share), len(chosen)))
        batch.column(f"{side}_hi")[chosen], batch.column(f"{side}_lo")[chosen] = hi, lo
        batch.column(f"{side}_port")[chosen] = port


def _address(kind: str, i: NDArray[np.int64]) -> tuple[Any, Any, Any]:
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


def _rows(kind: str, n: int) -> pa.Table:
    i = np.arange(n, dtype=np.int64)
    hi, lo, port = _address(kind, i)
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


if __name__ == "__main__":
    main()
