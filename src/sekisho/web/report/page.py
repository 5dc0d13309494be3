"""The page itself: view, plots and template put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sekisho import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from sekisho.web.report.links import LinkView
    from sekisho.web.report.series import ReportSeries
    from sekisho.web.report.view import DetectionView


def render(
    document: Mapping[str, Any],
    series: ReportSeries,
    *,
    title: str | None = None,
    language: Literal["ja", "en"] = "ja",
) -> str:
    """An analysis as one HTML page without any outside resource and without script.

    Both languages are in the page; radio buttons and CSS choose one. Colours follow the reader's light or dark
    setting; on paper everything is shown that a click would open.

    Args:
        document: JSON of ``sekisho.analysis/1``.
        series: traffic over time; may be empty, then there are no plots.
        title: what stands beside the name of the report, such as a site or an occasion.
        language: the one that is shown first.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from sekisho.pipeline.analysis import nothing_judged
    from sekisho.web.report import links, numbers, texts, view

    environment = Environment(
        loader=PackageLoader("sekisho.web.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"say": texts.say, "name": texts.name, "plain": texts.plain, "numbers": numbers}
    detections = view.detection_views(document["detections"])
    shown = links.link_views(document["impact"])
    return environment.get_template("page.html").render(
        subtitle=title,
        language=language,
        version=__version__,
        document=document,
        headlines=list(view.headlines(document, series)),
        nothing_judged=nothing_judged(document),
        traffic=_traffic(series),
        interval=numbers.seconds(series.interval_ms / 1000),
        detections=detections,
        details=detections[: view.DETAILS_SHOWN],
        plots=_plots(detections[: view.DETAILS_SHOWN], series),
        links=shown[: links.LINKS_SHOWN],
        links_left_out=len(shown[links.LINKS_SHOWN :]),
        link_plots=_link_plots(shown[: links.LINKS_SHOWN]),
        quality_rows=view.quality_rows(document),
        blind_spots=list(view.blind_spots(document)),
        port_and_protocol=view.port_and_protocol,
        period=_period(document["input"]),
    )


def _traffic(series: ReportSeries) -> Markup | None:
    from markupsafe import Markup

    from sekisho.web.report import charts, texts

    if not len(series.times_ms):
        return None
    return Markup(charts.traffic_chart(series, label=texts.plain("traffic_label")))  # noqa: S704 (our own drawing)


def _plots(detections: Sequence[DetectionView], series: ReportSeries) -> dict[int, Markup]:
    """Plots of the detections that have a series, by the number of their section."""
    from markupsafe import Markup

    from sekisho.web.report import charts

    drawn = {
        d.number: charts.line_chart(series, series.detected_bps[d.key], number=d.number, label=" ".join(d.key))
        for d in detections
        if d.key in series.detected_bps and len(series.times_ms)
    }
    return {number: Markup(svg) for number, svg in drawn.items()}  # noqa: S704 (labels are escaped by ElementTree)


def _link_plots(links: Sequence[LinkView]) -> dict[int, Markup]:
    """Plots of the links whose load is known, by their number."""
    from markupsafe import Markup

    from sekisho.web.report import charts

    drawn = {}
    for link in links:
        capacity = link.entry["capacity_bps"]
        limits = [(capacity, "-"), (capacity * link.entry["mark"], "--")] if capacity else []
        if link.entry["series"] is not None:
            drawn[link.number] = charts.link_chart(
                link.entry["series"], limits=limits, number=link.number, label=link.label
            )
    return {number: Markup(svg) for number, svg in drawn.items()}  # noqa: S704 (labels are escaped by ElementTree)


def _period(given: Mapping[str, Any]) -> Markup:
    from sekisho.web.report import numbers, texts

    if given["first"] is None:
        return texts.say("no_period")
    first, last = given["first"], given["last"]
    return texts.say(
        "period",
        first=numbers.jst(first),
        last=numbers.jst(last),
        first_utc=numbers.utc_clock(first),
        last_utc=numbers.utc_clock(last),
    )
