"""Fragment flood: a line sends parts of datagrams that nobody can put together, or that nobody asked for.

Why it matters: fragments have no ports, so filters pass or drop all of them; the target keeps each in memory while it
waits for the others.

How it is told: non-first fragments, gathered with everything else that goes to the same /24 or /48. Where the exporter
sees both ways, a peer that gets so much sends something back. One way only, the share speaks: almost nothing but later
fragments goes there, as with datagrams of tens of thousands of octets or with fragments made up one by one.

Look-alikes that stay quiet: tunnels whose packets do not fit (L2TP, EtherIP, ESP, WireGuard: answered; one fragment in
two is a first one), SIP and DNS with long messages (the same, and far fewer), a name server with large answers.
An attack with datagrams of a few fragments looks like such a tunnel where it is seen one way only; it is not reported.

Source: RFC 791 and RFC 8200 4.5 on reassembly; RFC 8900 on why ordinary traffic avoids fragments.
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.detect.detector import NETWORK, Language, threshold
from sekisho.detect.flood import MUCH, Flood, Shape, addresses, missed, sustained

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Thresholds; the numbers given are those of a home."""

    pps_10s: float = threshold(800, "packets/s", "fragments of calls and names are a few a second")
    pps_60s: float = threshold(400, "packets/s", "5 Mb/s of full fragments for a minute")
    sustain: float = sustained()
    packets_an_answer: float = threshold(
        100, "packets", "what a tunnel carries is acknowledged every 88th fragment at the rarest, as a rule every 4th"
    )
    answers: float = threshold(0.1, "answers a packet", "the rule, with room")
    answers_missed: float = missed()
    share: float = threshold(
        0.94, "of all packets sent there", "datagrams of 25,000 octets and more; tunnels 0.5, large messages 0.7"
    )
    sampled: float = threshold(
        40, "sampled packets", "so that the share means something: 0.7 shows 0.94 never by chance"
    )
    one_way_pps: float = threshold(2000, "packets/s", "without answers as evidence, twice the rate")


PARAMS = {
    "home": Params(),
    "business": Params(pps_10s=3000, pps_60s=1500, one_way_pps=10_000),
    "building": Params(pps_10s=2000, pps_60s=1000, one_way_pps=8000),
    "reseller": Params(pps_10s=8000, pps_60s=4000, one_way_pps=30_000),
    "server": Params(pps_10s=8000, pps_60s=4000, one_way_pps=30_000),
}
KINDS = ("fragment_flood",)
SCREEN = "fragment_packets >= 5 * {pps_60s}"
"""A minute at the opening rate has a window at that rate; half of it leaves room for what is counted elsewhere."""

SUSPECTS = f"""select line from line_target
group by line, {NETWORK} having sum(cast(fragment_packets as double)) >= 10 * {{pps_10s}}
  and sum(cast(answered_packets as double)) * {{packets_an_answer}} <= sum(cast(packets as double))"""
"""No network, nor what the cap on targets left out, got as many unanswered fragments as ten seconds at the rate."""

_UNANSWERED = "answered_packets * packets_an_answer <= all_packets"

FLOOD = Flood(
    pairs="t.protocol >= 0",
    packets="t.fragment_packets",
    sent="w.fragment_packets",
    told=("packets_an_answer",),
    shapes=(
        Shape(condition=f"two_way = 1 and {MUCH} and {_UNANSWERED} and sampled_packets * answers >= answers_missed"),
        Shape(
            condition=f"""two_way = 1 and {MUCH} and {_UNANSWERED}
      and sampled_packets >= sampled and packets >= share * all_packets"""
        ),
        Shape(
            condition=f"two_way = 0 and {MUCH} and sampled_packets >= sampled and packets >= share * all_packets",
            pps_10s="one_way_pps",
            pps_60s="one_way_pps",
        ),
    ),
    port="0",
)


def explain(row: Mapping[str, float], lang: Language) -> str:
    """One sentence about the highest window."""
    pps, octets, to = row["packets"] / 10, row["mean_octets"], addresses(row, lang)
    if lang == "ja":
        why = "応答はほとんど確認されていません" if row["two_way"] else "先頭の断片がほとんど含まれていません"
        return (
            f"分割された IP パケットの先頭以外の断片（平均 {octets:,.0f} オクテット）が毎秒約 {pps:,.0f} 個、"
            f"{to}へ送られ、{why}。"
        )
    why = "hardly any of them answered" if row["two_way"] else "hardly any first fragment among them"
    return (
        f"About {pps:,.0f} IP fragments a second after the first of a packet, "
        f"{octets:,.0f} octets on average, to {to}, {why}."
    )


DETECTOR = FLOOD.detector(
    kinds=KINDS,
    params=PARAMS,
    screen=SCREEN,
    suspects=SUSPECTS,
    explain=explain,
)
