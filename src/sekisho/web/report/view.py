"""What the page shows of an analysis: every number already as text."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from sekisho.core.time import iso, parse_time
from sekisho.detect import sentences
from sekisho.schema.detection import Level
from sekisho.web.report import numbers, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from markupsafe import Markup

    from sekisho.detect.detector import Language
    from sekisho.web.report.series import ReportSeries

DETAILS_SHOWN = 60
"""Detections with a section and a plot of their own; more would make the page too heavy for a phone."""

PROTOCOLS = {1: "ICMP", 6: "TCP", 17: "UDP", 47: "GRE", 50: "ESP", 58: "ICMPv6"}

_PEAK_S = 10
"""A peak is a mean over this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One number at the top of the page."""

    label: Markup
    value: str
    note: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionView:
    """One detection as the table and its own section show it.

    Attributes:
        key: (line_id, kind), by which its series is found.
        facts: (label, value) rows.
        explanation: what was found, in one sentence; None where there is nothing to say.
        quiet: what would have kept it quiet, likewise.
        targets: (prefix, port and protocol, share as text, share 0 to 1) rows.
        numbers: the detector's own evidence, name and value.
    """

    number: int
    key: tuple[str, str]
    line_id: str
    kind: Markup
    level: str
    level_name: Markup
    pps: str
    bps: str
    octets: str
    since: str
    until: str
    explanation: Markup | None
    quiet: Markup | None
    caps: Sequence[Markup]
    facts: Sequence[tuple[Markup, Markup | str]]
    targets: Sequence[tuple[Markup | str, Markup | str, str, float]]
    numbers: Sequence[tuple[str, str]]


def headlines(document: Mapping[str, Any], series: ReportSeries) -> Iterator[Headline]:
    """How many lines, which share of the traffic, how much in all, how fast."""
    detections = document["detections"]
    if not detections:
        return
    yield _headline_lines(detections)
    if sum(series.outbound_bps) > 0:
        yield _headline_share(series)
    yield _headline_octets(detections)
    delays = [_seconds(d["first_seen"], d["detected_at"]) for d in detections]
    note = texts.say("headline_delay_note", count=len(delays))
    yield Headline(label=texts.say("headline_delay"), value=numbers.seconds(median(delays)), note=note)


def detection_views(detections: Sequence[Mapping[str, Any]]) -> list[DetectionView]:
    """Every detection, those to act on first, the strongest first."""
    ordered = sorted(detections, key=lambda d: (d["level"] != Level.ACT.value, -d["peak_bps"], d["line_id"], d["kind"]))
    return [_view(number, detection) for number, detection in enumerate(ordered, start=1)]


def quality_rows(document: Mapping[str, Any]) -> list[tuple[Markup, str, list[tuple[Markup, str]]]]:
    """Label, number and the reasons behind it, of what went in."""
    given = document["input"]
    lost = f"{given['records_lost']:,} ({numbers.share(_lost_share(given))})"
    return [
        (texts.say("input_datagrams"), f"{given['datagrams']:,}", []),
        (texts.say("input_records"), f"{given['records']:,}", []),
        (texts.say("input_lost"), lost, []),
        (texts.say("input_late"), f"{given['late']:,}", []),
        (texts.say("input_undecodable"), *_by_reason(given["undecodable"])),
        (texts.say("input_unattributed"), *_by_reason(given["unattributed"])),
    ]


def blind_spots(document: Mapping[str, Any]) -> Iterator[Markup]:
    """What this analysis cannot know, the general first."""
    given = document["input"]
    yield texts.say("blind_sampling")
    yield texts.say("blind_device")
    yield texts.say("blind_content")
    if all(d["quality"]["coverage"] is None for d in document["detections"]):
        yield texts.say("blind_coverage")
    if given["records_lost"]:
        yield texts.say("blind_lost", share=numbers.share(_lost_share(given)))
    unattributed = sum(given["unattributed"].values())
    if unattributed:
        yield texts.say("blind_unattributed", share=numbers.share(unattributed / max(given["records"], unattributed)))


def port_and_protocol(port: int, protocol: int) -> Markup | str:
    """``443/UDP``; port 0 stands for many, or for a protocol that has none."""
    name = PROTOCOLS.get(protocol, str(protocol))
    if port:
        return f"{port}/{name}"
    return texts.both(ja=f"{texts.texts()['any_port']['ja']}/{name}", en=f"{texts.texts()['any_port']['en']}/{name}")


def _headline_lines(detections: Sequence[Mapping[str, Any]]) -> Headline:
    act = {d["line_id"] for d in detections if d["level"] == Level.ACT.value}
    every = {d["line_id"] for d in detections}
    note = texts.say("headline_lines_note", act=len(act), watch=len(every - act))
    return Headline(label=texts.say("headline_lines"), value=f"{len(every):,}", note=note)


def _headline_share(series: ReportSeries) -> Headline:
    total, abnormal = np.asarray(series.outbound_bps, np.float64), series.abnormal_bps
    shares = np.divide(abnormal, total, out=np.zeros_like(total), where=total > 0)
    highest = int(shares.argmax())
    when = numbers.jst_clock(iso(series.times_ms[highest]))
    note = texts.say("headline_share_note", peak=numbers.share(float(shares[highest])), time=when)
    whole = float(abnormal.sum() / total.sum())
    return Headline(label=texts.say("headline_share"), value=numbers.share(whole), note=note)


def _headline_octets(detections: Sequence[Mapping[str, Any]]) -> Headline:
    total = sum(d["octets"] for d in detections)
    half = sqrt(sum((d["octets"] * _relative_error(d)) ** 2 for d in detections))
    note = texts.say(
        "headline_octets_note",
        low=numbers.quantity(max(0.0, total - half), "B"),
        high=numbers.quantity(total + half, "B"),
        packets=f"{sum(d['sampled_packets'] for d in detections):,}",
    )
    return Headline(label=texts.say("headline_octets"), value=numbers.quantity(total, "B"), note=note)


def _relative_error(detection: Mapping[str, Any]) -> float:
    """Half of the 95 % interval of the episode's volume over the volume.

    The interval of the peak rests on the packets of ten seconds; that of the whole episode on all of them, and
    shrinks with the square root.
    """
    low, high = detection["peak_pps_interval_95"]
    in_peak = detection["peak_pps"] * _PEAK_S
    if not in_peak or not detection["packets"]:
        return 0.0
    return float((high - low) / 2 / detection["peak_pps"] * sqrt(min(1.0, in_peak / detection["packets"])))


def _view(number: int, detection: Mapping[str, Any]) -> DetectionView:
    low, high = detection["peak_pps_interval_95"]
    evidence = detection["evidence"]
    return DetectionView(
        number=number,
        key=(detection["line_id"], detection["kind"]),
        line_id=detection["line_id"],
        kind=texts.name("kind", detection["kind"]),
        level=detection["level"],
        level_name=texts.name("level", detection["level"]),
        pps=numbers.interval(detection["peak_pps"], low, high),
        bps=numbers.quantity(detection["peak_bps"], "bit/s"),
        octets=numbers.quantity(detection["octets"], "B"),
        since=numbers.jst_clock(detection["first_seen"]),
        until=numbers.jst_clock(detection["last_seen"]),
        explanation=_sentence(sentences.explanation, detection),
        quiet=_sentence(sentences.quiet, detection),
        caps=[texts.name("cap", cap) for cap in evidence.get("caps", ())],
        facts=list(_facts(detection)),
        targets=[_target(target) for target in detection["top_targets"]],
        numbers=[(name, _plain(value)) for name, value in evidence.items() if name != "caps"],
    )


def _plain(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.6g}"


def _sentence(say: Callable[[str, Mapping[str, Any], Language], str], detection: Mapping[str, Any]) -> Markup | None:
    ja, en = say(detection["kind"], detection["evidence"], "ja"), say(detection["kind"], detection["evidence"], "en")
    return texts.both(ja=ja, en=en) if ja else None


def _facts(detection: Mapping[str, Any]) -> Iterator[tuple[Markup, Markup | str]]:
    first, last, decided = detection["first_seen"], detection["last_seen"], detection["detected_at"]
    yield (
        texts.say("seen"),
        texts.say(
            "seen_value",
            first=numbers.jst(first),
            last=numbers.jst_clock(last),
            first_utc=numbers.utc_clock(first),
            last_utc=numbers.utc_clock(last),
        ),
    )
    delay = numbers.seconds(_seconds(first, decided))
    yield texts.say("decided"), texts.say("decided_value", time=numbers.jst_clock(decided), delay=delay)
    if detection["source"]:
        yield texts.say("source"), detection["source"]
    yield texts.say("sampled"), _sampled(detection["sampled_packets"], detection["packets"])
    yield texts.say("targets"), texts.say("targets_value", count=f"{detection['targets']:,}")
    yield texts.say("confidence"), texts.say("confidence_value", value=f"{detection['confidence']:.2f}")
    yield texts.say("quality"), _quality(detection["quality"])


def _sampled(sampled: int, packets: int) -> Markup:
    if not sampled or packets <= sampled:
        return texts.say("sampled_all", sampled=f"{sampled:,}")
    return texts.say("sampled_value", sampled=f"{sampled:,}", ratio=f"{packets / sampled:,.0f}")


def _quality(quality: Mapping[str, Any]) -> Markup:
    loss, coverage = numbers.share(quality["loss"]), quality["coverage"]
    if coverage is None:
        return texts.say("quality_uncompared", loss=loss)
    return texts.say("quality_value", loss=loss, coverage=numbers.share(coverage))


def _target(target: Mapping[str, Any]) -> tuple[Markup | str, Markup | str, str, float]:
    where = port_and_protocol(target["port"], target["protocol"])
    prefix = texts.say("anywhere") if target["prefix"].endswith("/0") else target["prefix"]
    return prefix, where, numbers.share(target["share"]), target["share"]


def _by_reason(counts: Mapping[str, int]) -> tuple[str, list[tuple[Markup, str]]]:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return f"{sum(counts.values()):,}", [(texts.name("reason", code), f"{count:,}") for code, count in ordered]


def _lost_share(given: Mapping[str, Any]) -> float:
    sent = given["records"] + given["records_lost"]
    return given["records_lost"] / sent if sent else 0.0


def _seconds(first: str, second: str) -> float:
    return (parse_time(second) - parse_time(first)) / 1000
