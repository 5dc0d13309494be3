"""C2 contact: a line keeps in touch with an address that a feed calls a controller of malware, or its sinkhole.

Why it matters: a bot that waits for orders sends next to nothing; its regular contact is all that shows, days before
the first flood. Against a sinkhole, which researchers put in a controller's place, it shows an infection that nobody
steers any more.

How it is told: a *contact* is a (target, port) of an indicator, with the port where the feed tells one, to which more
than the beginning of a connection was sent. Several packets over three minutes or more, within an hour, are repeated
contact; one that is over sooner is for a person to look at (``watch``). No rate is estimated here, so that few sampled
packets suffice: each of them went to that address. Off unless indicators are given (``--indicators``,
``[detect] indicators``).

Look-alikes that stay quiet: a scanner that hits the address among thousands (SYN alone, or UDP without an answer), a
line that is scanned from there (it sends RST, or answers a port of the asker's that never comes back), a line whose
open service is abused with that address as the forged asker. Shared hosting: where the feed tells a port, the port
must be the same; where it tells the address alone, every site on it is meant, and that is the feed's word. Content
networks and public resolvers are refused as indicators (``detect/indicators/refusal.py``). A peer-to-peer address on a
high port, with an indicator that tells none, is never more than ``watch``.

Source: contact intervals of public reports on Mirai, Mozi and Gafgyt: 60 s to some minutes.
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sekisho.detect.detector import GROUPS, NETWORK, NETWORK_WORDS, Detector, Language, threshold
from sekisho.detect.quiet import Clause, figure, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Thresholds, the same for every group: an address is a controller whoever talks to it."""

    contact_packets: float = threshold(
        3,
        "packets",
        "SYN, ACK and one more: a refused or unanswered attempt has fewer; sampled ones for repeated contact",
    )
    contact_s: float = threshold(
        180, "s", "SYN of one attempt are repeated for 63 s, and servers close a connection idle for 120 s"
    )
    began_share: float = threshold(
        0.8, "of packets", "of a connection that came about, SYN and RST alone are at most every second packet"
    )
    high_port: float = threshold(
        32768, "port", "from here on the port may be the asker's own; an indicator that tells it is not in doubt"
    )
    connections: float = threshold(
        2, "connections", "asked for by the line to the same high port: an asker's own port does not come back"
    )


PARAMS = dict.fromkeys(GROUPS, Params())
KINDS = ("c2_contact",)
SCREEN = "udp_packets + tcp_packets > 0"
"""A bot's line sends a few octets a minute: nothing in a window tells it apart."""

_LISTED = f"""i.network = {NETWORK}
    and t.target_hi between i.hi_first and i.hi_last and t.target_lo between i.lo_first and i.lo_last
    and (i.port = 0 or i.port = t.port) and (i.protocol = 0 or i.protocol = t.protocol)
    and t.last_ms >= i.valid_from_ms and t.first_ms < i.valid_until_ms"""
"""An indicator is no wider than a /24 or /48, so that one key finds those that may hold a target."""

SUSPECTS = f"""select distinct t.line from line_target t join indicators i on {_LISTED}
where t.protocol in (6, 17) and t.own_port = 0"""

_HOUR_MS = 3_000_000
"""Six blocks are an hour: five and the block itself."""

_PAIR = "line, target_hi, target_lo, port, protocol"
_HOUR = f"over (partition by {_PAIR} order by block_start_ms range between {_HOUR_MS} preceding and current row)"
_FOLLOWING = f"over (partition by {_PAIR} order by block_start_ms range between current row and {_HOUR_MS} following)"

_MET = f"""
with listed as (
  select t.*, i.indicator, i.port as known_port, i.sinkhole, i.label, i.source,
    row_number() over (partition by t.line, t.block_start_ms, t.target_hi, t.target_lo, t.port, t.protocol
      order by case when i.port > 0 then 0 else 1 end, i.indicator) as choice
  from line_target t join indicators i on {_LISTED}
  where t.protocol in (6, 17) and t.own_port = 0
), hour as (
  select *, sum(cast(packets as double)) {_HOUR} as hour_packets,
    sum(cast(syn_packets + reset_packets as double)) {_HOUR} as hour_began_packets,
    sum(cast(sampled_packets as double)) {_HOUR} as hour_sampled_packets,
    sum(cast(connections as double)) {_HOUR} as hour_connections,
    sum(cast(answered_packets as double)) {_HOUR} as hour_answered_packets,
    (max(last_ms) {_HOUR} - min(first_ms) {_HOUR}) / 1000e0 as hour_s
  from listed where choice = 1
), contact as (
  select h.*, p.two_way,
    case when h.known_port > 0 or h.port < p.high_port or h.hour_connections >= p.connections then 1 else 0
      end as asked,
    case when h.hour_s >= p.contact_s and h.hour_sampled_packets >= p.contact_packets then 1 else 0 end as repeated
  from hour h join params p on p.line = h.line
  where h.hour_packets >= p.contact_packets and (
    (h.protocol = 6 and h.hour_began_packets < p.began_share * h.hour_packets)
    or (h.protocol = 17 and (p.two_way = 0 or h.hour_answered_packets > 0)))
), met as (
  select *, max(asked * repeated) {_FOLLOWING} as acts
  from contact
  where known_port > 0 or asked * repeated = 1 or (asked + repeated > 0
    and (protocol = 17 or hour_connections > 0 or hour_packets > 1.5 * hour_sampled_packets))
)"""
"""Contacts by pair and block. Of an address alone, counted packet by packet, what is not repeated contact with a
service needs a connection that the line asked for: answers to forged SYN are none."""

