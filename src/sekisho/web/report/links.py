"""What the page and the table say of each link, from the ``impact`` of an analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sekisho.web.report import numbers
from sekisho.web.report.said import Said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sekisho.web.report.said import Value

LINKS_SHOWN = 60
"""Links with a section and a plot of their own: as many as detections, and for the same reason."""

SPANS_SAID = 3
"""Runs of minutes above the mark that are named; the document lists more."""

Fact = tuple[Said, Said]
"""Label and value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """One link.

    Attributes:
        title: name, kind and capacity.
        facts: what is known of it, the load first.
        missing: what is not known, in words.
        entry: as the document has it.
    """

    number: int
    title: Said
    facts: Sequence[Fact]
    missing: Sequence[Said]
    entry: Mapping[str, Any]

    @property
    def is_full(self) -> bool:
        """Whether it was above its mark in any minute."""
        return _minutes(self.entry) > 0

    @property
    def label(self) -> str:
        """What a screen reader says of its plot."""
        said = Said("link_chart", {"name": self.entry["name"]})
        return f"{said.text('ja')} / {said.text('en')}"


def link_views(impact: Mapping[str, Any]) -> list[LinkView]:
    """Every link of an ``impact``: the longest above its mark first, then the largest share of lines at ``act``."""
    ordered = sorted(
        impact.get("links", ()), key=lambda link: (-_minutes(link), -(_share(link) or 0.0), str(link["name"]))
    )
    return [
        LinkView(
            number=number,
            title=_title(link),
            facts=list(_facts(link)),
            missing=[Said(f"missing_{what}") for what in link["missing"]],
            entry=link,
        )
        for number, link in enumerate(ordered, start=1)
    ]


def coverage_alarms(impact: Mapping[str, Any]) -> Iterator[Said]:
    """One sentence for each interface whose flows and counters differ too much."""
    for row in impact.get("coverage", ()):
        if row["alarm"]:
            yield Said(
                "coverage_alarm",
                {
                    "exporter": row["exporter"],
                    "interface": row["interface"],
                    "direction": Said(f"direction_{row['direction']}"),
                    "share": numbers.share(row["coverage"]),
                },
            )


def _minutes(link: Mapping[str, Any]) -> int:
    return int(link["above_mark"]["minutes"]) if link["above_mark"] is not None else 0


def _share(link: Mapping[str, Any]) -> float | None:
    return link["abuse"]["share"] if link["abuse"] is not None else None


def _title(link: Mapping[str, Any]) -> Said:
    capacities = [
        numbers.quantity(link[name], unit)
        for name, unit in (("capacity_bps", "bit/s"), ("capacity_pps", "packets/s"), ("capacity_sessions", "sessions"))
        if link[name]
    ]
    capacity = ", ".join(capacities) if capacities else Said("link_capacity_unknown")
    return Said("link_title", {"name": link["name"], "kind": Said(f"link_kind_{link['kind']}"), "capacity": capacity})


def _facts(link: Mapping[str, Any]) -> Iterator[Fact]:
    """The lines at ``act`` before what it would be without them."""
    if link["load"] is not None:
        yield Said("link_load"), Said("link_load_value", _load(link["load"]) | {"time": _peak_at(link["load"])})
    if link["abuse"] is not None:
        yield from _abuse(link["abuse"])
        if _share(link):
            yield Said("link_without"), Said("link_without_value", _load(link["load_without"]))
    if link["above_mark"] is not None:
        yield Said("link_above", {"mark": f"{link['mark']:.0%}"}), _above(link["above_mark"])
    if link["abuse"] is not None:
        yield Said("link_others"), _others(link["abuse"], link["others_slowed"])
    if link["attempts"] is not None and link["attempts"]["octets"]:
        octets = numbers.quantity(link["attempts"]["octets"], "B")
        yield Said("link_attempts"), Said("link_attempts_value", {"octets": octets})
    if link["peak_sessions"] is not None:
        yield Said("link_sessions"), Said("link_sessions_value", {"count": f"{link['peak_sessions']:,}"})
    yield Said("link_measured"), Said(f"measured_{link['measured'] or 'nothing'}")


def _peak_at(load: Mapping[str, Any]) -> str:
    return numbers.jst_clock(load["peak_at"])


def _load(load: Mapping[str, Any]) -> dict[str, Value]:
    return {"peak": _rate(load["peak_bps"]), "p95": _rate(load["p95_bps"])}


def _above(above: Mapping[str, Any]) -> Said:
    if not above["minutes"]:
        return Said("link_above_never")
    spans: Value = tuple(Said("link_span", _span(span)) for span in above["spans"][:SPANS_SAID])
    if len(above["spans"]) > SPANS_SAID:
        spans = Said("link_spans_more", {"spans": spans})
    return Said("link_above_value", {"minutes": above["minutes"], "spans": spans, "without": above["minutes_without"]})


def _span(span: Mapping[str, str]) -> dict[str, Value]:
    first, last = span["first"], span["last"]
    return {
        "first": numbers.jst_clock(first),
        "last": numbers.jst_clock(last),
        "first_utc": numbers.utc_clock(first),
        "last_utc": numbers.utc_clock(last),
    }


def _abuse(abuse: Mapping[str, Any]) -> Iterator[Fact]:
    if not abuse["lines"]:
        yield Said("link_abuse"), Said("link_abuse_none")
        return
    if abuse["share"] is None:
        yield Said("link_abuse"), Said("link_abuse_no_load", {"lines": abuse["lines"]})
        return
    low, high = (numbers.share(value) for value in abuse["share_interval_95"])
    during = Said(f"during_{abuse['during']}")
    values = {"share": numbers.share(abuse["share"]), "low": low, "high": high, "lines": abuse["lines"]}
    yield Said("link_abuse"), Said("link_abuse_value", {**values, "during": during})
    for event in abuse["events"]:
        yield Said("link_event"), _event(event)


def _others(abuse: Mapping[str, Any], slowed: Mapping[str, Any]) -> Said:
    answer = "_".join(part for part in ("slowed", slowed["answer"], slowed["by"]) if part)
    return Said("link_others_value", {"count": f"{abuse['other_lines']:,}", "slowed": Said(answer)})


def _event(event: Mapping[str, Any]) -> Said:
    name = event["event"] or Said("link_no_event")
    return Said("link_event_value", {"event": name, "lines": event["lines"], "share": numbers.share(event["share"])})


def _rate(bps: float | None) -> str:
    return "–" if bps is None else numbers.quantity(bps, "bit/s")
