"""UDP flood: a line pours datagrams on one target, or on one small network, that never answers.

Why it matters: direct-path UDP is the commonest outbound flood of infected cameras, recorders and routers; it fills the
upstream of the access network long before the target notices.

How it is told: the volume comes from the ten-second windows, the shape from the ten-minute targets. Sent datagrams are
gathered by /24 or /48, which makes a carpet-bombed prefix one target; what the cap on targets left out is taken to go
where the rest went. Where the exporter sees both ways, a network is flooded if a conversation of that packet size would
have been answered by now and was not. Where it sees one way only, the shape must speak: every sampled packet a flow of
its own (random ports), many addresses of one network, or a rate of small packets that no stream of acknowledgements
reaches.

Look-alikes that stay quiet: QUIC upload, speed test, video call, game, live contribution (SRT), WireGuard, SIP:
answered, or one flow where answers cannot be seen. BitTorrent: many networks, none of them much. DNS: port 53 is out.
A one-way exporter cannot tell a flood from a single port to a single port from an upload; that flood is not reported.

Source: shapes and durations as in ``docs/explanation``; acknowledgement ratio RFC 9000 13.2.2 and RFC 9002.
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

    pps_10s: float = threshold(1500, "packets/s", "a home's calls, games and DNS together stay below 800 packets/s")
    pps_60s: float = threshold(
        600, "packets/s", "weaker floods last; 600 packets/s of 700 octets fill a 3 Mb/s upstream"
    )
    sustain: float = threshold(
        0.3, "of the opening rate", "a flood that the line or the target chokes is still the flood"
    )
    packets_an_answer: float = threshold(100, "packets", "SRT acknowledges every 64 packets at least, QUIC every 10")
    answers_bulk: float = threshold(
        0.1, "answers a packet", "QUIC receivers acknowledge every 2nd to 10th large packet"
    )
    answers_mixed: float = threshold(
        0.25, "answers a packet", "tunnels and calls carry both ways; an upload through one, 1 in 4"
    )
    answers_small: float = threshold(
        0.5, "answers a packet", "small packets are acknowledgements of something received"
    )
    answers_missed: float = threshold(16, "sampled packets", "16 expected and none seen: one in ten million by chance")
    scattered_sampled: float = threshold(
        20, "sampled packets", "20 packets in 10 flows or more, one network, no answer"
    )
    stream_pps: float = threshold(6000, "packets/s", "one flow of large packets above any live feed (60 Mb/s)")
    stream_sampled: float = threshold(
        1600, "sampled packets", "below that rate: SRT would have shown 16 answers, none came"
    )
    one_way_pps: float = threshold(3000, "packets/s", "without answers as evidence, twice the rate")
    one_way_scattered: float = threshold(0.8, "flows a sampled packet", "four parallel uploads at 1:4096 reach 0.5")
    one_way_sampled: float = threshold(40, "sampled packets", "so that the ratio of flows to packets means something")
    one_way_targets: float = threshold(
        64, "addresses", "a quarter of one /24: no content network serves a home from that many"
    )
    one_way_single_pps: float = threshold(150_000, "packets/s", "acknowledgements of a 10 Gb/s download stay below it")


PARAMS = {
    "home": Params(),
    "business": Params(pps_10s=3000, pps_60s=1500, one_way_pps=20_000),
    "building": Params(pps_10s=5000, pps_60s=2500, one_way_pps=30_000, stream_pps=10_000),
    "reseller": Params(pps_10s=10_000, pps_60s=5000, one_way_pps=60_000, stream_pps=20_000),
    "server": Params(pps_10s=10_000, pps_60s=5000, one_way_pps=60_000, stream_pps=20_000),
}
KINDS = ("udp_flood",)
SCREEN = "(udp_packets - dns_packets) >= 1000"
"""100 packets/s: a third of the weakest opening rate leaves none of its windows out."""

_FLOODED = f"""
with pair as (
  select t.line, t.block_start_ms, t.target_hi, t.target_lo, t.port,
    t.packets, t.octets, t.records, t.sampled_packets, t.answered_packets, t.first_ms, t.last_ms, {NETWORK},
    case when p.two_way = 1 and t.answered_packets * p.packets_an_answer > t.packets then 0 else 1 end as silent
  from line_target t join params p on p.line = t.line
  where t.protocol = 17 and t.port <> 53
), network as (
  select line, block_start_ms, network_hi, network_lo, network_bits, silent,
    sum(cast(packets as double)) as packets, sum(cast(octets as double)) as octets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(answered_packets as double)) as answered_packets, min(first_ms) as first_ms, max(last_ms) as last_ms,
    count(*) as pairs, count(distinct target_lo) as targets, count(distinct port) as ports
  from pair group by line, block_start_ms, network_hi, network_lo, network_bits, silent
), paired as (
  select line, block_start_ms, sum(cast(packets as double)) as sent, sum(cast(answered_packets as double)) as received
  from pair group by line, block_start_ms
), counted as (
  select line, window_start_ms // 600000 * 600000 as block_start_ms,
    sum(cast(case when side = 0 then udp_packets - dns_packets else 0 end as double)) as sent,
    sum(cast(case when side = 1 then udp_packets - dns_packets else 0 end as double)) as received
  from line_window group by line, window_start_ms // 600000 * 600000
), shape as (
  select n.*, n.octets / greatest(n.packets, 1e-9) as mean_octets,
    n.packets * 1000.0 / greatest(n.last_ms - n.first_ms, 10000) as mean_pps,
    n.packets * greatest(c.sent / greatest(d.sent, 1e-9), 1) as likely_packets,
    greatest(c.received - d.received, 0) as unmatched_packets,
    case when n.octets >= 1200 * n.packets then p.answers_bulk
      when n.octets >= 200 * n.packets then p.answers_mixed else p.answers_small end as answers
  from network n
    join params p on p.line = n.line
    join paired d on d.line = n.line and d.block_start_ms = n.block_start_ms
    join counted c on c.line = n.line and c.block_start_ms = n.block_start_ms
  where n.silent = 1
), flooded as (
  select s.* from shape s join params p on p.line = s.line
  where s.likely_packets >= p.pps_10s * 10 and (
    (p.two_way = 1 and s.sampled_packets >= p.scattered_sampled and s.records >= 0.5 * s.sampled_packets)
    or (p.two_way = 1 and s.sampled_packets * s.answers >= p.answers_missed
      and (s.records >= 3 * s.pairs or s.unmatched_packets < 0.5 * s.answers * s.packets)
      and (s.pairs > 1 or s.mean_octets < 1200 or s.mean_pps >= p.stream_pps
        or (s.answered_packets = 0 and s.sampled_packets >= p.stream_sampled)))
    or (p.two_way = 0 and s.sampled_packets >= p.one_way_sampled
      and (s.records >= p.one_way_scattered * s.sampled_packets or s.targets >= p.one_way_targets
        or (s.mean_pps >= p.one_way_single_pps and s.mean_octets < 1000))))
)"""

CANDIDATES = f"""{_FLOODED}, evidence as (
  select line, block_start_ms, sum(cast(likely_packets as double)) as packets,
    sum(cast(sampled_packets as double)) as block_sampled_packets, sum(cast(pairs as double)) as pairs,
    sum(cast(targets as double)) as targets, max(ports) as ports,
    sum(cast(records as double)) / greatest(sum(cast(sampled_packets as double)), 1e-9) as flows_a_sampled_packet,
    sum(cast(answered_packets as double)) / greatest(sum(cast(packets as double)), 1e-9) as answered_share
  from flooded group by line, block_start_ms
), other as (
  select w.line, w.window_start_ms,
    sum(cast(n.packets * (least(n.last_ms + 1, w.window_start_ms + 10000) - greatest(n.first_ms, w.window_start_ms))
      / (n.last_ms + 1 - n.first_ms) as double)) as packets
  from line_window w join network n on n.line = w.line and n.silent = 0
    and n.first_ms < w.window_start_ms + 10000 and n.last_ms >= w.window_start_ms
    and n.block_start_ms = w.window_start_ms // 600000 * 600000
  where w.side = 0 group by w.line, w.window_start_ms
), flood as (
  select w.line, w.window_start_ms, w.window_start_ms // 60000 as minute, w.udp_packets,
    w.udp_octets / greatest(w.udp_packets, 1e-9) as mean_octets, w.udp_sampled_packets, w.udp_packets_var,
    greatest(least(w.udp_packets - w.dns_packets - coalesce(o.packets, 0), e.packets), 0) as packets,
    e.block_sampled_packets, e.pairs, e.targets, e.ports, e.flows_a_sampled_packet, e.answered_share
  from line_window w
    join evidence e on e.line = w.line and e.block_start_ms = w.window_start_ms // 600000 * 600000
    left join other o on o.line = w.line and o.window_start_ms = w.window_start_ms
  where w.side = 0 and w.udp_packets > 0
), minute as (
  select line, minute, sum(cast(packets as double)) as packets from flood group by line, minute
), rated as (
  select f.*, p.two_way, greatest(
      f.packets / (10 * case when p.two_way = 1 then p.pps_10s else p.one_way_pps end),
      m.packets / (60 * case when p.two_way = 1 then p.pps_60s else p.one_way_pps end)) as rate,
    p.sustain
  from flood f join minute m on m.line = f.line and m.minute = f.minute join params p on p.line = f.line
)
select line, window_start_ms, case when rate >= 1 then 1 else 0 end as opens,
  packets, packets * mean_octets as octets,
  udp_sampled_packets * packets / udp_packets as sampled_packets,
  udp_packets_var * packets / udp_packets as packets_var,
  udp_packets_var * packets / udp_packets * mean_octets * mean_octets as octets_var,
  mean_octets, pairs, targets, ports, flows_a_sampled_packet, answered_share, two_way, block_sampled_packets
