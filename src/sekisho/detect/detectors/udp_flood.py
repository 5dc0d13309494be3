"""UDP flood: a line pours datagrams on one target, or on one small network, that never answers.

Why it matters: direct-path UDP is the commonest outbound flood of infected cameras, recorders and routers; it fills the
upstream of the access network long before the target notices.

How it is told: the volume comes from the ten-second windows, the shape from the ten-minute targets. Sent datagrams are
gathered by /24 or /48, which makes a carpet-bombed prefix one target; what the cap on targets left out is shared out by
the number of targets that were kept. Where the exporter sees both ways, a network is flooded if a conversation of that
packet size would have been answered by now and was not. Where it sees one way only, the shape must speak: every sampled
packet a flow of its own (random ports), many addresses of one network, or a rate of small packets that no stream of
acknowledgements reaches.

Look-alikes that stay quiet: QUIC upload, speed test, video call, game, live contribution (SRT), WireGuard, SIP:
answered, or one flow where answers cannot be seen. BitTorrent: many networks, none of them much. DNS: port 53 is out.
A one-way exporter cannot tell a flood from a single port to a single port from an upload; that flood is not reported.

Source: shapes and durations as in ``docs/explanation``; acknowledgement ratio RFC 9000 13.2.2 and RFC 9002.
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
SCREEN = "udp_packets - dns_packets >= 5 * {pps_60s}"
"""A minute at the opening rate has a window at that rate; half of it leaves room for what is counted elsewhere."""

SUSPECTS = f"""select line from line_target
where protocol = -1 or (protocol = 17 and port <> 53 and answered_packets * {{packets_an_answer}} <= packets)
group by line, block_start_ms, {NETWORK} having sum(cast(packets as double)) >= 10 * {{pps_10s}}"""
"""No network, nor what the cap on targets left out, got as many unanswered packets as ten seconds at the rate."""

_FLOODED = f"""
with pair as (
  select t.line, t.block_start_ms, {NETWORK} as network, t.target_lo, t.packets, t.octets, t.records,
    t.sampled_packets, t.answered_packets, t.first_ms, t.last_ms, t.port,
    case when p.two_way = 1 and t.answered_packets * p.packets_an_answer > t.packets then 0 else 1 end as silent
  from line_target t join params p on p.line = t.line
  where t.protocol = 17 and t.port <> 53
), address as (
  select line, block_start_ms, network, silent, count(*) as pairs, max(port) as port,
    sum(cast(packets as double)) as packets, sum(cast(octets as double)) as octets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(answered_packets as double)) as answered_packets, min(first_ms) as first_ms, max(last_ms) as last_ms
  from pair group by line, block_start_ms, network, silent, target_lo
), network as (
  select line, block_start_ms, network, silent, count(*) as targets, max(pairs) as ports, max(port) as port,
    sum(cast(pairs as double)) as pairs, sum(cast(packets as double)) as packets,
    sum(cast(octets as double)) as octets, sum(cast(records as double)) as records,
    sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(answered_packets as double)) as answered_packets, min(first_ms) as first_ms, max(last_ms) as last_ms
  from address group by line, block_start_ms, network, silent
), paired as (
  select *, sum(cast(packets as double)) over (partition by line, block_start_ms) as paired_sent,
    sum(cast(pairs as double)) over (partition by line, block_start_ms) as all_pairs,
    sum(cast(answered_packets as double)) over (partition by line, block_start_ms) as paired_received
  from network
), counted as (
  select line, window_start_ms // 600000 * 600000 as block_start_ms,
    sum(cast(case when side = 0 then udp_packets - dns_packets else 0 end as double)) as sent,
    sum(cast(case when side = 1 then udp_packets - dns_packets else 0 end as double)) as received
  from line_window group by line, window_start_ms // 600000 * 600000
), shape as (
  select n.*, c.received - n.paired_received as unmatched_packets,
    n.packets + greatest(c.sent - n.paired_sent, 0) * n.pairs / n.all_pairs as likely_packets,
    n.packets * 1000.0 / greatest(n.last_ms - n.first_ms, 10000) as mean_pps,
    case when n.octets >= 1200 * n.packets then p.answers_bulk
      when n.octets >= 200 * n.packets then p.answers_mixed else p.answers_small end as answers, p.*
  from paired n
    join counted c on c.line = n.line and c.block_start_ms = n.block_start_ms
    join params p on p.line = n.line
  where n.silent = 1
), flooded as (
  select * from shape
  where likely_packets >= pps_10s * 10 and (
    (two_way = 1 and sampled_packets >= scattered_sampled and records >= 0.5 * sampled_packets)
    or (two_way = 1 and sampled_packets * answers >= answers_missed
      and (records >= 3 * pairs or unmatched_packets < 0.5 * answers * packets)
      and (pairs > 1 or octets < 1200 * packets or mean_pps >= stream_pps
        or (answered_packets = 0 and sampled_packets >= stream_sampled)))
    or (two_way = 0 and sampled_packets >= one_way_sampled
      and (records >= one_way_scattered * sampled_packets or targets >= one_way_targets
        or (octets < 1000 * packets and mean_pps >= one_way_single_pps))))
)"""

CANDIDATES = f"""{_FLOODED}, evidence as (
  select line, block_start_ms, max(two_way) as two_way, max(sustain) as sustain,
    10 * max(case when two_way = 1 then pps_10s else one_way_pps end) as enough_10s,
    60 * max(case when two_way = 1 then pps_60s else one_way_pps end) as enough_60s,
    sum(cast(likely_packets as double)) as packets, sum(cast(sampled_packets as double)) as block_sampled_packets,
    sum(cast(pairs as double)) as pairs, sum(cast(targets as double)) as targets, max(ports) as ports,
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
  select w.window_start_ms, e.line, e.two_way, e.sustain, e.enough_10s, e.enough_60s, e.block_sampled_packets,
    e.pairs, e.targets, e.ports, e.flows_a_sampled_packet, e.answered_share,
    w.udp_octets / w.udp_packets as mean_octets, w.sampled_packets / w.packets as sampled_share,
    w.packets_var / w.packets as var_share,
    greatest(least(w.udp_packets - w.dns_packets - coalesce(o.packets, 0), e.packets), 0) as packets
  from line_window w
    join evidence e on e.line = w.line and e.block_start_ms = w.window_start_ms // 600000 * 600000
    left join other o on o.line = w.line and o.window_start_ms = w.window_start_ms
  where w.side = 0 and w.udp_packets > 0
), rated as (
  select *, greatest(packets / enough_10s,
    sum(cast(packets as double)) over (partition by line, window_start_ms // 60000) / enough_60s) as rate
  from flood
)
select line, window_start_ms, case when rate >= 1 then 1 else 0 end as opens,
  packets, packets * mean_octets as octets,
  packets * sampled_share as sampled_packets, packets * var_share as packets_var,
  packets * var_share * mean_octets * mean_octets as octets_var,
  mean_octets, pairs, targets, ports, flows_a_sampled_packet, answered_share, two_way, block_sampled_packets
from rated where rate >= sustain and packets > 0"""

TARGETS = f"""{_FLOODED}
select line, block_start_ms, {NETWORK_WORDS}, case when pairs > targets then 0 else port end as port, 17 as protocol,
  likely_packets as packets, targets
from flooded"""


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
    suspects=SUSPECTS,
    candidates=CANDIDATES,
    targets=TARGETS,
    reach_ms=0,
    gap_ms=900_000,
    explain=explain,
)
