"""Brute force: a line logs in again and again where it is not let in: SSH, telnet, remote desktops, mail, databases.

Why it matters: this is how devices are taken over, so the line most likely holds one that was; whoever is attacked
reports the address, and block lists take it up.

How it is told: connections to one login service of one address, complete (SYN is a small part of the packets and, where
the exporter shows both ways, they are answered and not by RST) and short, in ten minutes and in sixty. Under sampling
an address shows a few packets; then the average of all addresses on that port is taken, provided that nearly all of
them were seen. Very many connections count also where each address has few.

Each service has its own number: nobody opens 20 telnet sessions in ten minutes, but a camera sends each picture by
FTP, five mail accounts on four devices look for mail every minute, and a program without a pool opens a database
connection for every page.

Look-alikes that stay quiet: a monitoring host (each of its fleet once a minute, a greeting and no more), a playbook run
over a fleet (one kept connection each), a backup or a session over SSH (few long connections), polling of mail, VPN, a
scan (SYN alone). Not told: guesses over one connection (SMB, databases), over web pages, over SIP (its registrations
cannot be told from a busy trunk's signalling by their flow).

Source: RFC 4252 and RFC 4253 on what an SSH login sends; the approach is that of flow-based SSH detection (Sperotto et
al., "Hidden Markov model modeling of SSH brute-force attacks", 2009; Hofstede et al., "SSHCure", 2014).
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.detect.detector import NETWORK, NETWORK_WORDS, Detector, Language, threshold
from sekisho.detect.quiet import Clause, figure, sentence
from sekisho.detect.rates import SURE_CONNECTIONS
from sekisho.schema.line_window import LOGIN_PORTS

if TYPE_CHECKING:
    from collections.abc import Mapping

TELNET_PORTS = (23, 2323)
REMOTE_PORTS = (22, 445, 2222, 3389, 5900)
DATABASE_PORTS = (1433, 3306, 5432)
"""Of ``LOGIN_PORTS``; the others transfer mail and files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Thresholds; the numbers given are those of a home."""

    telnet_10min: float = threshold(20, "connections an address", "a person logs in to a device, and once more")
    telnet_60min: float = threshold(60, "connections an address", "one a minute for an hour is a program")
    remote_10min: float = threshold(60, "connections an address", "a check every ten seconds, a fetch in a loop")
    remote_60min: float = threshold(200, "connections an address", "one in 18 s for an hour")
    transfer_10min: float = threshold(900, "connections an address", "a camera sends a picture a second by FTP")
    transfer_60min: float = threshold(4500, "connections an address", "the same camera for an hour, and some more")
    database_10min: float = threshold(600, "connections an address", "a page a second that opens one for itself")
    database_60min: float = threshold(3000, "connections an address", "the same program for an hour")
    any_10min: float = threshold(
        10_000, "connections", "a fleet of 500 hosts that is checked every minute has half as many"
    )
    sampled: float = threshold(20, "sampled packets", "the number of 20 is known to a factor of 1.6")
    connections_seen: float = threshold(2, "sampled connections", "sessions show one SYN in a thousand packets")
    sure_connections: float = threshold(10, "sampled connections", "one address alone is judged from 10 on")
    packets_least: float = threshold(
        5, "packets a connection", "a login sends 8 to 20, a check for an open port 3 or 4"
    )
    packets_most: float = threshold(
        40, "packets a connection", "three passwords over SSH take 20; a session of a person or a program is longer"
    )
    octets_most: float = threshold(600, "octets a packet", "an upload; keys and passwords are small")
    answered: float = threshold(0.3, "answers a packet", "a login is a dialogue")
    refused: float = threshold(0.5, "of the answers", "an address that refuses with RST asks for no password")
    separate: float = threshold(0.8, "flows a sampled packet", "a session shows several packets of a flow")
    packets_a_target: float = threshold(
        2, "sampled packets an address", "below it many addresses are not seen yet, and an average means nothing"
    )


PARAMS = {
    "home": Params(),
    "business": Params(
        telnet_10min=40,
        telnet_60min=120,
        remote_10min=300,
        remote_60min=1200,
        transfer_10min=6000,
        transfer_60min=30_000,
        database_10min=30_000,
        database_60min=150_000,
        any_10min=40_000,
    ),
    "building": Params(
        telnet_10min=60,
        telnet_60min=200,
        remote_10min=200,
        remote_60min=800,
        transfer_10min=3000,
        transfer_60min=15_000,
        database_10min=3000,
        database_60min=15_000,
        any_10min=30_000,
    ),
    "reseller": Params(
        telnet_10min=100,
        telnet_60min=400,
        remote_10min=600,
        remote_60min=2400,
        transfer_10min=12_000,
        transfer_60min=60_000,
        database_10min=60_000,
        database_60min=300_000,
        any_10min=100_000,
    ),
    "server": Params(
        telnet_10min=60,
        telnet_60min=200,
        remote_10min=600,
        remote_60min=2400,
        transfer_10min=12_000,
        transfer_60min=60_000,
        database_10min=60_000,
        database_60min=300_000,
        any_10min=100_000,
    ),
}
KINDS = ("brute_force",)
SCREEN = "login_packets > 0"
"""A slow one leaves a few packets in some windows, and nothing in the others."""


def _enough(period: str, prefix: str, suffix: str = "") -> str:
    """How many connections to an address are too many within a period, by the service's port."""
    return f"""case when port in {TELNET_PORTS} then {prefix}telnet_{period}{suffix}
      when port in {REMOTE_PORTS} then {prefix}remote_{period}{suffix}
      when port in {DATABASE_PORTS} then {prefix}database_{period}{suffix} else {prefix}transfer_{period}{suffix} end"""


