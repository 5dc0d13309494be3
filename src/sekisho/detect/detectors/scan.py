"""Scan: a line knocks at many doors: one port on many addresses, or many ports of one address.

Why it matters: this is how malware of cameras and routers spreads, so a scanning line nearly always holds an infected
device; it goes on for days and is the surest early sign.

How it is told: a *probe* is a (target, port) to which hardly anything but SYN was sent and from which no SYN-ACK was
seen. Many probes on one port, at least twice as many as targets on that port with ordinary traffic, are a horizontal
scan; many probed ports of one address are a vertical one. Counted over one block of ten minutes and over six, so that a
slow scan under 1:1000 is found. The ratio needs no return traffic: of an ordinary short connection the exporter samples
an ACK or data at least three times as often as the SYN.

Look-alikes that stay quiet: crawler and monitoring host (answered; few dead targets beside many live ones), BitTorrent
(dead peers on thousands of ports, no port with many), a node of a coin or file network (below the number asked of an
unlisted port), the scan's own target and a line under attack (they send RST and SYN-ACK, never SYN alone).

Source: ports from public reports on Mirai and its descendants; the approach is that of the TAPS and TRW detectors
(Jung et al., "Fast portscan detection using sequential hypothesis testing", 2004) on sampled flows.
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.detect.detector import NETWORK, Detector, Language, threshold

if TYPE_CHECKING:
    from collections.abc import Mapping

DEVICE_PORTS = (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023)
"""Telnet and its substitutes, ADB, TR-069, recorder and router services: no home opens these to strangers."""

ORDINARY_PORTS = (22, 80, 81, 443, 445, 3389, 8080, 8081, 8443)
"""Scanned as well, but used by everyone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Thresholds; the numbers given are those of a home."""

    device_targets_10min: float = threshold(60, "addresses", "nobody logs in to 60 telnet servers in ten minutes")
    device_targets_60min: float = threshold(120, "addresses", "one in 30 s, on ports that see no ordinary traffic")
    ordinary_targets_10min: float = threshold(200, "addresses", "a browser meets a few dead hosts, not 200")
    ordinary_targets_60min: float = threshold(600, "addresses", "as many dead hosts in an hour as a crawler meets")
    any_targets_10min: float = threshold(
        400, "addresses", "a node of a coin network tries 120 dead peers in ten minutes"
    )
    any_targets_60min: float = threshold(1500, "addresses", "the same node tries 700 dead peers in an hour")
    any_port_share: float = threshold(
        0.3, "of all probes", "a scanner of an unlisted port has few ports; BitTorrent has thousands"
    )
    probes_10min: float = threshold(
        8, "distinct targets seen", "at 1:1000 a home shows 0.2 lone SYN on a port in ten minutes"
    )
    probes_60min: float = threshold(
        10, "distinct targets seen", "at 1:1000 a home shows 2 lone SYN on port 443 in an hour"
    )
    probes_an_other: float = threshold(
        2, "probes", "an ordinary connection sends three more packets a SYN: 1 in 3 at most"
    )
    ports_10min: float = threshold(100, "ports", "one address, a hundred doors: no program does that but a scanner")
    ports_60min: float = threshold(200, "ports", "the slow form of the same")
    syn_a_network: float = threshold(1536, "packets", "256 addresses, six tries each; more to one network is a flood")
    syn_an_address: float = threshold(262_144, "packets", "every port four times; more to one address is a flood")


PARAMS = {
    "home": Params(),
    "business": Params(ordinary_targets_10min=400, ordinary_targets_60min=1200, ports_10min=200, ports_60min=400),
    "building": Params(
        ordinary_targets_10min=600, ordinary_targets_60min=2000, any_targets_10min=800, any_targets_60min=3000
    ),
    "reseller": Params(
        device_targets_10min=200,
        device_targets_60min=400,
        ordinary_targets_10min=2000,
        ordinary_targets_60min=6000,
        any_targets_10min=3000,
        any_targets_60min=9000,
    ),
    "server": Params(
        ordinary_targets_10min=1000, ordinary_targets_60min=4000, any_targets_10min=1000, any_targets_60min=4000
    ),
}
KINDS = ("scan",)
SCREEN = "syn_sampled_packets > 0"
"""A slow scan leaves one sampled packet in most windows, and nothing in the others."""


_DEVICE, _ORDINARY = (", ".join(str(port) for port in ports) for ports in (DEVICE_PORTS, ORDINARY_PORTS))


def _found(minutes: int) -> str:
    """Ports and addresses scanned in one period; ``pair_<minutes>`` holds its pairs, ``first_ms`` its first block."""
    period = f"{minutes}min"
    return f"""port_{period} as (
  select line, first_ms, last_ms, port, count(distinct case when spread = 1 then target_lo end) as probes,
    sum(cast(1 - probe as double)) as others, max(scale) as scale
  from pair_{period} group by line, first_ms, last_ms, port
), all_{period} as (
  select line, first_ms, sum(cast(probes as double)) as probes from port_{period} group by line, first_ms
), scanned_port_{period} as (
  select o.line, o.first_ms, o.last_ms, o.port
  from port_{period} o
    join all_{period} a on a.line = o.line and a.first_ms = o.first_ms
    join params p on p.line = o.line
  where o.probes >= p.probes_{period} and o.probes >= p.probes_an_other * o.others
    and (o.port in ({_DEVICE}, {_ORDINARY}) or o.probes >= p.any_port_share * a.probes)
    and o.probes * o.scale >= case when o.port in ({_DEVICE}) then p.device_targets_{period}
      when o.port in ({_ORDINARY}) then p.ordinary_targets_{period} else p.any_targets_{period} end
), scanned_address_{period} as (
  select o.line, o.first_ms, o.last_ms, o.target_hi, o.target_lo
  from pair_{period} o join params p on p.line = o.line
  group by o.line, o.first_ms, o.last_ms, o.target_hi, o.target_lo
  having count(distinct case when o.spread = 1 then o.port end) >= max(p.probes_{period})
    and count(distinct case when o.spread = 1 then o.port end)
      >= max(p.probes_an_other) * sum(cast(1 - o.probe as double))
    and count(distinct case when o.spread = 1 then o.port end) * max(o.scale) >= max(p.ports_{period})
    and sum(cast(o.syn_packets as double)) <= max(p.syn_an_address)
)"""


_SCANNED = f"""
with pair as (
  select t.line, t.block_start_ms, t.target_hi, t.target_lo, t.port, t.syn_packets, t.syn_sampled_packets, {NETWORK},
    t.syn_packets / greatest(t.syn_sampled_packets, 1e-9) as scale,
    case when t.syn_sampled_packets >= 0.8 * t.sampled_packets and t.syn_sampled_packets > 0
      and t.answered_syn_ack_packets = 0 then 1 else 0 end as probe
  from line_target t join params p on p.line = t.line
  where t.protocol = 6
), crowded as (
  select r.line, r.block_start_ms, r.network_hi, r.network_lo, r.port
  from pair r join params p on p.line = r.line
  group by r.line, r.block_start_ms, r.network_hi, r.network_lo, r.port
  having sum(cast(r.syn_packets as double)) > max(p.syn_a_network)
    and sum(cast(r.syn_sampled_packets as double)) >= max(p.probes_10min)
), probing as (
  select r.*, case when c.line is null then r.probe else 0 end as spread
  from pair r left join crowded c on c.line = r.line and c.block_start_ms = r.block_start_ms
    and c.network_hi = r.network_hi and c.network_lo = r.network_lo and c.port = r.port
), latest as (
  select line, max(block_start_ms) as last_ms from probing group by line
), pair_10min as (
  select r.*, r.block_start_ms as first_ms, r.block_start_ms as last_ms from probing r
), pair_60min as (
  select r.*, l.last_ms - 3000000 as first_ms, l.last_ms
  from probing r join latest l on l.line = r.line and r.block_start_ms >= l.last_ms - 3000000
), {_found(10)}, {_found(60)}, scanned_port as (
  select * from scanned_port_10min union select * from scanned_port_60min
), scanned_address as (
  select * from scanned_address_10min union select * from scanned_address_60min
), hit as (
  select r.* from probing r join scanned_port s on s.line = r.line and s.port = r.port
    and r.block_start_ms between s.first_ms and s.last_ms
  where r.spread = 1
  union
  select r.* from probing r join scanned_address s on s.line = r.line and s.target_hi = r.target_hi
    and s.target_lo = r.target_lo and r.block_start_ms between s.first_ms and s.last_ms
  where r.spread = 1
)"""

CANDIDATES = f"""{_SCANNED}, total as (
  select line, block_start_ms, greatest(sum(cast(syn_packets as double)), 1e-9) as syn_packets
  from probing group by line, block_start_ms
), evidence as (
  select h.line, h.block_start_ms, sum(cast(h.syn_packets as double)) / max(t.syn_packets) as share,
    count(distinct h.target_lo) as targets, count(distinct h.port) as ports,
    sum(cast(h.syn_sampled_packets as double)) as block_sampled_packets
  from hit h join total t on t.line = h.line and t.block_start_ms = h.block_start_ms
  group by h.line, h.block_start_ms
), port_rank as (
  select line, block_start_ms, port,
    row_number() over (partition by line, block_start_ms order by count(*) desc, port) as place
  from hit group by line, block_start_ms, port
)
select w.line, w.window_start_ms, 1 as opens,
  w.syn_packets * e.share as packets, w.syn_octets * e.share as octets,
  w.syn_sampled_packets * e.share as sampled_packets, w.syn_packets_var * e.share as packets_var,
  w.syn_packets_var * e.share * (w.syn_octets / w.syn_packets) * (w.syn_octets / w.syn_packets) as octets_var,
  e.targets, e.ports, r.port as main_port, e.block_sampled_packets, p.two_way
