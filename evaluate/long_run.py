"""Days of lines that do nothing wrong, from records that are sampled already: how many end at ``act``.

Zero of n line-days bound the true rate: below 3 / n with 95 % confidence (the upper Poisson limit of nothing seen).
A day is measured in pieces of three hours on networks of their own, each at another time of the day; a tick costs less
a line the more lines there are.
"""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from evaluate.trial import product_of
from sekisho.detect.interval import interval_95
from sekisho.pipeline.analysis import document_of
from sekisho.simulate.cell import ACCESS, cell
from sekisho.simulate.run import write_inputs
from sekisho.simulate.sampled_simulation import SampledSimulation
from sekisho.windows.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evaluate.state import State
    from sekisho.simulate.scenario import Scenario

PART = "long-run"
PIECE_H = 3
LINES = {1000: 24_000, 4096: 32_000}
"""Lines of a network by sampling interval: in the busiest hour they leave fewer rows than ``LIMITS`` holds."""

MOST_FIXED, MOST_PPPOE = 500, 30_000
"""Lines for which the simulated provider has addresses."""

LIMITS = Limits(window_rows=1 << 23, pair_rows=1 << 23)
"""Above those of one collector, so that no row leaves before its time."""

NETWORK_LINES = 10_000_000
"""The network for which cases a day are given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """What one run of benign lines showed.

    Attributes:
        line_days: lines times days.
        accused: (line_id, kind) at ``act``; ``watched``: at ``watch``.
        records: records judged; ``cpu_s``: seconds of one core.
        dropped: rows that a limit of the windows let go, by reason; anything here makes the run worthless.
    """

    sampling: int
    line_days: float
    accused: list[tuple[str, str]]
    watched: list[tuple[str, str]]
    records: int
    cpu_s: float
    dropped: dict[str, int] = field(default_factory=dict)


def days(*, sampling: int, lines: int, hours: float, seed: int, after_h: float = 0) -> Days:
    """One run: lines of each access kind, by the hours of the day, from so long after the evening's begin."""
    began = time.process_time()
    simulation = SampledSimulation(_scenario(sampling, lines, hours, after_h), seed=seed)
    with TemporaryDirectory() as folder:
        write_inputs(simulation, Path(folder))
        product = product_of(Path(folder), limits=LIMITS)
    product.start()
    for batch in simulation.batches():
        product.receive_flows(batch)
    product.finish()
    found = document_of(product, {})["detections"]
    return Days(
        sampling=sampling,
        line_days=len(simulation.lines) * hours / 24,
        accused=_lines_at("act", found),
        watched=_lines_at("watch", found),
        records=product.replayed,
        cpu_s=time.process_time() - began,
        dropped={reason: count for reason, count in product.windows.dropped.items() if count},
    )


def _scenario(sampling: int, lines: int, hours: float, after_h: float) -> Scenario:
    each = lines // len(ACCESS)
    fixed, pppoe = min(each, MOST_FIXED), min(each, MOST_PPPOE)
    households = lines - fixed - pppoe
    scenario = cell("long", sampling_interval=sampling, duration_s=int(hours * 3600))
    changes = {"by_hour": True, "fixed": fixed, "pppoe": pppoe, "map_e": households // 2, "ipoe": -(-households // 2)}
    return scenario.with_overrides(
        {f"lines.{name}": value for name, value in changes.items()}
        | {"start": scenario.start + timedelta(hours=after_h)}
    )


def _lines_at(level: str, found: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted({(d["line_id"], d["kind"]) for d in found if d["level"] == level and d["subject"] == "line"})


def measure(state: State, *, line_days: float) -> None:
    """As many pieces of each sampling interval as are needed beside those of the state, each with another seed.

    The sampling intervals take turns, so that what is interrupted has measured both.
    """
    needed = {sampling: -(-int(line_days * 24) // (lines * PIECE_H)) for sampling, lines in LINES.items()}
    started = time.monotonic()
    for number in range(max(needed.values())):
        for sampling, lines in LINES.items():
            if number >= needed[sampling] or _is_measured(state, sampling, number):
                continue
            began = time.monotonic()
            found = days(
                sampling=sampling,
                lines=lines,
                hours=PIECE_H,
                seed=100 + number,
                after_h=PIECE_H * number % 24,
            )
            state.add(PART, [sampling, number], asdict(found), seconds=time.monotonic() - began)
            told = f"{number + 1} of {needed[sampling]} pieces, {time.monotonic() - started:.0f} s"
            print(f"1:{sampling}: {told}, accused {found.accused}, watched {found.watched}", file=sys.stderr)


def _is_measured(state: State, sampling: int, number: int) -> bool:
    """Whether this piece need not be measured: a piece that let rows go is worth nothing."""
    key = [sampling, number]
    whole = any(piece.key == key and not piece.value["dropped"] for piece in state.all_of(PART))
    return whole and state.has(PART, key)


def measured(state: State) -> Iterator[tuple[str, list[Days]]]:
    """(commit, its pieces of one sampling interval): the same seed may be judged again, and what was found stays."""
    pieces = [(piece.commit, Days(**piece.value)) for piece in state.all_of(PART)]
    for sampling in LINES:
        for commit in dict.fromkeys(commit for commit, _ in pieces):
            if runs := [days for by, days in pieces if by == commit and days.sampling == sampling]:
                yield commit, runs


def page(results: Iterable[tuple[str, list[Days]]]) -> str:
    """One row a sampling interval and commit."""
    rows = "".join(_row(commit, runs) for commit, runs in results)
    return (
        "Pieces of three hours at all times of the day. Where a limit let rows go before their time, the row says so, "
        "and its figures bound nothing. A commit may judge the same days as one before: if it mends what that one "
        "showed, it shows that it is mended, and is no measurement of its own.\n\n"
        "| sampling | commit | line-days | records | lines at `act` | upper 95 % limit per 10^6 line-days | lines at "
        "`watch` | cases a day on 10 million lines, at most | CPU seconds per 1,000 line-days |\n"
        f"|---|---|---|---|---|---|---|---|---|\n{rows}"
    )


def _row(commit: str, runs: list[Days]) -> str:
    line_days = sum(run.line_days for run in runs)
    accused = sum(len(run.accused) for run in runs)
    # Without any, the limit of Poisson's mean is 3.0 (one-sided 95 %).
    upper = (interval_95(accused, accused)[1] if accused else 2.9957) / line_days
    dropped = sum(sum(run.dropped.values()) for run in runs)
    watched, records = sum(len(run.watched) for run in runs), sum(run.records for run in runs)
    let_go = f" ({dropped:,} rows let go)" if dropped else ""
    cost = sum(run.cpu_s for run in runs) / line_days * 1000
    return (
        f"| 1:{runs[0].sampling}{let_go} | {commit} | {line_days:,.0f} | {records:,} | {accused} | {upper * 1e6:.2g} "
        f"| {watched} | {upper * NETWORK_LINES:,.0f} | {cost:.1f} |\n"
    )