CANDIDATES = f"""{_MET}, ranked as (
  select *, row_number() over (partition by line, block_start_ms
    order by acts desc, hour_sampled_packets desc, indicator, target_hi, target_lo, port, protocol) as place
  from met
), block as (
  select line, block_start_ms, max(acts) as acts, min(first_ms) as first_ms, max(last_ms) as last_ms,
    sum(cast(packets as double)) as packets, sum(cast(octets as double)) as octets,
    sum(cast(sampled_packets as double)) as sampled_packets
  from ranked group by line, block_start_ms
), spread as (
  select w.line, w.window_start_ms, b.acts, b.octets / b.packets as mean_octets,
    b.sampled_packets / b.packets as sampled_share, w.packets_var / w.packets as var_share,
    least(b.packets / count(*) over (partition by w.line, b.block_start_ms), w.packets) as packets, b.block_start_ms
  from line_window w join block b on b.line = w.line and b.block_start_ms = w.window_start_ms // 600000 * 600000
    and w.window_start_ms <= b.last_ms and w.window_start_ms + 10000 > b.first_ms
  where w.side = 0 and w.packets > 0
)
select s.line, s.window_start_ms, 1 as opens, s.acts, s.packets, s.packets * s.mean_octets as octets,
  s.packets * s.sampled_share as sampled_packets, s.packets * s.var_share as packets_var,
  s.packets * s.var_share * s.mean_octets * s.mean_octets as octets_var,
  r.hour_sampled_packets as contacts, r.hour_s as contact_s, r.port as main_port, r.known_port, r.sinkhole, r.two_way,
  r.label, r.source, p.contact_packets as opens_contact_packets, p.contact_s as opens_contact_s
from spread s join ranked r on r.line = s.line and r.block_start_ms = s.block_start_ms and r.place = 1
  join params p on p.line = s.line"""
"""A block's contacts are spread over the windows in which the line sent between the first and the last of them."""

TARGETS = f"""{_MET}, street as (
  select line, block_start_ms, {NETWORK} as network, target_lo, target_hi, port, protocol, packets from met
)
select line, block_start_ms, {NETWORK_WORDS}, port, protocol, sum(cast(packets as double)) as packets,
  count(distinct target_lo) as targets
from street group by line, block_start_ms, network, port, protocol"""


def explain(row: Mapping[str, Any], lang: Language) -> str:
    """One or two sentences about the highest window."""
    label, source, port = row["label"], row["source"], row["main_port"]
    packets, minutes = max(row["contacts"], 1), row["contact_s"] / 60
    if lang == "ja":
        told = f"「{label}」({source}) として報告されているアドレスのポート {port:.0f} へ"
        if row["sinkhole"]:
            told = f"「{label}」({source}) のシンクホール (調査機関が引き継いだアドレス) のポート {port:.0f} へ"
        return f"{told}、{minutes:,.0f} 分の間に {packets:,.0f} パケット (サンプル数) が送られています。"
    told = f'an address reported as "{label}" ({source})'
    if row["sinkhole"]:
        told = f'a sinkhole (an address that researchers took over) reported as "{label}" ({source})'
    return f"{packets:,.0f} sampled packets to port {port:.0f} of {told}, over {minutes:,.0f} minutes."


def quiet(row: Mapping[str, float], lang: Language) -> str:
    """What would have kept it quiet."""
    packets, s = figure(row["opens_contact_packets"]), figure(row["opens_contact_s"])
    few = Clause(
        ja=f"このアドレスへのパケットが 1 時間に {packets} 個を下回って",
        en=f"with fewer than {packets} packets to that address within an hour",
    )
    short = Clause(
        ja=f"{s} 秒未満の通信だけであれば、ケースにはなりません",
        en=f"contact of less than {s} seconds opens no case",
    )
    return sentence(lang, few, aside=short)


DETECTOR = Detector(
    name="c2_contact",
    kinds=KINDS,
    params=PARAMS,
    screen=SCREEN,
    suspects=SUSPECTS,
    candidates=CANDIDATES,
    targets=TARGETS,
    reach_ms=_HOUR_MS,
    gap_ms=3_600_000,
    explain=explain,
    quiet=quiet,
    inputs=("indicators",),
)