from line_window w
  join evidence e on e.line = w.line and e.block_start_ms = w.window_start_ms // 600000 * 600000
  join port_rank r on r.line = e.line and r.block_start_ms = e.block_start_ms and r.place = 1
  join params p on p.line = w.line
where w.side = 0 and w.syn_packets > 0"""

TARGETS = f"""{_SCANNED}, total as (
  select line, block_start_ms, count(distinct target_lo) as targets, count(*) as pairs
  from hit group by line, block_start_ms
), network as (
  select h.line, h.block_start_ms, h.network_hi, h.network_lo, h.network_bits, count(*) as pairs,
    count(distinct h.port) as ports
  from hit h group by h.line, h.block_start_ms, h.network_hi, h.network_lo, h.network_bits
), named as (
  select h.line, h.block_start_ms, h.syn_packets, t.targets,
    case when n.pairs * 10 >= t.pairs then h.network_hi else 0 end as network_hi,
    case when n.pairs * 10 >= t.pairs then h.network_lo
      when h.network_bits = 120 then 281470681743360 else 0 end as network_lo,
    case when n.pairs * 10 >= t.pairs then h.network_bits when h.network_bits = 120 then 96 else 0 end as network_bits,
    case when n.pairs * 10 >= t.pairs and n.ports > 8 then 0 else h.port end as port
  from hit h
    join total t on t.line = h.line and t.block_start_ms = h.block_start_ms
    join network n on n.line = h.line and n.block_start_ms = h.block_start_ms
      and n.network_hi = h.network_hi and n.network_lo = h.network_lo and n.network_bits = h.network_bits
)
select line, block_start_ms, network_hi, network_lo, network_bits, port, 6 as protocol,
  sum(cast(syn_packets as double)) as packets, max(targets) as targets
from named group by line, block_start_ms, network_hi, network_lo, network_bits, port"""


def explain(row: Mapping[str, float], lang: Language) -> str:
    """One sentence about the highest window."""
    targets, ports, port = max(row["targets"], 1), max(row["ports"], 1), row["main_port"]
    many_ports = ports > targets
    if lang == "ja":
        only_syn = "接続要求 (SYN) だけのパケット"
        if many_ports:
            return f"{targets:,.0f} 個のアドレスの {ports:,.0f} 個以上のポートへ、{only_syn}が次々に送られています。"
        return f"主にポート {port:.0f} 宛ての{only_syn}が、10 分間に {targets:,.0f} 個以上のアドレスへ送られています。"
    only_syn = "Connection requests (SYN), nothing else, to at least"
    if many_ports:
        return f"{only_syn} {ports:,.0f} ports of {targets:,.0f} addresses."
    return f"{only_syn} {targets:,.0f} addresses in ten minutes, mostly on port {port:.0f}."


DETECTOR = Detector(
    name="scan",
    kinds=KINDS,
    params=PARAMS,
    screen=SCREEN,
    candidates=CANDIDATES,
    targets=TARGETS,
    gap_ms=3_600_000,
    explain=explain,
)
