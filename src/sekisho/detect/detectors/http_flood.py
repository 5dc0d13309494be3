"""HTTP flood: a line opens connection after connection to one web site, asks a little, and closes.

Why it matters: each request costs the site a page to compute; to the network it looks like many people at once. Devices
that flood this way hold a botnet's program, and the site's defence often blocks the whole address.

How it is told: connections a second to one /24 or /48, complete (SYN is a small part of the packets and, where
the exporter shows both ways, they are answered and not by RST) and short (few packets and octets sent in each). Any
port counts but those of mail and of logins, which are other kinds. Under sampling the connections seen are few; where
every sampled packet is of another flow, their number follows from the packets as well.

Look-alikes that stay quiet: a page of 100 hosts and a crawler (many networks), a program that polls an interface or
fetches updates (a connection now and then, or one that is kept), a monitoring host, BitTorrent, a Tor relay, a speed
test and uploads (few long connections), a SYN flood or a scan (SYN alone), a proxy for others (some tens a second to
one site), a school (its group's rate). Not told: requests over connections that are kept, and HTTP/3 (``udp_flood``).

Source: connections of browsers RFC 9112 section 9.4; sizes of TLS handshakes RFC 8446.
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.detect.detector import NETWORK, NETWORK_WORDS, Detector, Language, threshold
from sekisho.detect.quiet import Clause, below_rates, figure, sentence
from sekisho.detect.rates import SURE_CONNECTIONS, rated
from sekisho.schema.line_window import LOGIN_PORTS

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Thresholds; the numbers given are those of a home."""

    connections_10s: float = threshold(
        100, "connections/s", "six browsers that open a page of one site at once: 36 within a second"
    )
    connections_60s: float = threshold(50, "connections/s", "a scraper through a home's line stays below 20")
    sustain: float = threshold(0.3, "of the opening rate", "a site that slows down slows its flood")
    sampled: float = threshold(20, "sampled packets", "the rate of 20 is known to a factor of 1.6")
    connections_seen: float = threshold(
        3, "sampled connections", "long connections show one SYN in a thousand packets: three in 60 are none"
    )
    packets_most: float = threshold(
        40, "packets a connection", "TCP, TLS and a request send 8 to 15, a page of 100 kB takes 35 acknowledgements"
    )
    octets_most: float = threshold(8000, "octets a connection", "handshake, cookies and request have 3,000")
    syn_share: float = threshold(0.4, "of all packets", "from there on it is a flood of SYN")
    answered: float = threshold(0.2, "answers a packet", "a server acknowledges every second packet at least")
    refused: float = threshold(0.5, "of the answers", "a server that refuses with RST serves no request")
    separate: float = threshold(0.8, "flows a sampled packet", "parallel downloads show several packets of a flow")


PARAMS = {
    "home": Params(),
    "business": Params(connections_10s=300, connections_60s=200),
    "building": Params(connections_10s=600, connections_60s=400),
    "reseller": Params(connections_10s=2000, connections_60s=1500),
    "server": Params(connections_10s=1000, connections_60s=600),
}
KINDS = ("http_flood",)
SCREEN = "tcp_packets >= 30 * {connections_60s}"
"""Six packets a connection, and half of the rate leaves room for what is counted elsewhere."""

_NOT_WEB = (25, *LOGIN_PORTS)

PAIRS = ("protocol = 6",)
SUSPECTS = f"""select line from line_target where protocol = 6 and port not in {_NOT_WEB}
group by line, block_start_ms, {NETWORK}
having sum(cast(connections as double)) >= {{connections_10s}}
  and sum(cast(connections as double)) * {{packets_most}} >= sum(cast(packets as double))
  and sum(cast(packets as double)) >= 30 * {{connections_10s}}
  and sum(cast(sampled_packets as double)) >= {{sampled}}"""
"""Short connections to one network, and as many packets as ten seconds at the rate have at least."""

_DOOR = f"case when port in {_NOT_WEB} then port else 0 end"
"""A site has more ports than one, and a flood takes turns at them."""

_FLOODED = f"""
with door as (
  select line, block_start_ms, {NETWORK} as network, {_DOOR} as door, arg_max(port, packets * 65536 + port) as port,
    greatest(count(distinct target_lo), count(distinct target_hi)) as targets,
    sum(cast(packets as double)) as packets, sum(cast(octets as double)) as octets,
    sum(cast(records as double)) as records, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(syn_packets as double)) as syn_packets, sum(cast(connections as double)) as connections,
    sum(cast(answered_packets as double)) as answered_packets,
    sum(cast(answered_reset_packets as double)) as refused_packets, min(first_ms) as first_ms, max(last_ms) as last_ms
  from line_target where protocol = 6 group by line, block_start_ms, {NETWORK}, {_DOOR}
), estimated as (
  select d.*, d.connections * d.sampled_packets / d.packets as connections_seen,
    {SURE_CONNECTIONS.format("d")} as likely_connections
  from door d join params p on p.line = d.line
  where d.packets > 0
), marked as (
  select e.*, p.two_way, case when e.door = 0 and e.sampled_packets >= p.sampled
      and e.connections_seen >= p.connections_seen and e.packets <= p.packets_most * e.connections
      and e.syn_packets <= p.syn_share * e.packets and e.octets <= p.octets_most * e.likely_connections
      and (p.two_way = 0 or (e.answered_packets >= p.answered * e.packets
        and e.refused_packets <= p.refused * e.answered_packets))
      and e.likely_connections >= 10 * p.connections_10s
      and e.likely_connections * 1000.0 >= p.sustain * p.connections_60s * (e.last_ms - e.first_ms) then 1
    else 0 end as flooded
  from estimated e join params p on p.line = e.line
)"""

