"""Attribution over ten million assignments of mixed kinds, from an export and from a history on disk; prints JSON.

Of each: how long it takes until the first lookup, memory, lookups a second. Of the history also the same while sources
tell of changes, and how many a second it takes in.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.assignments import BLOCK_PORTS, IPV4_MAPPED, NOW_MS, SHARES, address, write_export, write_history
from bench.measure import peak_rss_mib
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

BATCHES = 300
ROOM = 1 << 20
CHANGE_MS = NOW_MS - 60_000
"""When the holders changed that sources tell of: a clock margin and more before the flows."""
CHANGES_PER_S, CHANGING_S, CHANGES_AT_ONCE = 5_000, 20, 512
HISTORY_EVENTS = 40_960


def main() -> None:
    """Write the assignments, then load and ask them in a process of their own, so that its memory is its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assignments", type=int, default=10_000_000)
    assignments = parser.parse_args().assignments
    figures: dict[str, Any] = {"history_events_per_cpu_s": round(_history_rate())}
    with tempfile.TemporaryDirectory() as directory:
        for name, write in (("export", write_export), ("history", write_history)):
            path = Path(directory) / name
            write(path, assignments)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                figures[f"from the {name}"] = pool.apply(
                    measure, (path, assignments), {"is_history": name == "history"}
                )
            path.unlink()
    print(json.dumps(figures, indent=2))


def measure(path: Path, assignments: int, *, is_history: bool) -> dict[str, Any]:
    """Load, then ask with one and with both sides ours."""
    start, start_cpu = time.perf_counter(), time.process_time()
    attributor = _loaded_from_history(path) if is_history else _loaded(lines=[path])
    load_s, load_cpu_s = time.perf_counter() - start, time.process_time() - start_cpu
    attributor.start()
    rng = np.random.default_rng(2)
    figures = {
        "assignments": len(attributor),
        "load_s": round(load_s, 1),
        "load_cpu_s": round(load_cpu_s, 1),
        "million_lookups_per_s": {
            "source ours, destination not": _rate(attributor, rng, assignments, both=False),
            "both sides ours, drawn evenly": _rate(attributor, rng, assignments, both=True),
        },
    }
    if is_history:
        # Lists of the operator stay when a source tells otherwise, and the two overlap: only what is told can change.
        figures["while_changing"] = _while_changing(attributor, rng, assignments)
    return figures | {
        "unattributed": {reason.label: n for reason, n in attributor.unattributed.items()},
        "peak_rss_mib": round(peak_rss_mib()),
    }


def _loaded(**found: Any) -> Attributor:
    return Attributor.load(**{"lines": [], "map_e": None, "network": Network(), "realms": [""], "room": ROOM, **found})


def _loaded_from_history(path: Path) -> Attributor:
    with History(path) as history:
        return _loaded(history=history.told())


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
            done += attributor.change(hand_overs.pop(), at_ms=NOW_MS).done
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
    hi, lo, port = address(kind, rng.integers(0, int(assignments * SHARES[kind]), 1))
    words = (int(np.atleast_1d(hi)[0]), int(np.atleast_1d(lo)[0]))
    ports = (int(port[0]), int(port[0]) + BLOCK_PORTS - 1) if kind == "ipv4_ports" else (0, LAST_PORT)
    if not kind.startswith("ipv6"):
        return Held(prefix=prefix_of_words(*words, 128), port_first=ports[0], port_last=ports[1])
    length = 56 if kind == "ipv6_56" else 64
    return Held(prefix=prefix_of_words(words[0], 0, length))


def _two_spans(before: str, after: str) -> list[Span]:
    times = ((before, NOW_MS - 86_400_000, CHANGE_MS), (after, CHANGE_MS, OPEN_TO_MS))
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
        hi, lo, port = address(kind, rng.integers(0, int(assignments * share), len(chosen)))
        batch.column(f"{side}_hi")[chosen], batch.column(f"{side}_lo")[chosen] = hi, lo
        batch.column(f"{side}_port")[chosen] = port


if __name__ == "__main__":
    main()
