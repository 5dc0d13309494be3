"""What the person who started a run should know besides its result: what was assumed, missing or left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.wire.clock import CLOCK_MARGIN_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sekisho.pipeline.run import Run

LOSS_WORTH_SAYING = 0.001
"""Share of lost records from which it is said; every verdict carries its own anyway."""


def remarks_of(run: Run, *, damage: Sequence[str]) -> tuple[str, ...]:
    """One sentence each, the gravest first."""
    return (*damage, *_of_lines(run), *_of_exports(run), *_of_limits(run))


def _of_lines(run: Run) -> Iterator[str]:
    attributor = run.attributor
    if not len(attributor):
        yield "no assignments were given (--lines), so that no traffic can be tied to a line"
        return
    if attributor.overlapping:
        yield f"{attributor.overlapping:,} assignments overlap with another line's and resolve to neither"
    if attributor.derived_prefixes:
        yield "our prefixes are derived from the assignments; [network] prefixes would tell unassigned from foreign"


def _of_exports(run: Run) -> Iterator[str]:
    if run.boundaries.are_derived:
        yield "no boundaries are configured: for each line the exporter and direction with the most octets counts"
    for source in run.decoder.losses():
        name = run.exporters[source.exporter]
        if source.lost_units > LOSS_WORTH_SAYING * source.expected_units:
            share = source.lost_units / source.expected_units
            yield f"{name} (domain {source.domain}): {source.lost_units:,} {source.unit}s lost, {share:.1%}"
        if source.clock_shifted:
            yield (
                f"{name} (domain {source.domain}): clock differs by {source.last_skew_ms / 1000:+,.1f} s from the time "
                f"of reception, more than {CLOCK_MARGIN_MS / 1000:g} s: times were shifted"
            )
    if run.windows.late:
        yield f"{run.windows.late:,} records came after their windows had closed; they count in totals only"


def _of_limits(run: Run) -> Iterator[str]:
    for reason, count in sorted(run.windows.dropped.items()):
        if count:
            yield f"limit reached: {reason} {count:,}"
