"""Reflection: an open service of the line answers forged requests, and its answers hit somebody who never asked.

Why it matters: the device is not infected, it is open: a resolver, a clock, a recorder's discovery service that answers
the whole Internet. Each small request in becomes a large answer out, so the line's upstream pays for the attack, and
the next attacker finds the same door. It ends only when the service is closed towards the Internet.

How it is told: answers of one of the line's services (the port that sends, not the one that receives) at a rate to one
/24 or /48 that no client asks for, each much larger than its question where the exporter shows both ways, large by
itself where it shows one. Of the volume, what left in later fragments belongs to it as well.

A port above 1023 may as well be any program's: routers choose such ports for uploads, calls, tunnels and BitTorrent.
One flow of large packets, acknowledged now and then, is therefore none; what speaks for a service are answers to many
ports of the victim at once, fragments, an answer a question, answers smaller than a bulk transfer's, or a rate that no
live feed has. What has many other peers on such a port is a program.

Look-alikes that stay quiet: a home clock in the NTP pool (answers as large as questions), the authoritative DNS of a
business or a server (hundreds of resolvers, moderate answers), a school's resolver (it asks), a tunnel or an upload
that happens to leave from a service's port, strays of mDNS, SSDP and Plex, the line that is flooded from these ports.
Not told apart: one flow to one port of one victim whose answers look like an upload, and is too slow for a flood.

Source: services and amplification from CISA alert TA14-017A; DNS sizes RFC 6891; NTP ``monlist`` CVE-2013-5211.
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.detect.detector import NETWORK, NETWORK_WORDS, Detector, Language, threshold
from sekisho.detect.quiet import Clause, below_rates, figure, sentence
from sekisho.detect.rates import rated

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICES = {
    17: "QOTD",
    19: "chargen",
    53: "DNS",
    69: "TFTP",
    111: "portmapper",
    123: "NTP",
    137: "NetBIOS",
    161: "SNMP",
    389: "CLDAP",
    427: "SLP",
    520: "RIP",
    1434: "SQL Server",
    1900: "SSDP (UPnP)",
    3283: "ARMS",
    3389: "RDP",
    3702: "WS-Discovery",
    5093: "Sentinel",
    5353: "mDNS",
    5683: "CoAP",
    10001: "Ubiquiti Discovery",
    11211: "memcached",
    32414: "Plex",
    37810: "DVR discovery",
}
"""Names of ``REFLECTOR_PORTS`` as the field calls them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Thresholds; the numbers given are those of a home."""

    pps_10s: float = threshold(100, "packets/s", "a home serves itself: its owner abroad asks a few times a second")
    pps_60s: float = threshold(40, "packets/s", "abusers spread over many open services, so each is slow but lasting")
    sustain: float = threshold(0.3, "of the opening rate", "questions that the line cannot all answer still come")
    sampled: float = threshold(20, "sampled packets", "the rate of 20 is known to a factor of 1.6")
    amplification: float = threshold(3, "octets sent an octet asked", "NTP answers 1 for 1, plain DNS 2 for 1")
    answer_octets: float = threshold(
        150, "octets a packet", "an ordinary NTP answer has 76, an acknowledgement 40 to 90"
    )
    dns_octets: float = threshold(300, "octets a packet", "a name with a few addresses; abused are records of 1,000 on")
    questions_missed: float = threshold(
        500, "sampled packets", "memcached sends 70 packets a question: 7 expected, none seen, so nobody asks"
    )
    bulk_octets: float = threshold(
        600, "octets a packet", "SSDP and monlist answer with 300 to 500, uploads fill the packet"
    )
    answers_each: float = threshold(0.7, "questions a packet", "receivers acknowledge every second packet at most")
    answers_each_sampled: float = threshold(40, "sampled packets", "so that 0.5 rarely looks like 0.7")
    feed_pps: float = threshold(6000, "packets/s", "one flow of large packets above any live feed (60 Mb/s)")
    feed_answers: float = threshold(0.05, "questions a packet", "SRT acknowledges every 64 packets, QUIC every 10")
    scattered_pace: float = threshold(3, "records in 10 s", "the shortest active timeout exports one flow once in 10 s")
    scattered_records: float = threshold(40, "records", "the same for two minutes, or many at once")
    separate: float = threshold(0.8, "flows a sampled packet", "one flow at the pace below shows two packets together")
    separate_pace: float = threshold(1, "sampled packets in 10 s", "slower, a timeout ends the flow between them")
    fragments_each: float = threshold(0.5, "later fragments a packet", "tunnels and uploads avoid fragments")
    other_clients: float = threshold(
        8, "networks a victim", "scanners knock a few times an hour; BitTorrent has hundreds of peers"
    )


PARAMS = {
    "home": Params(),
    "business": Params(pps_10s=500, pps_60s=300, dns_octets=1000),
    "building": Params(pps_10s=300, pps_60s=150, dns_octets=600),
    "reseller": Params(pps_10s=1000, pps_60s=500, dns_octets=1000),
    "server": Params(pps_10s=1000, pps_60s=500, dns_octets=1000),
}
KINDS = ("reflection",)
SCREEN = "reflector_packets >= 5 * {pps_60s}"
"""A minute at the opening rate has a window at that rate; half of it leaves room for what is counted elsewhere."""

SUSPECTS = """select line from line_target where own_port <> 0
group by line, block_start_ms, own_port
having sum(cast(sampled_packets as double)) >= {sampled} and sum(cast(packets as double)) >= 10 * {pps_10s}"""
"""No service sent what the least verdict rests on; a minute at the slower rate is more packets than ten seconds."""

_FIRST_FREE_PORT = 1024
"""Below it, a port is its service's: address translators leave these out (RFC 4787, REQ-3), other programs avoid it."""

