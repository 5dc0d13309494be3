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
unlisted port), the scan's own target and a line under attack (they send RST and SYN-ACK, never SYN alone), a sender of
mail whose port 25 is blocked (kind ``spam``).

Source: ports from public reports on Mirai and its descendants; the approach is that of the TAPS and TRW detectors
(Jung et al., "Fast portscan detection using sequential hypothesis testing", 2004) on sampled flows.
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.detect.detector import NETWORK, NETWORK_WORDS, V4_FIRST, V4_LAST, Detector, Language, threshold
from sekisho.detect.quiet import Clause, figure, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

DEVICE_PORTS = (23, 26, 2323, 5555, 7547, 9530, 23023, 23231, 34567, 37215, 52869, 60023)
"""Telnet and its substitutes, ADB, TR-069, recorder and router services: no home opens these to strangers."""

ORDINARY_PORTS = (22, 80, 81, 443, 445, 3389, 8080, 8081, 8443)
"""Scanned as well, but used by everyone."""

MAIL_PORT = 25
"""Attempts to send mail where the port is blocked look the same; they are the kind ``spam``."""


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
SCREEN = "syn_packets > 0"
"""A slow scan leaves one packet in most windows, and nothing in the others."""

_PROBE = """t.syn_sampled_packets >= 0.8 * t.sampled_packets and t.syn_sampled_packets > 0
      and t.answered_syn_ack_packets = 0"""


def _suspected(door: str) -> str:
    """Lines with a door of one kind that passes two of a verdict's conditions, whatever the line's group."""
    return f"""select p.line from pair p join (
    select line, {door} from pair where probe = 1 group by line, {door}
    having count(*) >= least({{probes_10min}}, {{probes_60min}})
  ) k on k.line = p.line and k.{door} = p.{door}
  group by p.line, p.block_start_ms, p.{door} having sum(cast(p.probe as double)) > 0
    and sum(cast(p.probe as double)) >= {{probes_an_other}} * sum(cast(1 - p.probe as double))"""


PAIRS = ("protocol = 6",)
SUSPECTS = f"""
with pair as (
  select t.line, t.block_start_ms, t.port, t.target_lo, case when {_PROBE} then 1 else 0 end as probe
  from line_target t where t.{PAIRS[0]} and t.port <> {MAIL_PORT}
)
{_suspected("port")}
union all
{_suspected("target_lo")}"""
"""Knocked at as often as the least that a verdict rests on, and mostly so in one block: where ordinary targets are too
many in every block, they are in every hour."""

_DEVICE, _ORDINARY = (", ".join(str(port) for port in ports) for ports in (DEVICE_PORTS, ORDINARY_PORTS))


def _enough(period: str) -> str:
    """How many doors of one kind make a scan within a period."""
    return f"""case when d.vertical = 1 then p.ports_{period}
      when d.door in ({_DEVICE}) then p.device_targets_{period}
      when d.door in ({_ORDINARY}) then p.ordinary_targets_{period} else p.any_targets_{period} end"""


_HOUR_MS = 3_000_000
"""Six blocks are an hour: five and the block itself."""