PAIRS = ("protocol = 6",)
SUSPECTS = f"""select line from line_target where protocol = 6 and port in {LOGIN_PORTS}
group by line, port having sum(cast(sampled_packets as double)) >= {{sampled}}
  and greatest(sum(cast(connections as double)), case when sum(cast(packets as double)) >= 1.5 *
      sum(cast(sampled_packets as double)) then sum(cast(packets as double)) / {{packets_most}} else 0 end)
    >= {_enough("10min", "{", "}")}
  and sum(cast(connections as double)) * {{packets_most}} >= 0.1 * sum(cast(packets as double))"""
"""Within an hour as many connections to one service as ten minutes need, and not sessions alone."""

_HOUR_MS = 3_000_000
"""Six blocks are an hour: five and the block itself."""

_SUMS = """sum(cast(packets as double)) as packets, sum(cast(octets as double)) as octets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(connections as double)) as connections, sum(cast(answered_packets as double)) as answered_packets,
    sum(cast(refused_packets as double)) as refused_packets"""
_IS_DIALOGUE = """p.two_way = 0 or ({0}.answered_packets >= p.answered * {0}.packets
      and {0}.refused_packets <= p.refused * {0}.answered_packets)"""


def _judged(period: str, each: str) -> str:
    """Doors with the most connections that one of their addresses got in a period: of one, or of all on average."""
    return f"""likely_{period} as (
  select a.line, a.block_start_ms, a.port, a.target_lo, a.packets, a.sampled_packets, a.records, a.connections,
    a.answered_packets, a.refused_packets,
    case when a.sampled_packets >= p.sampled and a.connections * a.sampled_packets >= p.sure_connections * a.packets
        and a.packets >= p.packets_least * a.connections and a.packets <= p.packets_most * a.connections
        and ({_IS_DIALOGUE.format("a")}) then {SURE_CONNECTIONS.format("a")} else 0 end as sure_connections
  from {each} a join params p on p.line = a.line
), door_{period} as (
  select line, block_start_ms, port, count(*) as targets, sum(cast(packets as double)) as packets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(connections as double)) as connections, sum(cast(answered_packets as double)) as answered_packets,
    sum(cast(refused_packets as double)) as refused_packets, max(sure_connections) as sure_connections
  from likely_{period} group by line, block_start_ms, port
), average_{period} as (
  select d.line, d.block_start_ms, d.port, d.targets, d.sure_connections,
    {SURE_CONNECTIONS.format("d")} as likely_connections,
    case when d.sampled_packets >= p.sampled and d.connections * d.sampled_packets >= p.connections_seen * d.packets
        and d.packets >= p.packets_least * d.connections and d.packets <= p.packets_most * d.connections
        and ({_IS_DIALOGUE.format("d")}) then 1 else 0 end as short,
    case when d.sampled_packets >= p.packets_a_target * d.targets then 1 else 0 end as counted
  from door_{period} d join params p on p.line = d.line
)"""


