"""Plots as SVG that takes its colours and its font from the page around it.

Matplotlib draws in stand-in colours; each becomes a CSS variable, so that one drawing serves light, dark and paper.
"""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
from matplotlib import dates
from matplotlib.figure import Figure

from sekisho.core.time import JST, parse_time, to_datetime
from sekisho.web.report.numbers import scale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from sekisho.web.report.series import ReportSeries

MOST_POINTS = 720
"""A longer series is averaged: finer than a pixel of the page nothing can be seen."""

_FAR = 4
"""Times the highest load beyond which a capacity is not drawn."""

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"

_INK, _MUTED, _GRID, _USUAL, _ABNORMAL, _PAPER = (f"#0000{n:02x}" for n in range(0xF1, 0xF7))
_VARIABLES = {
    _INK: "var(--ink)",
    _MUTED: "var(--muted)",
    _GRID: "var(--grid)",
    _USUAL: "var(--usual)",
    _ABNORMAL: "var(--abnormal)",
    _PAPER: "var(--paper)",
}

_dates: Any = dates
"""Matplotlib's dates carry no types."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "sekisho",
    "font.size": 10,
    "text.color": _INK,
    "axes.edgecolor": _MUTED,
    "axes.labelcolor": _MUTED,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.8,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "ytick.major.size": 0,
}


def traffic_chart(series: ReportSeries, *, label: str) -> str:
    """All outbound traffic, the abnormal part stacked on top of the usual one; JST below, UTC above.

    Args:
        series: at least one interval.
        label: what a screen reader says.
    """
    times, (total, abnormal) = _thinned(series, [np.asarray(series.outbound_bps, np.float64), series.abnormal_bps])
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(width=9.6, height=3.3, top=0.26)
        divisor, unit = scale(float(total.max(initial=0.0)), "bit/s")
        _area(axes, times, np.zeros_like(total), (total - abnormal) / divisor, _USUAL)
        _area(axes, times, (total - abnormal) / divisor, total / divisor, _ABNORMAL)
        _finish(axes, times, unit)
        _utc_above(axes, times)
        return _inline(figure, prefix="all", label=label)


def line_chart(series: ReportSeries, rates_bps: Sequence[float], *, number: int, label: str) -> str:
    """What one detection is about, over the whole time of the report."""
    times, (rates,) = _thinned(series, [np.asarray(rates_bps, np.float64)])
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(width=6.4, height=1.45, top=0.1)
        divisor, unit = scale(float(rates.max(initial=0.0)), "bit/s")
        _area(axes, times, np.zeros_like(rates), rates / divisor, _ABNORMAL)
        _finish(axes, times, unit)
        axes.yaxis.set_major_locator(mpl.ticker.MaxNLocator(3))
        return _inline(figure, prefix=f"d{number}", label=label)


def link_chart(series: Mapping[str, Any], *, limits: Sequence[tuple[float, str]], number: int, label: str) -> str:
    """Load of a link, the part of lines at ``act`` on top; where nothing was measured there is a gap.

    Args:
        series: of the link's entry in ``impact``.
        limits: bits a second and line style of what is drawn across, such as the capacity; one that the load is far
            from is left out, since it would press the load flat.
        number: of the link on its page.
        label: what a screen reader says.
    """
    load, abuse = (np.array(series[name], np.float64) for name in ("load_bps", "abuse_bps"))
    start, step = to_datetime(parse_time(series["start"])), timedelta(milliseconds=series["interval_ms"])
    edges = [start + step * n for n in range(len(load) + 1)]
    highest = float(np.nanmax(load, initial=0.0))
    near = [(bps, style) for bps, style in limits if bps <= _FAR * highest]
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(width=6.4, height=1.9, top=0.1)
        divisor, unit = scale(max([highest, *(bps for bps, _ in near)]), "bit/s")
        _area(axes, edges, np.zeros_like(load), (load - abuse) / divisor, _USUAL)
        _area(axes, edges, (load - abuse) / divisor, load / divisor, _ABNORMAL)
        for bps, style in near:
            axes.axhline(bps / divisor, color=_INK, linewidth=1, linestyle=style)
        _finish(axes, edges, unit)
        axes.yaxis.set_major_locator(mpl.ticker.MaxNLocator(4))
        return _inline(figure, prefix=f"link{number}", label=label)


def _thinned(series: ReportSeries, rows: list[NDArray[np.float64]]) -> tuple[list[Any], list[NDArray[np.float64]]]:
    """Edges of the intervals (one more than values) and the rows, averaged to at most ``MOST_POINTS``."""
    group = -(-len(series.times_ms) // MOST_POINTS)
    starts = np.arange(0, len(series.times_ms), group)
    counts = np.diff(np.append(starts, len(series.times_ms)))
    edges = [to_datetime(series.times_ms[start]) for start in starts.tolist()]
    edges.append(to_datetime(series.times_ms[-1]) + timedelta(milliseconds=series.interval_ms or 1000))
    return edges, [np.add.reduceat(row, starts) / counts for row in rows]


def _axes(*, width: float, height: float, top: float) -> tuple[Figure, Axes]:
    """Axes in a figure of that size in inches, with room for the labels around them."""
    left, right, bottom = 0.62, 0.72, 0.28
    figure = Figure(figsize=(width, height))
    return figure, figure.add_axes(
        (left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height)
    )


def _area(axes: Axes, edges: list[Any], low: NDArray[np.float64], high: NDArray[np.float64], colour: str) -> None:
    bottom, top = np.append(low, low[-1]), np.append(high, high[-1])
    axes.fill_between(edges, bottom, top, step="post", color=colour, linewidth=0)
    # A thin line of paper keeps the two areas apart where colours alone would not.
    axes.step(edges, top, where="post", color=_PAPER, linewidth=0.7)


def _finish(axes: Axes, edges: list[Any], unit: str) -> None:
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(_dates.AutoDateLocator(tz=JST, minticks=3, maxticks=8))
    axes.xaxis.set_major_formatter(_dates.DateFormatter(_time_format(edges), tz=JST))
    axes.set_ylabel(unit)
    axes.annotate(
        "JST", xy=(1, 0), xycoords="axes fraction", xytext=(30, -14), textcoords="offset points", color=_MUTED
    )


def _utc_above(axes: Axes, edges: list[Any]) -> None:
    above = axes.secondary_xaxis("top")
    above.spines["top"].set_visible(False)
    above.xaxis.set_major_locator(axes.xaxis.get_major_locator())
    above.xaxis.set_major_formatter(_dates.DateFormatter(_clock_format(edges), tz="UTC"))
    above.tick_params(length=0)
    axes.annotate("UTC", xy=(1, 1), xycoords="axes fraction", xytext=(30, 5), textcoords="offset points", color=_MUTED)


def _time_format(edges: list[Any]) -> str:
    return "%m-%d" if edges[-1] - edges[0] > timedelta(days=2) else _clock_format(edges)


def _clock_format(edges: list[Any]) -> str:
    return "%H:%M" if edges[-1] - edges[0] > timedelta(minutes=3) else "%H:%M:%S"


def _inline(figure: Figure, *, prefix: str, label: str) -> str:
    """The figure as an ``svg`` element for HTML: own ids, no namespaces, no metadata, CSS variables for colours."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True)
    root = ET.fromstring(buffer.getvalue())  # noqa: S314 (our own drawing)
    for parent in list(root.iter()):
        for child in [c for c in parent if c.tag == f"{{{_SVG}}}metadata"]:
            parent.remove(child)
    _rename_ids(root, prefix)
    del root.attrib["width"], root.attrib["height"]
    root.set("role", "img")
    root.set("aria-label", label)
    return _without_namespaces(root)


def _rename_ids(root: ET.Element, prefix: str) -> None:
    """Keep ids that something refers to, made unique on the page; drop the rest."""
    text = ET.tostring(root, encoding="unicode")
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", text))
    for element in root.iter():
        name = element.attrib.pop("id", None)
        if name in used:
            element.set("id", f"{prefix}-{name}")
        for key, value in list(element.attrib.items()):
            if "#" in value and any(f"#{name}" in value for name in used):
                element.set(key, re.sub(r"#([\w-]+)", rf"#{prefix}-\1", value))


def _without_namespaces(root: ET.Element) -> str:
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
        link = element.attrib.pop(f"{{{_XLINK}}}href", None)
        if link is not None:
            element.set("href", link)
    text = ET.tostring(root, encoding="unicode", short_empty_elements=False)
    for stand_in, variable in _VARIABLES.items():
        text = text.replace(stand_in, variable)
    return re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