_HOUR = f"order by d.block_start_ms range between {_HOUR_MS} preceding and current row"
_SCANNED = f"""
with pair as (
  select t.line, t.block_start_ms, {NETWORK} as network, t.target_lo, t.port, t.syn_packets, t.syn_sampled_packets,
    p.syn_a_network, p.probes_10min, case when {_PROBE} then 1 else 0 end as probe
  from line_target t join params p on p.line = t.line
  where t.protocol = 6
), street as (
  select line, block_start_ms, network, port, sum(cast(probe as double)) as probes, count(*) as pairs,
    sum(cast(syn_packets as double)) as syn_packets, sum(cast(syn_sampled_packets as double)) as syn_sampled_packets,
    case when sum(cast(syn_packets as double)) > max(syn_a_network)
      and sum(cast(syn_sampled_packets as double)) >= max(probes_10min)
      and (network between {V4_FIRST} and {V4_LAST}
        or sum(cast(syn_sampled_packets as double)) >= 4 * count(*)) then 1 else 0 end as crowded
  from pair group by line, block_start_ms, network, port
), doors as (
  select line, block_start_ms, 0 as vertical, port as door, 0 as network,
    sum(cast(case when crowded = 1 then 0 else probes end as double)) as probes,
    sum(cast(pairs - probes as double)) as others,
    sum(cast(syn_packets as double)) as syn_packets, sum(cast(syn_sampled_packets as double)) as syn_sampled_packets
  from street group by line, block_start_ms, port
  union all
  select line, block_start_ms, 1 as vertical, target_lo as door, max(network) as network,
    sum(cast(probe as double)) as probes, sum(cast(1 - probe as double)) as others,
    sum(cast(syn_packets as double)) as syn_packets, sum(cast(syn_sampled_packets as double)) as syn_sampled_packets
  from pair group by line, block_start_ms, target_lo
), whole as (
  select line, vertical, block_start_ms, sum(cast(probes as double)) as all_probes,
    sum(cast(syn_packets as double)) as all_syn
  from doors group by line, vertical, block_start_ms
), knocked as (
  select d.line, d.vertical, d.door from doors d join params p on p.line = d.line
  group by d.line, d.vertical, d.door, p.probes_10min, p.probes_60min
  having sum(cast(d.probes as double)) >= least(p.probes_10min, p.probes_60min)
), hour as (
  select d.*, w.all_probes, w.all_syn, d.syn_packets / greatest(d.syn_sampled_packets, 1e-9) as scale,
    sum(cast(d.probes as double)) over (partition by d.line, d.vertical, d.door {_HOUR}) as hour_probes,
    sum(cast(d.others as double)) over (partition by d.line, d.vertical, d.door {_HOUR}) as hour_others
  from doors d
    join knocked k on k.line = d.line and k.vertical = d.vertical and k.door = d.door
    join whole w on w.line = d.line and w.vertical = d.vertical and w.block_start_ms = d.block_start_ms
), judged as (
  select d.*, {_enough("10min")} as enough_10min, {_enough("60min")} as enough_60min,
    case when d.probes < p.probes_10min or d.probes < p.probes_an_other * d.others
        or d.probes * d.scale < {_enough("10min")} then 0 else 1 end as in_block,
    case when d.hour_probes < p.probes_60min or d.hour_probes < p.probes_an_other * d.hour_others
        or d.hour_probes * d.scale < {_enough("60min")} then 0 else 1 end as in_hour
  from hour d join params p on p.line = d.line
  where d.probes > 0 and (d.vertical = 1 or d.door <> {MAIL_PORT})
    and (d.vertical = 0 or d.syn_packets <= p.syn_an_address)
    and (d.vertical = 1 or d.door in ({_DEVICE}, {_ORDINARY}) or d.probes >= p.any_port_share * d.all_probes)
), flagged as (
  select *, max(in_hour) over (partition by line, vertical, door
    order by block_start_ms range between current row and {_HOUR_MS} following) as within_hour
  from judged
), scanned as (
  select * from flagged where in_block = 1 or within_hour = 1
)"""

