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

from sekisho.detect.detector import NETWORK, Detector, Language, threshold

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
SCREEN = "syn_packets >= 300"
"""30 packets/s: a third of the weakest opening rate leaves none of its windows out."""

_FLOODED = f"""
with pair as (
  select t.line, t.block_start_ms, t.target_lo, t.port, t.packets, t.syn_packets, t.syn_sampled_packets,
    t.answered_syn_ack_packets, t.first_ms, t.last_ms, {NETWORK}
  from line_target t join params p on p.line = t.line
  where t.protocol = 6
), network as (
  select line, block_start_ms, network_hi, network_lo, network_bits,
    sum(cast(packets as double)) as packets, sum(cast(syn_packets as double)) as syn_packets,
    sum(cast(syn_sampled_packets as double)) as syn_sampled_packets,
    sum(cast(answered_syn_ack_packets as double)) as answered_packets,
    count(distinct port) as ports, count(distinct target_lo) as targets,
    sum(cast(syn_packets as double)) * 1000.0 / greatest(max(last_ms) - min(first_ms), 10000) as mean_pps
  from pair group by line, block_start_ms, network_hi, network_lo, network_bits
), total as (
  select line, block_start_ms, sum(cast(syn_packets as double)) as syn_packets
  from network group by line, block_start_ms
), counted as (
  select line, window_start_ms // 600000 * 600000 as block_start_ms, max(syn_packets) / 10 as pps,
    sum(cast(syn_packets as double)) as syn_packets
  from line_window where side = 0 group by line, window_start_ms // 600000 * 600000
), shape as (
  select n.*, n.syn_packets / greatest(t.syn_packets, 1e-9) as share, c.pps,
    n.syn_packets * greatest(c.syn_packets / greatest(t.syn_packets, 1e-9), 1) as likely_packets
  from network n
    join total t on t.line = n.line and t.block_start_ms = n.block_start_ms
    join counted c on c.line = n.line and c.block_start_ms = n.block_start_ms
), flooded as (
  select s.* from shape s join params p on p.line = s.line
  where s.syn_sampled_packets >= p.sampled and s.syn_packets >= p.syn_share * s.packets
    and (s.likely_packets >= p.syn_a_port * s.ports or s.likely_packets >= p.syn_an_address * s.targets
      or (s.pps >= p.any_port_pps and s.share >= p.any_port_share))
)"""

CANDIDATES = f"""{_FLOODED}, evidence as (
  select line, block_start_ms, sum(cast(share as double)) as share,
    sum(cast(targets as double)) as targets, max(ports) as ports,
    sum(cast(syn_sampled_packets as double)) as block_sampled_packets,
    sum(cast(answered_packets as double)) / sum(cast(syn_packets as double)) as answered_share
  from flooded group by line, block_start_ms
), flood as (
  select w.line, w.window_start_ms, w.window_start_ms // 60000 as minute, e.share, e.targets, e.ports,
    e.answered_share, e.block_sampled_packets, w.syn_packets * e.share as packets, w.syn_octets * e.share as octets,
    w.syn_sampled_packets * e.share as sampled_packets, w.syn_packets_var * e.share as packets_var
  from line_window w
    join evidence e on e.line = w.line and e.block_start_ms = w.window_start_ms // 600000 * 600000
  where w.side = 0 and w.syn_packets > 0
), minute as (
  select line, minute, sum(cast(packets as double)) as packets from flood group by line, minute
), rated as (
  select f.*, p.two_way, p.sustain,
    greatest(f.packets / (10 * p.pps_10s), m.packets / (60 * p.pps_60s)) as rate
  from flood f join minute m on m.line = f.line and m.minute = f.minute join params p on p.line = f.line
)
select line, window_start_ms, case when rate >= 1 then 1 else 0 end as opens,
  packets, octets, sampled_packets, packets_var,
  packets_var * (octets / packets) * (octets / packets) as octets_var,
  targets, ports, answered_share, two_way, block_sampled_packets, octets / packets as mean_octets
from rated where rate >= sustain"""

TARGETS = f"""{_FLOODED}, hit as (
  select t.line, t.block_start_ms, t.network_hi, t.network_lo, t.network_bits,
    case when f.ports > 8 then 0 else t.port end as port, t.syn_packets as packets, t.target_lo
  from pair t join flooded f on f.line = t.line and f.block_start_ms = t.block_start_ms
    and f.network_hi = t.network_hi and f.network_lo = t.network_lo
), total_hit as (
  select line, block_start_ms, count(distinct target_lo) as targets from hit group by line, block_start_ms
)
select h.line, h.block_start_ms, h.network_hi, h.network_lo, h.network_bits, h.port, 6 as protocol,
  sum(cast(h.packets as double)) as packets, max(t.targets) as targets
from hit h join total_hit t on t.line = h.line and t.block_start_ms = h.block_start_ms
group by h.line, h.block_start_ms, h.network_hi, h.network_lo, h.network_bits, h.port"""


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
    candidates=CANDIDATES,
    targets=TARGETS,
    gap_ms=900_000,
    explain=explain,
)
