"""TCP SYN flood: a line asks one target for connections at a rate that nobody opens connections with.

Why it matters: each SYN costs the target state and the access network a packet of the smallest size, so routers run out
of packets a second long before they run out of bits.

How it is told: packets with SYN alone, gathered by the target's /24 or /48, more of them than a complete scan of that
network on the ports used would need, and making up a good part of all TCP packets sent there.

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

from sekisho.detect.detector import NETWORK, NETWORK_WORDS, Detector, Language, threshold

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Thresholds; the numbers given are those of a home."""

    pps_10s: float = threshold(
        300, "packets/s", "a page of 100 hosts during an outage retries with 50 packets/s at most"
    )
    pps_60s: float = threshold(100, "packets/s", "retries back off, so a minute of them is weaker still")
    sustain: float = threshold(
        0.3, "of the opening rate", "a flood that the line or the target chokes is still the flood"
    )
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

SUSPECTS = f"""select line from line_target where protocol = 6
group by line, block_start_ms, {NETWORK} having sum(cast(syn_sampled_packets as double)) >= {{sampled}}"""
"""No network got as many SYN as a verdict rests on."""

_FLOODED = f"""
with door as (
  select t.line, t.block_start_ms, {NETWORK} as network, t.port, count(*) as targets,
    sum(cast(t.packets as double)) as packets, sum(cast(t.syn_packets as double)) as syn_packets,
    sum(cast(t.syn_sampled_packets as double)) as syn_sampled_packets,
    sum(cast(t.answered_syn_ack_packets as double)) as answered_packets
  from line_target t join params p on p.line = t.line
  where t.protocol = 6 group by t.line, t.block_start_ms, {NETWORK}, t.port
), network as (
  select line, block_start_ms, network, count(*) as ports, max(port) as port, max(targets) as targets,
    sum(cast(targets as double)) as pairs, sum(cast(packets as double)) as packets,
    sum(cast(syn_packets as double)) as syn_packets,
    sum(cast(syn_sampled_packets as double)) as syn_sampled_packets,
    sum(cast(answered_packets as double)) as answered_packets
  from door group by line, block_start_ms, network
), paired as (
  select *, sum(cast(syn_packets as double)) over (partition by line, block_start_ms) as paired_syn,
    sum(cast(pairs as double)) over (partition by line, block_start_ms) as all_pairs
  from network
), counted as (
  select line, window_start_ms // 600000 * 600000 as block_start_ms, max(syn_packets) / 10 as pps,
    sum(cast(syn_packets as double)) as syn_packets
  from line_window where side = 0 group by line, window_start_ms // 600000 * 600000
), shape as (
  select n.*, c.pps, c.syn_packets as sent_syn,
    n.syn_packets + greatest(c.syn_packets - n.paired_syn, 0) * n.pairs / n.all_pairs as likely_packets, p.*
  from paired n
    join counted c on c.line = n.line and c.block_start_ms = n.block_start_ms
    join params p on p.line = n.line
), flooded as (
  select * from shape
  where syn_sampled_packets >= sampled and syn_packets >= syn_share * packets
    and (likely_packets >= syn_a_port * ports or likely_packets >= syn_an_address * targets
      or (pps >= any_port_pps and likely_packets >= any_port_share * sent_syn))
)"""

CANDIDATES = f"""{_FLOODED}, evidence as (
  select line, block_start_ms, max(two_way) as two_way, max(sustain) as sustain,
    10 * max(pps_10s) as enough_10s, 60 * max(pps_60s) as enough_60s,
    sum(cast(likely_packets as double)) / greatest(max(sent_syn), 1e-9) as share,
    sum(cast(targets as double)) as targets, max(ports) as ports,
    sum(cast(syn_sampled_packets as double)) as block_sampled_packets,
    sum(cast(answered_packets as double)) / sum(cast(syn_packets as double)) as answered_share
  from flooded group by line, block_start_ms
), flood as (
  select w.window_start_ms, e.*, w.syn_packets * e.share as packets, w.syn_octets * e.share as octets,
    w.sampled_packets * w.syn_packets / w.packets * e.share as sampled_packets,
    w.packets_var * w.syn_packets / w.packets * e.share as packets_var
  from line_window w
    join evidence e on e.line = w.line and e.block_start_ms = w.window_start_ms // 600000 * 600000
  where w.side = 0 and w.syn_packets > 0
), rated as (
  select *, greatest(packets / enough_10s,
    sum(cast(packets as double)) over (partition by line, window_start_ms // 60000) / enough_60s) as rate
  from flood
)
select line, window_start_ms, case when rate >= 1 then 1 else 0 end as opens,
  packets, octets, sampled_packets, packets_var,
  packets_var * (octets / packets) * (octets / packets) as octets_var,
  targets, ports, answered_share, two_way, block_sampled_packets, octets / packets as mean_octets
from rated where rate >= sustain"""

TARGETS = f"""{_FLOODED}
select line, block_start_ms, {NETWORK_WORDS}, case when ports > 1 then 0 else port end as port, 6 as protocol,
  likely_packets as packets, targets
from flooded"""


def explain(row: Mapping[str, float], lang: Language) -> str:
    """One sentence about the highest window."""
    pps, targets, ports = row["packets"] / 10, max(row["targets"], 1), max(row["ports"], 1)
    if lang == "ja":
        return (
            f"TCP の接続要求 (SYN) だけのパケットが毎秒約 {pps:,.0f} 個、"
            f"{targets:,.0f} 個の宛先アドレスの {ports:,.0f} 個のポートへ集中して送られています。"
        )
    to = f"{targets:,.0f} addresses" if targets > 1 else "one address"
    on = f"{ports:,.0f} ports" if ports > 1 else "one port"
    return f"About {pps:,.0f} connection requests (SYN) a second, nothing else, to {to} on {on}."


DETECTOR = Detector(
    name="tcp_syn_flood",
    kinds=KINDS,
    params=PARAMS,
    screen=SCREEN,
    suspects=SUSPECTS,
    candidates=CANDIDATES,
    targets=TARGETS,
    reach_ms=0,
    gap_ms=900_000,
    explain=explain,
)
