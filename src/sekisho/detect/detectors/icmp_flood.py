"""ICMP flood: a line sends echo requests, or other messages that nobody asked for, at a rate that tests nothing.

Why it matters: it needs no port and no open service, so every host can be its target, and the replies load the line a
second time.

How it is told: ICMP and ICMPv6 messages that are no answer to something received, gathered by /24 or /48; the rate
alone speaks. Whether they are answered says nothing: a host that replies is flooded as well.

Look-alikes that stay quiet: monitoring host (a fixed fleet, one ping a second each), traceroute and path MTU probes,
``ping -f`` of a person for less than the rate, a sweep (hardly anything for each network), a line under attack (it
sends echo replies and unreachable messages: types that answer are left out, and so are messages whose type the exporter
does not tell).

Source: types RFC 792 and RFC 4443.
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.detect.detector import NETWORK, Language, threshold
from sekisho.detect.flood import MUCH, Flood, Shape, addresses, sustained
from sekisho.schema.line_window import ICMP_ANSWERS, ICMPV6_ANSWERS

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Thresholds; the numbers given are those of a home."""

    pps_10s: float = threshold(500, "packets/s", "twice a ping a second to every address of a /24")
    pps_60s: float = threshold(300, "packets/s", "a minute of that; monitoring at home never asks so often")
    sustain: float = sustained()
    sampled: float = threshold(20, "sampled packets", "the rate of 20 is known to a factor of 1.6")


PARAMS = {
    "home": Params(),
    "business": Params(pps_10s=1500, pps_60s=800),
    "building": Params(pps_10s=1000, pps_60s=600),
    "reseller": Params(pps_10s=4000, pps_60s=2000),
    "server": Params(pps_10s=4000, pps_60s=2000),
}
KINDS = ("icmp_flood",)
SCREEN = "icmp_packets - icmp_answer_packets >= 5 * {pps_60s}"
"""A minute at the opening rate has a window at that rate; half of it leaves room for what is counted elsewhere."""


def _is_answer(row: str) -> str:
    """A message of an answering type."""
    return f"""({row}protocol = 1 and {row}port // 256 in {ICMP_ANSWERS}
    or {row}protocol = 58 and {row}port // 256 in {ICMPV6_ANSWERS})"""


_UNKNOWN = 65535
"""Type and code where the exporter does not tell them."""

PAIRS = ("protocol = -1", "protocol = 1", "protocol = 58")
SUSPECTS = f"""select line from line_target
where protocol = -1 or (protocol in (1, 58) and port <> {_UNKNOWN} and not {_is_answer("")})
group by line, {NETWORK}
having sum(cast(packets as double)) >= 10 * {{pps_10s}} and sum(cast(sampled_packets as double)) >= {{sampled}}"""
"""No network got as many messages as ten seconds at the rate, nor as many sampled ones as a verdict rests on."""

FLOOD = Flood(
    pairs=f"t.protocol in (1, 58) and not {_is_answer('t.')}",
    packets=f"case when t.port = {_UNKNOWN} then 0 else t.packets end",
    volume="t.packets",
    sent="(w.icmp_packets - w.icmp_answer_packets)",
    shapes=(Shape(condition=f"{MUCH} and sampled_packets >= sampled"),),
    port="0",
)


def explain(row: Mapping[str, float], lang: Language) -> str:
    """One sentence about the highest window."""
    pps, octets, to = row["packets"] / 10, row["mean_octets"], addresses(row, lang)
    if lang == "ja":
        return (
            f"平均 {octets:,.0f} オクテットの ICMP パケット（ping など）が毎秒約 {pps:,.0f} 個、{to}へ送られています。"
        )
    return f"About {pps:,.0f} ICMP packets a second (such as ping) of {octets:,.0f} octets on average to {to}."


DETECTOR = FLOOD.detector(
    kinds=KINDS,
    params=PARAMS,
    screen=SCREEN,
    suspects=SUSPECTS,
    looked_at=PAIRS,
    explain=explain,
)
