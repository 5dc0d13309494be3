"""GRE flood: a line wraps made-up packets in GRE and sends them to a target that is no tunnel's other end.

Why it matters: routers and filters pass GRE on without looking inside, and many cannot limit it by port; descendants of
Mirai have had it built in since 2016.

How it is told: GRE gathered by the target's /24 or /48. Where the exporter sees both ways, a tunnel's other end sends
something back, if only the acknowledgements of what the tunnel carries. Where it sees one way only, many targets in one
network are no tunnel; a single one is a flood on a home line alone, if the line was seen without it before and the
packets are neither full, as an upload's, nor nearly empty, as a download's acknowledgements.

Look-alikes that stay quiet: site VPN and PPTP at hundreds of Mb/s (answered; one way: one target, at a business or as
long as the line was seen), a hub with many branches (networks of their own).

Source: RFC 2784; the GRE attack of Mirai as published in 2016.
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.detect.detector import NETWORK, Language, threshold
from sekisho.detect.flood import MUCH, Flood, Shape, addresses, missed, no_answers_elsewhere, sustained

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Thresholds; the numbers given are those of a home."""

    pps_10s: float = threshold(1000, "packets/s", "a call or a film through a tunnel stays below it")
    pps_60s: float = threshold(400, "packets/s", "weaker floods last; 400 packets/s of 540 octets are 1.7 Mb/s")
    sustain: float = sustained()
    packets_an_answer: float = threshold(
        200, "packets", "an upload through a tunnel is acknowledged every 44th packet at the rarest"
    )
    answers_bulk: float = threshold(0.02, "answers a packet", "the same upload, in full packets")
    answers_mixed: float = threshold(0.1, "answers a packet", "smaller packets are not merged: both ways carry them")
    answers_missed: float = missed()
    one_way_pps: float = threshold(3000, "packets/s", "without answers as evidence, three times the rate")
    one_way_single_pps: float = threshold(
        5000, "packets/s", "middle-sized packets at 20 Mb/s: upload and download at once, by a tunnel at home"
    )
    one_way_sampled: float = threshold(40, "sampled packets", "so that the mean size of the packets means something")
    one_way_targets: float = threshold(64, "addresses", "a quarter of one /24: no tunnel has as many other ends there")
    silent_before_s: float = threshold(
        5, "s", "the line was seen that long without GRE; at 1:4096 a tunnel of that rate shows itself within one"
    )


_NEVER = 1e9
"""Packets a second that no line sends: a single target proves nothing, where tunnels are ordinary."""

PARAMS = {
    "home": Params(),
    "business": Params(pps_10s=5000, pps_60s=3000, one_way_pps=20_000, one_way_single_pps=_NEVER),
    "building": Params(pps_10s=3000, pps_60s=1500, one_way_pps=20_000, one_way_single_pps=_NEVER),
    "reseller": Params(pps_10s=10_000, pps_60s=5000, one_way_pps=60_000, one_way_single_pps=_NEVER),
    "server": Params(pps_10s=10_000, pps_60s=5000, one_way_pps=60_000, one_way_single_pps=_NEVER),
}
KINDS = ("gre_flood",)
SCREEN = "gre_packets >= 5 * {pps_60s}"
"""A minute at the opening rate has a window at that rate; half of it leaves room for what is counted elsewhere."""

PAIRS = ("protocol = 47",)
SUSPECTS = f"""select line from line_target
where protocol = 47 and answered_packets * {{packets_an_answer}} <= packets
group by line, {NETWORK} having sum(cast(packets as double)) >= 10 * {{pps_10s}}"""
"""No network got as many unanswered packets as ten seconds at the rate."""

_ANSWERS = "case when octets >= 1200 * packets then answers_bulk else answers_mixed end"
_UNANSWERED = "answered_packets * packets_an_answer <= packets"

FLOOD = Flood(
    pairs="t.protocol = 47",
    packets="t.packets - t.fragment_packets",
    volume="t.packets",
    sent="w.gre_packets",
    received="w.gre_packets",
    told=("packets_an_answer",),
    shapes=(
        Shape(
            condition=f"""two_way = 1 and {MUCH} and {_UNANSWERED} and sampled_packets * {_ANSWERS} >= answers_missed
      and (records >= 3 * pairs or ({no_answers_elsewhere(_ANSWERS)}))"""
        ),
        Shape(
            condition=f"two_way = 0 and {MUCH} and sampled_packets >= one_way_sampled and targets >= one_way_targets",
            pps_10s="one_way_pps",
            pps_60s="one_way_pps",
        ),
        Shape(
            condition=f"""two_way = 0 and {MUCH} and sampled_packets >= one_way_sampled
      and octets >= 200 * packets and octets < 1000 * packets and silent_before_ms >= 1000 * silent_before_s""",
            pps_10s="one_way_single_pps",
            pps_60s="one_way_single_pps",
        ),
    ),
    port="0",
)


def explain(row: Mapping[str, float], lang: Language) -> str:
    """One sentence about the highest window."""
    pps, octets, to = row["packets"] / 10, row["mean_octets"], addresses(row, lang)
    if lang == "ja":
        why = "応答はほとんど確認されていません" if row["two_way"] else "通常のトンネル通信とは異なります"
        return f"平均 {octets:,.0f} オクテットの GRE パケットが毎秒約 {pps:,.0f} 個、{to}へ送られ、{why}。"
    why = "hardly any of them answered" if row["two_way"] else "unlike a tunnel"
    return f"About {pps:,.0f} GRE packets a second of {octets:,.0f} octets on average to {to}, {why}."


_HOUR_MS = 3_600_000
"""A tunnel that was there all the hour is not told apart from one that was there for ever."""

DETECTOR = FLOOD.detector(
    kinds=KINDS,
    params=PARAMS,
    screen=SCREEN,
    suspects=SUSPECTS,
    looked_at=PAIRS,
    reach_ms=_HOUR_MS,
    explain=explain,
)