_FORCED = f"""
with login as (
  select t.line, t.block_start_ms, t.target_hi, t.target_lo, t.port, t.packets, t.octets, t.records, t.sampled_packets,
    t.connections, t.answered_packets, t.answered_reset_packets as refused_packets, t.syn_packets
  from line_target t where t.protocol = 6 and t.port in {LOGIN_PORTS} and t.packets > 0
), short as (
  select l.* from login l join params p on p.line = l.line
  where l.octets <= p.octets_most * l.packets
    and (l.sampled_packets < p.packets_most or l.packets <= p.packets_most * l.connections)
    and (l.syn_packets < l.packets or l.packets >= 1.5 * l.sampled_packets)
), ends as (
  select line, block_start_ms, port from short group by line, block_start_ms, port
), address as (
  select e.line, e.block_start_ms, s.port, s.target_lo, {_SUMS.replace("sum(cast(", "sum(cast(s.")}
  from ends e join short s on s.line = e.line and s.port = e.port
    and s.block_start_ms between e.block_start_ms - {_HOUR_MS} and e.block_start_ms
  group by e.line, e.block_start_ms, s.port, s.target_lo
), {_judged("10min", "short")}, {_judged("60min", "address")}, judged as (
  select b.line, b.block_start_ms, b.port, b.targets, b.likely_connections,
    {_enough("10min", "p.").replace("port in", "b.port in")} as enough_10min,
    {_enough("60min", "p.").replace("port in", "b.port in")} as enough_60min,
    greatest(b.sure_connections, b.short * b.counted * b.likely_connections / b.targets) as an_address,
    case when greatest(b.sure_connections, b.short * b.counted * b.likely_connections / b.targets)
        >= {_enough("10min", "p.").replace("port in", "b.port in")}
      or b.short * b.likely_connections >= p.any_10min then 1 else 0 end as in_block,
    case when greatest(h.sure_connections, h.short * h.counted * h.likely_connections / h.targets)
        >= {_enough("60min", "p.").replace("port in", "b.port in")} then 1 else 0 end as in_hour
  from average_10min b
    join average_60min h on h.line = b.line and h.block_start_ms = b.block_start_ms and h.port = b.port
    join params p on p.line = b.line
), flagged as (
  select *, max(in_hour) over (partition by line, port
    order by block_start_ms range between current row and {_HOUR_MS} following) as within_hour
  from judged
), forced as (
  select * from flagged where in_block = 1 or within_hour = 1
)"""

