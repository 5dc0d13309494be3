"""Days of lines that do nothing wrong, from records that are sampled already: how many end at ``act``.

Zero of n line-days bound the true rate: below 3 / n with 95 % confidence (the upper Poisson limit of nothing seen).
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from evaluate.trial import product_of
from sekisho.detect.interval import interval_95
from sekisho.pipeline.analysis import document_of
from sekisho.simulate.cell import ACCESS, cell
from sekisho.simulate.run import write_inputs
from sekisho.simulate.sampled_simulation import SampledSimulation

if TYPE_CHECKING:
    from collections.abc import Iterable

DAY_S = 86_400
NETWORK_LINES = 10_000_000
"""The network for which cases a day are given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """What one run of benign lines showed.

    Attributes:
        line_days: lines times days.
        accused: (line_id, kind) at ``act``; ``watched``: at ``watch``.
        records: records judged; ``cpu_s``: seconds of one core.
    """

    sampling: int
    line_days: float
    accused: list[tuple[str, str]]
    watched: list[tuple[str, str]]
    records: int
    cpu_s: float


def days(*, sampling: int, lines: int, hours: float, seed: int) -> Days:
    """One run: a quarter of the lines of each access kind, by the hours of the day."""
    began = time.process_time()
    scenario = cell("long", sampling_interval=sampling, lines_each=lines // len(ACCESS), duration_s=int(hours * 3600))
    scenario = scenario.with_overrides({"lines.by_hour": True, "lines.fixed": min(lines // len(ACCESS), 400)})
    simulation = SampledSimulation(scenario, seed=seed)
    with TemporaryDirectory() as folder:
        write_inputs(simulation, Path(folder))
        product = product_of(Path(folder))
    product.start()
    records = 0
    for batch in simulation.batches():
        records += len(batch)
        product.receive_flows(batch)
    product.finish()
    found = document_of(product, {})["detections"]
    return Days(
        sampling=sampling,
        line_days=len(simulation.lines) * hours / 24,
        accused=[(d["line_id"], d["kind"]) for d in found if d["level"] == "act"],
        watched=[(d["line_id"], d["kind"]) for d in found if d["level"] == "watch"],
        records=records,
        cpu_s=time.process_time() - began,
    )


def long_run(*, sampling: int, line_days: int, processes: int, lines: int = 4000) -> list[Days]:
    """As many runs of a day as are needed, with different seeds."""
    runs = -(-line_days // lines)
    started = time.monotonic()
    with ProcessPoolExecutor(processes) as pool:
        jobs = [pool.submit(days, sampling=sampling, lines=lines, hours=24, seed=100 + n) for n in range(runs)]
        results = []
        for number, job in enumerate(jobs, 1):
            results.append(job.result())
            print(
                f"\r1:{sampling}: {number} of {runs} days, {time.monotonic() - started:.0f} s", end="", file=sys.stderr
            )
    print(file=sys.stderr)
    return results


def page(results: Iterable[list[Days]]) -> str:
    """One row a sampling interval."""
    rows = "".join(_row(runs) for runs in results)
    return (
        "| sampling | line-days | records | lines at `act` | upper 95 % limit per 10^6 line-days | lines at `watch` "
        "| cases a day on 10 million lines, at most | CPU seconds per 1,000 line-days |\n"
        f"|---|---|---|---|---|---|---|---|\n{rows}"
    )


def _row(runs: list[Days]) -> str:
    line_days = sum(run.line_days for run in runs)
    accused = sum(len(run.accused) for run in runs)
    # Without any, the limit of Poisson's mean is 3.0 (one-sided 95 %).
    upper = (interval_95(accused, accused)[1] if accused else 2.9957) / line_days
    watched, records = sum(len(run.watched) for run in runs), sum(run.records for run in runs)
    return (
        f"| 1:{runs[0].sampling} | {line_days:,.0f} | {records:,} | {accused} | {upper * 1e6:.2g} "
        f"| {watched} | {upper * NETWORK_LINES:,.0f} | {sum(run.cpu_s for run in runs) / line_days * 1000:.1f} |\n"
    )
