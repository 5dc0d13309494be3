"""Attribution over ten million assignments of mixed kinds: load time, memory, lookups a second; prints JSON.

Then the same while sources tell of changes, and how many a second the history takes in.
"""

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

from sekisho.attribution.attributor import Attributor, Change
from sekisho.attribution.history.history import History
from sekisho.attribution.history.spans import Span
from sekisho.attribution.outcome import prefix_of_words
from sekisho.attribution.sources.events import LAST_PORT, Begin, End, Held
from sekisho.attribution.validity import OPEN_TO_MS
from sekisho.core.config import Network
from sekisho.schema.batch import BATCH_ROWS, FlowBatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LINES_PER_ASSIGNMENT = 0.6
"""A line has an IPv4 and an IPv6 assignment, or several in the course of the day."""

BLOCK_PORTS = 512
BLOCKS = 126
"""Port blocks of one shared address, from port 1024 on."""

NOW_MS = 1_795_000_000_000
RECONNECT = "2026-11-18T00:00:00Z"
BATCHES = 300
ROOM = 1 << 20
CHANGES_PER_S, CHANGING_S, CHANGES_AT_ONCE = 5_000, 20, 512
HISTORY_EVENTS = 40_960
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
    attributor = Attributor.load(lines=[path], map_e=None, network=Network(), realms=[""], room=ROOM)
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
        "while_changing": _while_changing(attributor, rng, assignments),
        "history_events_per_cpu_s": round(_history_rate()),
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


def _while_changing(attributor: Attributor, rng: np.random.Generator, assignments: int) -> dict[str, float]:
    """Lookups while 5,000 holders a second change, in hand-overs as the collector takes them; and changes alone."""
    batch = FlowBatch()
    batch.length = BATCH_ROWS
    questions = [_questions(rng, assignments, both=True) for _ in range(8)]
    hand_overs = [_changes(rng, assignments) for _ in range(round(CHANGES_PER_S * CHANGING_S / CHANGES_AT_ONCE) + 1)]
    lookups, lookup_s, change_s, done = 0, 0.0, 0.0, 0
    started = time.perf_counter()
    while (elapsed := time.perf_counter() - started) < CHANGING_S:
        if done < elapsed * CHANGES_PER_S:
            before = time.process_time()
            done += attributor.change(hand_overs.pop()).done
            change_s += time.process_time() - before
        batch.cells[:] = questions[lookups % len(questions)].cells
        before = time.process_time()
        attributor.attribute(batch)
        lookup_s += time.process_time() - before
        lookups += 1
    return {
        "changes_per_s": round(done / CHANGING_S),
        "million_lookups_per_s": round(2 * lookups * BATCH_ROWS / lookup_s / 1e6, 2),
        "cpu_s_a_second_for_changes": round(change_s / CHANGING_S, 3),
        "changes_per_cpu_s": round(done / change_s),
    }


def _changes(rng: np.random.Generator, assignments: int) -> list[Change]:
    """Reconnects: the address or block of a line ends with the one holder and begins with another."""
    return [
        Change(held, _two_spans(f"CAF{int(rng.integers(0, assignments))}", f"NEW{int(rng.integers(0, 1 << 30))}"))
        for held in (_held(rng, assignments) for _ in range(CHANGES_AT_ONCE))
    ]


def _held(rng: np.random.Generator, assignments: int) -> Held:
    kind = str(rng.choice(list(SHARES), p=list(SHARES.values())))
    hi, lo, port = _address(kind, rng.integers(0, int(assignments * SHARES[kind]), 1))
    words = (int(np.atleast_1d(hi)[0]), int(np.atleast_1d(lo)[0]))
    ports = (int(port[0]), int(port[0]) + BLOCK_PORTS - 1) if kind == "ipv4_ports" else (0, LAST_PORT)
    if not kind.startswith("ipv6"):
        return Held(prefix=prefix_of_words(*words, 128), port_first=ports[0], port_last=ports[1])
    length = 56 if kind == "ipv6_56" else 64
    return Held(prefix=prefix_of_words(words[0], 0, length))


def _two_spans(before: str, after: str) -> list[Span]:
    times = ((before, NOW_MS - 86_400_000, NOW_MS), (after, NOW_MS, OPEN_TO_MS))
    return [
        Span(holder=holder, from_ms=begin, to_ms=end, inferred=False, source="radius") for holder, begin, end in times
    ]


def _history_rate() -> float:
    """Starts and Stops a CPU-second into a history on disk, and out of it as changes of the lookup."""
    with tempfile.TemporaryDirectory() as directory, History(Path(directory) / "history.db") as history:
        started = time.process_time()
        for first in range(0, HISTORY_EVENTS, CHANGES_AT_ONCE):
            touched = history.apply("radius", list(_events(first, first + CHANGES_AT_ONCE)))
            for held in touched:
                history.spans_of(held, since_ms=NOW_MS)
                history.behind(held)
        return HISTORY_EVENTS / (time.process_time() - started)


def _events(first: int, end: int) -> Iterator[Begin | End]:
    for number in range(first, end):
        session = number // 2
        common: dict[str, Any] = {
            "at_ms": NOW_MS + number,
            "received_ms": NOW_MS + number,
            "server": f"nas{session % 20}",
            "session": f"s{session}",
            "holder": f"CAF{session}",
            "held": (Held(prefix=prefix_of_words(0, IPV4_MAPPED | 0x0A000000 + session % 100_000, 128)),),
        }
        yield Begin(**common) if number % 2 == 0 else End(**common)


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