CANDIDATES = f"""{_FORCED}, whole as (
  select line, block_start_ms, sum(cast(packets as double)) as packets from login group by line, block_start_ms
), part as (
  select f.line, f.block_start_ms, sum(cast(s.packets as double)) as packets, sum(cast(s.octets as double)) as octets,
    sum(cast(s.sampled_packets as double)) as sampled_packets,
    sum(cast(s.answered_packets as double)) as answered_packets
  from forced f join short s on s.line = f.line and s.block_start_ms = f.block_start_ms and s.port = f.port
  group by f.line, f.block_start_ms
), named as (
  select line, block_start_ms, arg_max(port, likely_connections * 65536 + port) as main_port,
    arg_max(enough_10min, likely_connections * 65536 + port) as enough_10min,
    arg_max(enough_60min, likely_connections * 65536 + port) as enough_60min,
    sum(cast(likely_connections as double)) as connections, sum(cast(targets as double)) as targets,
    max(an_address) as connections_an_address
  from forced group by line, block_start_ms
), guess as (
  select w.line, w.window_start_ms, w.login_packets * s.packets / a.packets as packets,
    s.octets / s.packets as mean_octets, w.sampled_packets / w.packets as sampled_share,
    w.packets_var / w.packets as var_share, n.main_port, n.connections, n.targets, n.connections_an_address,
    s.answered_packets / s.packets as answered_share, s.sampled_packets as block_sampled_packets, p.two_way,
    n.enough_10min as opens_connections_10min, n.enough_60min as opens_connections_60min,
    p.any_10min as opens_any_10min, p.packets_most as opens_packets_most
  from line_window w
    join named n on n.line = w.line and n.block_start_ms = w.window_start_ms // 600000 * 600000
    join part s on s.line = n.line and s.block_start_ms = n.block_start_ms
    join whole a on a.line = n.line and a.block_start_ms = n.block_start_ms
    join params p on p.line = w.line
  where w.side = 0 and w.login_packets > 0
)
select line, window_start_ms, 1 as opens, packets, packets * mean_octets as octets,
  packets * sampled_share as sampled_packets, packets * var_share as packets_var,
  packets * var_share * mean_octets * mean_octets as octets_var,
  main_port, connections, targets, connections_an_address, answered_share, two_way, block_sampled_packets,
  opens_connections_10min, opens_connections_60min, opens_any_10min, opens_packets_most
from guess"""

TARGETS = f"""{_FORCED}
select line, block_start_ms, {NETWORK_WORDS}, port, 6 as protocol, packets, targets
from (
  select s.line, s.block_start_ms, {NETWORK} as network, s.port, sum(cast(s.packets as double)) as packets,
    max(f.targets) as targets
  from short s join forced f on f.line = s.line and f.block_start_ms = s.block_start_ms and f.port = s.port
  group by s.line, s.block_start_ms, {NETWORK}, s.port
) n"""


def explain(row: Mapping[str, float], lang: Language) -> str:
    """One sentence about the highest window."""
    connections, port, targets = row["connections"], row["main_port"], max(row["targets"], 1)
    if lang == "ja":
        return (
            f"ログインを受け付けるサービス (主に TCP ポート {port:.0f}) への短い接続が、"
            f"10 分間に約 {connections:,.0f} 回、{targets:,.0f} 個の宛先アドレスに対して繰り返されています。"
        )
    to = f"{targets:,.0f} addresses" if targets > 1 else "one address"
    return (
        f"About {connections:,.0f} short connections in ten minutes to login services of {to}, "
        f"mostly on TCP port {port:.0f}."
    )


def quiet(row: Mapping[str, float], lang: Language) -> str:
    """What would have kept it quiet."""
    block, hour = figure(row["opens_connections_10min"]), figure(row["opens_connections_60min"])
    every, packets = figure(row["opens_any_10min"]), figure(row["opens_packets_most"])
    few = Clause(
        ja=f"接続が 1 アドレスあたり 10 分間に {block} 回、1 時間に {hour} 回、全体で 10 分間に {every} 回を"
        "いずれも下回って",
        en=f"below {block} connections an address in ten minutes, {hour} in an hour, "
        f"and {every} to all addresses in ten minutes",
    )
    long = Clause(
        ja=f"1 接続あたり平均 {packets} パケットを超えて",
        en=f"with more than {packets} packets a connection on average",
    )
    return sentence(lang, few, long)


DETECTOR = Detector(
    name="brute_force",
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
