"""How the links fare, as the collector tells of itself: the load, and what lines at ``act`` cause; no series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def link_status(impact: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A short entry for each link of an analysis' ``impact``; None where something was not measured.

    Returns:
        ``name``, ``kind``, ``capacity_bps``, ``measured``, ``missing`` as there; ``since`` (ISO 8601), ``peak_bps`` of
        ten seconds, ``p95_bps`` of minutes; ``lines`` at ``act``, their ``share`` with ``share_interval_95``.
    """
    return [_entry(link) for link in impact.get("links", ())]


def _entry(link: Mapping[str, Any]) -> dict[str, Any]:
    load, abuse, series = (link[name] or {} for name in ("load", "abuse", "series"))
    return {
        **{name: link[name] for name in ("name", "kind", "capacity_bps", "measured", "missing")},
        "since": series.get("start"),
        **{name: load.get(name) for name in ("peak_bps", "p95_bps")},
        **{name: abuse.get(name) for name in ("lines", "share", "share_interval_95")},
    }