_REFLECTED = f"""
with client as (
  select line, block_start_ms, {NETWORK} as network, own_port, packets, octets, records, sampled_packets,
    answered_packets, answered_octets, first_ms, last_ms
  from line_target where protocol = 17 and own_port <> 0
), later as (
  select line, block_start_ms, {NETWORK} as network, sum(cast(fragment_packets as double)) as fragments,
    sum(cast(octets * fragment_packets / packets as double)) as fragment_octets
  from line_target where protocol = 17 and own_port = 0 and fragment_packets > 0
  group by line, block_start_ms, {NETWORK}
), network as (
  select line, block_start_ms, network, own_port, count(*) as targets,
    sum(cast(packets as double)) as packets, sum(cast(octets as double)) as octets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(answered_packets as double)) as asked_packets, sum(cast(answered_octets as double)) as asked_octets,
    greatest(max(last_ms) - min(first_ms), 10000) as lasted_ms
  from client group by line, block_start_ms, network, own_port
), shape as (
  select n.*, coalesce(l.fragments, 0) as fragments, coalesce(l.fragment_octets, 0) as fragment_octets
  from network n
    left join later l on l.line = n.line and l.block_start_ms = n.block_start_ms and l.network = n.network
), victim as (
  select s.*, case
      when s.sampled_packets < p.sampled or s.packets < 10 * p.pps_10s
        or s.octets < s.packets * case when s.own_port = 53 then p.dns_octets else p.answer_octets end
        or s.asked_octets * p.amplification > s.octets
        or (p.two_way = 1 and s.asked_packets = 0 and s.sampled_packets >= p.questions_missed) then 0
      when (s.records >= p.scattered_records
          and s.records * 10000.0 >= p.scattered_pace * least(s.targets, 4) * s.lasted_ms)
        or (s.packets >= 1.5 * s.sampled_packets and s.records >= p.separate * s.sampled_packets
          and s.sampled_packets * 10000.0 >= p.separate_pace * least(s.targets, 4) * s.lasted_ms)
        or s.fragments >= p.fragments_each * s.packets
        or (s.octets < p.bulk_octets * s.packets and (p.two_way = 1 or s.own_port < {_FIRST_FREE_PORT}))
        or (p.two_way = 1 and s.asked_packets >= p.answers_each * s.packets
          and s.sampled_packets >= p.answers_each_sampled)
        or (p.two_way = 1 and s.packets * 1000.0 >= p.feed_pps * s.lasted_ms
          and s.asked_packets <= p.feed_answers * s.packets) then 1
      else 0 end as hit
  from shape s join params p on p.line = s.line
), service as (
  select line, block_start_ms, own_port, sum(cast(hit as double)) as hits, sum(cast(1 - hit as double)) as others
  from victim group by line, block_start_ms, own_port
), reflected as (
  select v.*
  from victim v
    join service s on s.line = v.line and s.block_start_ms = v.block_start_ms and s.own_port = v.own_port
    join params p on p.line = v.line
  where v.hit = 1 and (v.own_port < {_FIRST_FREE_PORT} or s.others <= p.other_clients * s.hits)
)"""

