"""The links on the NOC page: what hits them now, their load, and the share that lines at ``act`` cause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sekisho.core.config_links import Link
    from sekisho.web.console.state import ProcessStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkNow:
    """One link; None where something is not measured.

    Attributes:
        events, lines: that hit it now.
        peak_bps: the highest ten seconds since ``since``; capacity_bps: what it carries.
        share: of its load that lines at ``act`` caused while they sent; share_interval_95: with 95 %.
        missing: codes of what its numbers lack.
    """

    name: str
    events: int
    lines: int
    capacity_bps: float | None
    peak_bps: float | None
    since: str | None
    share: float | None
    share_interval_95: tuple[float, float] | None
    missing: tuple[str, ...]

    @property
    def use(self) -> float | None:
        """The peak as a part of the capacity."""
        return self.peak_bps / self.capacity_bps if self.peak_bps is not None and self.capacity_bps else None


def links_now(
    configured: Sequence[Link], statuses: Sequence[ProcessStatus], hit: Mapping[str, tuple[int, int]]
) -> list[LinkNow]:
    """Links that are hit, the most lines first, then the configured ones."""
    told: dict[str, Mapping[str, Any]] = {
        entry["name"]: entry for status in statuses for entry in status.about.get("links", ())
    }
    capacities = {link.name: link.capacity_bps for link in configured}
    return [
        _link(name, hit.get(name, (0, 0)), capacities.get(name), told.get(name, {})) for name in {**hit, **capacities}
    ]


def _link(name: str, hit: tuple[int, int], capacity_bps: float | None, told: Mapping[str, Any]) -> LinkNow:
    interval = told.get("share_interval_95")
    return LinkNow(
        name=name,
        events=hit[0],
        lines=hit[1],
        # Where interfaces tell their speed the collector knows what the configuration does not.
        capacity_bps=told.get("capacity_bps") or capacity_bps,
        peak_bps=told.get("peak_bps"),
        since=told.get("since"),
        share=told.get("share"),
        share_interval_95=None if interval is None else (interval[0], interval[1]),
        missing=tuple(told.get("missing", ())),
    )
