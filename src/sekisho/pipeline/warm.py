"""Compiles every kernel ahead of the first run, as installation does, so that nobody waits for it later."""

from __future__ import annotations

import multiprocessing
from importlib import import_module

MODULES = (
    "sekisho.windows.fold",
    "sekisho.wire.decoder",
    "sekisho.attribution.lookup",
    "sekisho.attribution.updates",
    "sekisho.attribution.table",
    "sekisho.attribution.prefix_text",
    "sekisho.attribution.ranges",
    "sekisho.attribution.slots",
    "sekisho.attribution.subjects",
    "sekisho.collect.capture",
    "sekisho.collect.boundary",
    "sekisho.windows.read",
    "sekisho.simulate.flow_cache",
    "sekisho.windows.series",
    "sekisho.collect.frames",
    "sekisho.attribution.history.translated",
    "sekisho.impact.load",
    "sekisho.attribution.households",
    "sekisho.attribution.history.ends",
    "sekisho.collect.agents",
    "sekisho.collect.queue",
    "sekisho.collect.receive",
    "sekisho.collect.exporters",
)
"""Modules with a ``KERNELS`` table that is warmed by itself, the longest first."""


def warm_all(*, processes: int | None = None) -> None:
    """Compile into the cache, several modules at a time; what is there already is only loaded."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for _ in pool.imap_unordered(_warm, MODULES):
            pass


def _warm(module: str) -> None:
    from sekisho.core.kernels import warm

    warm((import_module(module).KERNELS,))


if __name__ == "__main__":
    warm_all()