CANDIDATES = f"""{_REFLECTED}, whole as (
  select n.line, n.block_start_ms, sum(cast(n.packets as double)) as packets, sum(cast(n.octets as double)) as octets
  from network n group by n.line, n.block_start_ms
), whole_later as (
  select line, block_start_ms, sum(cast(fragments as double)) as fragments
  from later group by line, block_start_ms
), named as (
  select line, block_start_ms, arg_max(own_port, packets * 65536 + own_port) as service_port
  from (select line, block_start_ms, own_port, sum(cast(packets as double)) as packets
    from reflected group by line, block_start_ms, own_port) s
  group by line, block_start_ms
), hit as (
  select line, block_start_ms, network, sum(cast(packets as double)) as packets, sum(cast(octets as double)) as octets,
    sum(cast(sampled_packets as double)) as sampled_packets, sum(cast(asked_octets as double)) as asked_octets,
    max(targets) as targets, max(fragments) as fragments, max(fragment_octets) as fragment_octets,
    max(lasted_ms) as lasted_ms
  from reflected group by line, block_start_ms, network
), summed as (
  select line, block_start_ms, sum(cast(packets as double)) as packets, sum(cast(octets as double)) as octets,
    sum(cast(sampled_packets as double)) as block_sampled_packets, sum(cast(targets as double)) as targets,
    sum(cast(fragments as double)) as fragments, max(lasted_ms) as lasted_ms,
    sum(cast(octets + fragment_octets as double)) / nullif(sum(cast(asked_octets as double)), 0) as amplification
  from hit group by line, block_start_ms
), evidence as (
  select s.line, s.block_start_ms, n.service_port, s.block_sampled_packets, s.targets, s.lasted_ms,
    coalesce(s.amplification, 0) as amplification, s.packets / w.packets as share, s.octets / w.octets as octets_share,
    coalesce(s.fragments / f.fragments, 0) as fragments_share
  from summed s
    join named n on n.line = s.line and n.block_start_ms = s.block_start_ms
    join whole w on w.line = s.line and w.block_start_ms = s.block_start_ms
    left join whole_later f on f.line = s.line and f.block_start_ms = s.block_start_ms
), answer as (
  select w.line, w.window_start_ms, e.service_port, e.block_sampled_packets, e.targets, e.amplification, p.two_way,
    p.sustain, 10 * p.pps_10s as enough_10s, 60 * p.pps_60s as enough_60s, e.lasted_ms,
    p.pps_10s as opens_pps_10s, p.pps_60s as opens_pps_60s, p.amplification as opens_amplification,
    case when e.service_port = 53 then p.dns_octets else p.answer_octets end as opens_mean_octets,
    w.reflector_packets * e.share as answers, w.packets_var * w.reflector_packets / w.packets * e.share as answers_var,
    w.reflector_packets * e.share + w.fragment_packets * e.fragments_share as packets,
    w.reflector_octets * e.octets_share + w.fragment_octets * e.fragments_share as octets,
    w.sampled_packets / w.packets as sampled_share, w.packets_var / w.packets as var_share
  from line_window w
    join evidence e on e.line = w.line and e.block_start_ms = w.window_start_ms // 600000 * 600000
    join params p on p.line = w.line
  where w.side = 0 and w.reflector_packets > 0
), rated as (
  {rated("answer", packets="answers", variance="answers_var")}
)
select line, window_start_ms, case when sure_rate >= 1 then 1 else 0 end as opens, packets, octets,
  packets * sampled_share as sampled_packets, packets * var_share as packets_var,
  octets * (octets / packets) * var_share as octets_var,
  service_port, amplification, targets, octets / packets as mean_octets, two_way, block_sampled_packets,
  opens_pps_10s, opens_pps_60s, opens_mean_octets, opens_amplification
from rated where rate >= sustain"""

TARGETS = f"""{_REFLECTED}
select line, block_start_ms, {NETWORK_WORDS}, 0 as port, 17 as protocol, packets, targets
from (
  select line, block_start_ms, network, sum(cast(packets as double)) as packets, max(targets) as targets
  from reflected group by line, block_start_ms, network
) v"""


def explain(row: Mapping[str, float], lang: Language) -> str:
    """One sentence about the highest window."""
    pps, octets, targets = row["packets"] / 10, row["mean_octets"], max(row["targets"], 1)
    port, times = int(row["service_port"]), row["amplification"]
    name = SERVICES[port]
    if lang == "ja":
        larger = f"、問い合わせの約 {times:,.0f} 倍の量で" if times else ""
        return (
            f"外部に開いている {name} サービス (UDP ポート {port}) から、平均 {octets:,.0f} オクテットの応答が"
            f"毎秒約 {pps:,.0f} 個、{targets:,.0f} 個の宛先アドレスへ{larger}送られています。"
            "送信元を偽った問い合わせに応じているとみられます。"
        )
    larger = f", about {times:,.0f} times what was asked," if times else ""
    to = f"{targets:,.0f} addresses" if targets > 1 else "one address"
    return (
        f"The open {name} service (UDP port {port}) answers with about {pps:,.0f} packets a second of "
        f"{octets:,.0f} octets on average{larger} to {to}, most likely on forged requests."
    )


def quiet(row: Mapping[str, float], lang: Language) -> str:
    """What would have kept it quiet."""
    octets, times = figure(row["opens_mean_octets"]), figure(row["opens_amplification"])
    ways = [
        below_rates(row["opens_pps_10s"], row["opens_pps_60s"], of="応答が ", ja="個", en="answers"),
        Clause(ja=f"応答が平均 {octets} オクテットを下回って", en=f"with answers below {octets} octets on average"),
    ]
    if row["two_way"]:
        ways.append(
            Clause(
                ja=f"応答の量が問い合わせの {times} 倍を下回って", en=f"with answers below {times} times what was asked"
            )
        )
    return sentence(lang, *ways)


DETECTOR = Detector(
    name="reflection",
    kinds=KINDS,
    params=PARAMS,
    screen=SCREEN,
    suspects=SUSPECTS,
    candidates=CANDIDATES,
    targets=TARGETS,
    reach_ms=0,
    gap_ms=3_600_000,
    explain=explain,
    quiet=quiet,
)