CANDIDATES = f"""{_FLOODED}, evidence as (
  select line, block_start_ms, sum(cast(targets as double)) as targets, sum(cast(packets as double)) as packets,
    sum(cast(octets as double)) as octets, sum(cast(sampled_packets as double)) as block_sampled_packets,
    sum(cast(likely_connections as double)) as connections, sum(cast(answered_packets as double)) as answered_packets,
    arg_max(port, packets * 65536 + port) as main_port,
    greatest(max(last_ms) - min(first_ms), 10000) as lasted_ms
  from marked where flooded = 1 group by line, block_start_ms
), paired as (
  select line, block_start_ms, sum(cast(packets as double)) as packets from marked group by line, block_start_ms
), counted as (
  select line, window_start_ms // 600000 * 600000 as block_start_ms, sum(cast(tcp_packets as double)) as packets
  from line_window where side = 0 group by line, window_start_ms // 600000 * 600000
), spread as (
  select w.line, w.window_start_ms, m.flooded,
    m.packets * (least(m.last_ms + 1, w.window_start_ms + 10000) - greatest(m.first_ms, w.window_start_ms))
      / (m.last_ms + 1 - m.first_ms) as packets
  from line_window w join marked m on m.line = w.line
    and m.first_ms < w.window_start_ms + 10000 and m.last_ms >= w.window_start_ms
    and m.block_start_ms = w.window_start_ms // 600000 * 600000
  where w.side = 0
), share as (
  select line, window_start_ms, sum(cast(case when flooded = 1 then packets else 0 end as double))
    / sum(cast(packets as double)) as share
  from spread group by line, window_start_ms
), flood as (
  select w.line, w.window_start_ms, e.targets, e.main_port, e.block_sampled_packets, p.two_way, p.sustain,
    p.connections_10s as opens_connections_10s, p.connections_60s as opens_connections_60s,
    p.packets_most as opens_packets_most,
    10 * p.connections_10s * e.packets / e.connections as enough_10s,
    60 * p.connections_60s * e.packets / e.connections as enough_60s, e.lasted_ms,
    e.answered_packets / e.packets as answered_share, e.packets / e.connections as packets_a_connection,
    e.octets / e.packets as mean_octets, w.sampled_packets / w.packets as sampled_share,
    w.packets_var / w.packets as var_share,
    w.tcp_packets * s.share * least(a.packets / greatest(c.packets, 1e-9), 1) as packets
  from line_window w
    join evidence e on e.line = w.line and e.block_start_ms = w.window_start_ms // 600000 * 600000
    join share s on s.line = w.line and s.window_start_ms = w.window_start_ms
    join paired a on a.line = e.line and a.block_start_ms = e.block_start_ms
    join counted c on c.line = e.line and c.block_start_ms = e.block_start_ms
    join params p on p.line = w.line
  where w.side = 0 and w.tcp_packets > 0
), metered as (
  select *, packets * var_share as packets_var from flood
), rated as (
  {rated("metered")}
)
select line, window_start_ms, case when sure_rate >= 1 then 1 else 0 end as opens,
  packets, packets * mean_octets as octets, packets * sampled_share as sampled_packets,
  packets_var, packets_var * mean_octets * mean_octets as octets_var,
  targets, packets / packets_a_connection as connections, packets_a_connection, main_port, answered_share, two_way,
  block_sampled_packets, opens_connections_10s, opens_connections_60s, opens_packets_most
from rated where rate >= sustain"""

TARGETS = f"""{_FLOODED}
select line, block_start_ms, {NETWORK_WORDS}, port, 6 as protocol, packets, targets
from marked where flooded = 1"""


def explain(row: Mapping[str, float], lang: Language) -> str:
    """One sentence about the highest window."""
    per_s, port, targets = row["connections"] / 10, row["main_port"], max(row["targets"], 1)
    packets = row["packets_a_connection"]
    if lang == "ja":
        return (
            f"短い TCP 接続 (平均 {packets:,.0f} パケット) が毎秒約 {per_s:,.0f} 回、"
            f"{targets:,.0f} 個の宛先アドレスのポート {port:.0f} に対して繰り返されています。"
        )
    to = f"{targets:,.0f} addresses" if targets > 1 else "one address"
    return (
        f"About {per_s:,.0f} short TCP connections a second to port {port:.0f} of {to}, "
        f"each of {packets:,.0f} packets on average."
    )


def quiet(row: Mapping[str, float], lang: Language) -> str:
    """What would have kept it quiet."""
    packets = figure(row["opens_packets_most"])
    long = Clause(
        ja=f"1 接続あたり平均 {packets} パケットを超えて",
        en=f"with more than {packets} packets a connection on average",
    )
    few = below_rates(
        row["opens_connections_10s"], row["opens_connections_60s"], of="接続が ", ja="回", en="connections"
    )
    return sentence(lang, few, long)


DETECTOR = Detector(
    name="http_flood",
    kinds=KINDS,
    params=PARAMS,
    screen=SCREEN,
    suspects=SUSPECTS,
    pairs=PAIRS,
    candidates=CANDIDATES,
    targets=TARGETS,
    reach_ms=0,
    gap_ms=900_000,
    explain=explain,
    quiet=quiet,
)