CANDIDATES = f"""{_SCANNED}, evidence as (
  select line, block_start_ms, least(sum(cast(syn_packets as double)) / greatest(max(all_syn), 1e-9), 1) as share,
    max(case when vertical = 0 then probes else 1 end) as targets,
    max(case when vertical = 1 then probes else 1 end) as ports,
    coalesce(arg_max(door, probes * 65536 + door) filter (where vertical = 0), 0) as main_port,
    coalesce(arg_max(enough_10min, probes * 65536 + door) filter (where vertical = 0), 0) as opens_targets_10min,
    coalesce(arg_max(enough_60min, probes * 65536 + door) filter (where vertical = 0), 0) as opens_targets_60min,
    coalesce(max(enough_10min) filter (where vertical = 1), 0) as opens_ports_10min,
    coalesce(max(enough_60min) filter (where vertical = 1), 0) as opens_ports_60min,
    max(probes * scale) as likely_doors, sum(cast(syn_sampled_packets as double)) as block_sampled_packets
  from scanned group by line, block_start_ms
)
select e.line, w.window_start_ms, 1 as opens,
  w.syn_packets * e.share as packets, w.syn_octets * e.share as octets,
  w.sampled_packets * w.syn_packets / w.packets * e.share as sampled_packets,
  w.packets_var * w.syn_packets / w.packets * e.share as packets_var,
  w.packets_var * w.syn_octets / w.packets * e.share * w.syn_octets / w.syn_packets as octets_var,
  e.targets, e.ports, e.main_port, e.likely_doors, e.block_sampled_packets, p.two_way,
  e.opens_targets_10min, e.opens_targets_60min, e.opens_ports_10min, e.opens_ports_60min,
  p.probes_an_other as opens_probes_an_other
from line_window w
  join evidence e on e.line = w.line and e.block_start_ms = w.window_start_ms // 600000 * 600000
  join params p on p.line = w.line
where w.side = 0 and w.syn_packets > 0"""

TARGETS = f"""{_SCANNED}, named as (
  select s.line, s.block_start_ms, s.syn_packets as packets, d.probes as targets, d.door as port,
    case when s.probes * 10 >= d.probes and s.probes >= 3 then s.network
      when s.network between {V4_FIRST} and {V4_LAST} then {V4_FIRST} else 0 end as network,
    case when s.probes * 10 >= d.probes and s.probes >= 3 then 0 else 1 end as unnamed
  from street s join scanned d on d.line = s.line and d.block_start_ms = s.block_start_ms and d.vertical = 0
    and d.door = s.port
  where s.probes > 0 and s.crowded = 0
  union all
  select line, block_start_ms, syn_packets as packets, 1 as targets, 0 as port, network, 0 as unnamed
  from scanned where vertical = 1
)
select line, block_start_ms, network_hi, network_lo,
  case when unnamed = 0 then network_bits when network_bits = 120 then 96 else 0 end as network_bits,
  port, 6 as protocol, sum(cast(packets as double)) as packets, max(targets) as targets
from (select *, {NETWORK_WORDS} from named) n
group by line, block_start_ms, network_hi, network_lo, network_bits, port, unnamed"""
"""Networks with a tenth of the probes, and three, are named; the others are one row "anywhere"."""


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


def quiet(row: Mapping[str, float], lang: Language) -> str:
    """What would have kept it quiet."""
    vertical = max(row["ports"], 1) > max(row["targets"], 1)
    kind, ja, en, one = (
        ("ports", "ポート", "ports", "port") if vertical else ("targets", "アドレス", "addresses", "address")
    )
    block, hour = (figure(row[f"opens_{kind}_{period}"]) for period in ("10min", "60min"))
    others = figure(row["opens_probes_an_other"])
    few = Clause(
        ja=f"このような{ja}が 10 分間に {block} 個、1 時間に {hour} 個をいずれも下回って",
        en=f"with fewer than {block} such {en} in ten minutes and {hour} in an hour",
    )
    ordinary = Clause(
        ja=f"通常の接続がある{ja}が、このような{ja} {others} 個につき 1 個を超えて",
        en=f"with ordinary connections to more than one {one} for every {others} of these",
    )
    return sentence(lang, few, ordinary)


DETECTOR = Detector(
    name="scan",
    kinds=KINDS,
    params=PARAMS,
    screen=SCREEN,
    suspects=SUSPECTS,
    pairs=PAIRS,
    candidates=CANDIDATES,
    targets=TARGETS,
    reach_ms=_HOUR_MS,
    gap_ms=3_600_000,
    explain=explain,
    quiet=quiet,
)
