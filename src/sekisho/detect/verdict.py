"""An episode becomes a detection: its rates with their interval, its targets, its level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.detect.interval import interval_95
from sekisho.detect.level import answers_lost, caps, confidence, level
from sekisho.detect.quiet import OPENS
from sekisho.schema.detection import Detection, Target
from sekisho.schema.line_window import WINDOW_MS
from sekisho.schema.subject import is_interface

if TYPE_CHECKING:
    from sekisho.detect.episodes import Episode, Sums, Window
    from sekisho.detect.level import LineInfo
    from sekisho.schema.detection import Quality

TOP_TARGETS = 5
"""Networks listed in a detection."""

_WINDOW_S = WINDOW_MS / 1000

_ANSWERS_EXPECTED = f"{OPENS}packets_an_answer"
"""Evidence of the floods that are told by the answers that do not come."""


def verdict(
    *, line: int, kind: str, episode: Episode, sums: Sums, info: LineInfo, quality: Quality, exporter: int | None = None
) -> Detection:
    """The detection of one episode: ``sums`` is all of it added up, ``quality`` that of the data it rests on."""
    highest, fastest = sums.highest, sums.fastest
    assert highest is not None
    assert fastest is not None
    low_bps, _ = interval_95(
        fastest.octets * 8 / _WINDOW_S, fastest.octets_var * (8 / _WINDOW_S) ** 2, highest_of=sums.windows
    )
    reasons = caps(
        line=info,
        quality=quality,
        low_bps=low_bps,
        inferred_share=sums.inferred_packets / max(sums.all_packets, 1e-9),
        unknown_sampling_share=sums.unknown_sampling_packets / max(sums.all_sampled_packets, 1e-9),
        is_interface=is_interface(line),
        answers_lost=_answers_lost(sums, highest, quality),
        acts=sums.acts,
    )
    return Detection(
        line=line,
        line_id=info.line_id,
        subject="interface" if is_interface(line) else "line",
        exporter=exporter,
        source=info.source,
        kind=kind,
        level=level(reasons),
        caps=reasons,
        first_seen_ms=sums.first_ms,
        last_seen_ms=sums.last_ms,
        detected_at_ms=episode.detected_at_ms,
        packets=sums.packets,
        octets=sums.octets,
        peak_pps=highest.packets / _WINDOW_S,
        peak_pps_interval_95=interval_95(
            highest.packets / _WINDOW_S,
            highest.packets_var / _WINDOW_S**2,
            loss=quality.loss,
            highest_of=sums.windows,
        ),
        peak_bps=fastest.octets * 8 / _WINDOW_S,
        sampled_packets=sums.sampled_packets,
        targets=sums.targets,
        top_targets=_top_targets(sums),
        confidence=confidence(
            sampled_packets=sums.sampled_packets,
            two_way=highest.evidence.get("two_way", 0.0) == 1,
            loss=quality.loss,
            reasons=reasons,
        ),
        evidence={**highest.evidence, "packets": highest.packets},
        texts=highest.texts,
        quality=quality,
    )


def _answers_lost(sums: Sums, highest: Window, quality: Quality) -> float:
    """Chance that the answers whose absence makes the verdict were lost; none where it rests on something else.

    Floods of ICMP and of SYN are told without answers, so that none that was lost could have spoken for them.
    """
    evidence = highest.evidence
    if evidence.get("two_way", 0.0) != 1 or not evidence.get(_ANSWERS_EXPECTED):
        return 0.0
    records = evidence["flows_a_sampled_packet"] * evidence.get("block_sampled_packets", 0.0)
    return answers_lost(loss=quality.loss, records=records, duration_ms=sums.last_ms - sums.first_ms)


def _top_targets(sums: Sums) -> tuple[Target, ...]:
    whole = max(sum(sums.networks.values()), 1e-9)
    return tuple(
        Target(network_hi=hi, network_lo=lo, network_bits=bits, port=port, protocol=protocol, share=packets / whole)
        for (hi, lo, bits, port, protocol), packets in sums.largest(TOP_TARGETS)
    )
