"""TCP SYN flood: a line asks one target for connections at a rate that nobody opens connections with.

Why it matters: each SYN costs the target state and the access network a packet of the smallest size, so routers run out
of packets a second long before they run out of bits.

How it is told: packets with SYN alone, gathered by the target's /24 or /48, more of them than a complete scan of that
network on the ports used would need, and making up a good part of all TCP packets sent there.

An IPv6 network has room for a scan without end; there the addresses must have got several each.

Look-alikes that stay quiet: a scan (few SYN a target: kind ``scan``), a destination outage (retries of 1, 2, 4 s: tens
of packets a second), a crawler, a monitoring host, BitTorrent (SYN dispersed over many networks), a load test with
complete connections (SYN at most a quarter of the packets sent). Not seen unsampled: a bot whose own kernel answers the
target's SYN-ACK with RST in the same flow record, since that record no longer holds SYN alone.

Source: RFC 4987 on the attack; retry times RFC 6298 section 2.
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.detect.detector import NETWORK, V4_FIRST, V4_LAST, Language, threshold
from sekisho.detect.flood import Flood, Shape, addresses, sustained
from sekisho.detect.quiet import Clause, figure, flood

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Thresholds; the numbers given are those of a home."""

    pps_10s: float = threshold(
        300, "packets/s", "a page of 100 hosts during an outage retries with 50 packets/s at most"
    )
    pps_60s: float = threshold(100, "packets/s", "retries back off, so a minute of them is weaker still")
    sustain: float = sustained()
    sampled: float = threshold(20, "sampled packets", "the rate of 20 is known to a factor of 1.6")
    syn_share: float = threshold(0.4, "of TCP packets", "a complete connection sends three more packets a SYN")
    syn_a_port: float = threshold(
        1024, "packets", "256 addresses with four tries each: a scan of the network needs no more"
    )
    any_port_pps: float = threshold(5000, "packets/s", "above it, random ports on one target are no scan's pace")
    syn_an_address: float = threshold(262_144, "packets", "every port four times: no scan of an address needs more")
    any_port_share: float = threshold(0.8, "of SYN", "one network takes them all, whatever the ports")


PARAMS = {
    "home": Params(),
    "business": Params(pps_10s=1000, pps_60s=400),
    "building": Params(pps_10s=1500, pps_60s=600),
    "reseller": Params(pps_10s=3000, pps_60s=1500),
    "server": Params(pps_10s=2000, pps_60s=1000),
}
KINDS = ("tcp_syn_flood",)
SCREEN = "syn_packets >= 5 * {pps_60s}"
"""A minute at the opening rate has a window at that rate; half of it leaves room for what is counted elsewhere."""

PAIRS = ("protocol = 6",)
SUSPECTS = f"""select line from line_target where {PAIRS[0]}
group by line, {NETWORK} having sum(cast(syn_sampled_packets as double)) >= {{sampled}}"""
"""No network got as many SYN as a verdict rests on."""

FLOOD = Flood(
    pairs="t.protocol = 6",
    packets="t.syn_packets",
    answered="t.answered_syn_ack_packets",
    sent="w.syn_packets",
    told=("syn_share",),
    shapes=(
        Shape(
            condition=f"""sampled_packets >= sampled and packets >= syn_share * all_packets
      and (network between {V4_FIRST} and {V4_LAST} or sampled_packets >= 4 * targets)
      and (likely_packets >= syn_a_port * ports or likely_packets >= syn_an_address * targets
        or (highest_pps >= any_port_pps and own_volume + own_left_out >= any_port_share * sent))"""
        ),
    ),
)


def explain(row: Mapping[str, float], lang: Language) -> str:
    """One sentence about the highest window."""
    pps, ports, to = row["packets"] / 10, max(row["ports"], 1), addresses(row, lang)
    if lang == "ja":
        return (
            f"TCP の接続要求 (SYN) だけのパケットが毎秒約 {pps:,.0f} 個、"
            f"{to}の {ports:,.0f} 個のポートへ集中して送られています。"
        )
    on = f"{ports:,.0f} ports" if ports > 1 else "one port"
    return f"About {pps:,.0f} connection requests (SYN) a second, nothing else, to {to} on {on}."


def quiet(row: Mapping[str, float], lang: Language) -> str:
    """What would have kept it quiet."""
    share = figure(100 * row["opens_syn_share"])
    connected = Clause(
        ja=f"SYN が宛先への TCP パケットの {share}% を下回って",
        en=f"with SYN less than {share}% of the TCP packets sent there",
    )
    return flood(row, lang, ways=(connected,))


DETECTOR = FLOOD.detector(
    kinds=KINDS,
    params=PARAMS,
    screen=SCREEN,
    suspects=SUSPECTS,
    looked_at=PAIRS,
    explain=explain,
    quiet=quiet,
)