from rated where rate >= sustain and packets > 0"""

TARGETS = f"""{_FLOODED}, hit as (
  select t.line, t.block_start_ms, t.network_hi, t.network_lo, t.network_bits,
    case when f.ports > 8 then 0 else t.port end as port, t.packets, t.target_lo
  from pair t join flooded f on f.line = t.line and f.block_start_ms = t.block_start_ms
    and f.network_hi = t.network_hi and f.network_lo = t.network_lo
  where t.silent = 1
), total as (
  select line, block_start_ms, count(distinct target_lo) as targets from hit group by line, block_start_ms
)
select h.line, h.block_start_ms, h.network_hi, h.network_lo, h.network_bits, h.port, 17 as protocol,
  sum(cast(h.packets as double)) as packets, max(t.targets) as targets
from hit h join total t on t.line = h.line and t.block_start_ms = h.block_start_ms
group by h.line, h.block_start_ms, h.network_hi, h.network_lo, h.network_bits, h.port"""


def explain(row: Mapping[str, float], lang: Language) -> str:
    """One sentence about the highest window."""
    pps, octets, targets = row["packets"] / 10, row["mean_octets"], max(row["targets"], 1)
    if lang == "ja":
        where = f"{targets:,.0f} 個の宛先アドレス" if targets > 1 else "1 個の宛先アドレス"
        why = "応答はほとんど確認されていません" if row["two_way"] else "通常の通信にはない広がり方をしています"
        return f"平均 {octets:,.0f} オクテットの UDP パケットが毎秒約 {pps:,.0f} 個、{where}へ送られ、{why}。"
    where = f"{targets:,.0f} addresses" if targets > 1 else "one address"
    why = "hardly any of them answered" if row["two_way"] else "spread as no ordinary conversation is"
    return f"About {pps:,.0f} UDP packets a second of {octets:,.0f} octets on average to {where}, {why}."


DETECTOR = Detector(
    name="udp_flood",
    kinds=KINDS,
    params=PARAMS,
    screen=SCREEN,
    candidates=CANDIDATES,
    targets=TARGETS,
    gap_ms=900_000,
    explain=explain,
)
