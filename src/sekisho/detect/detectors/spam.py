"""Spam: a line that is no mail server hands mail to mail servers all over the Internet, or tries to.

Why it matters: mail from an infected PC or device carries fraud and malware, and the provider's address space ends on
block lists, so that other subscribers' mail is refused. Many networks block port 25 from dynamic addresses (OP25B);
then the attempts are all there is to see, and they tell as much about the line.

How it is told: by the number of distinct addresses that were approached on TCP port 25, in ten minutes and in sixty;
whether they answered does not matter. Sampling hides most of them: where most sampled packets name an address of their
own, how many there are at least follows from how often two packets met at one (the birthday problem).

Look-alikes that stay quiet: a device that mails its alarms through the provider's relay (one or two addresses), a small
mail server with its dozen domains an hour, and a business's mailing list (the group's numbers); mail programs use ports
465 and 587. A business that sends spam as slowly as it sends mail is not told from one that sends mail.

Source: MAAWG, "Managing Port 25 for Residential or Dynamic IP Space"; RFC 6409 on submission by port 587; the estimate
of unseen addresses is that of capture and recapture (Schnabel, 1938).
"""

# ruff: noqa: S608 - statements are composed of this project's own constants, never of input

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.detect.detector import NETWORK, NETWORK_WORDS, Detector, Language, threshold
from sekisho.detect.quiet import Clause, figure, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Thresholds; the numbers given are those of a home."""

    targets_10min: float = threshold(50, "addresses", "a family's mail server reaches 30 domains with one round letter")
    targets_60min: float = threshold(150, "addresses", "the same server on its busiest hour, with repetitions")
    sampled: float = threshold(20, "sampled packets", "of 20 packets to 30 addresses five meet")
    distinct: float = threshold(0.6, "addresses a sampled packet", "below it two thirds of all addresses were seen")
    deviations: float = threshold(
        1.5, "standard deviations", "that fewer packets met by chance than are taken to have met"
    )


PARAMS = {
    "home": Params(),
    "business": Params(targets_10min=300, targets_60min=1500),
    "building": Params(targets_10min=200, targets_60min=600),
    "reseller": Params(targets_10min=800, targets_60min=3000),
    "server": Params(targets_10min=900, targets_60min=4000),
}
KINDS = ("spam",)
SCREEN = "mail_packets > 0"
"""Nearly no line sends anything to port 25."""

PAIRS = ("protocol = 6 and port = 25",)
SUSPECTS = """select line from line_target where protocol = 6 and port = 25
group by line having count(*) >= least({targets_10min}, {sampled} * {distinct})"""
"""Fewer addresses than these are never many, however they are estimated."""

_HOUR_MS = 3_000_000
"""Six blocks are an hour: five and the block itself."""

_MAILED = f"""
with mailed as (
  select line, block_start_ms, target_hi, target_lo, packets, sampled_packets, answered_packets
  from line_target where protocol = 6 and port = 25
), block as (
  select line, block_start_ms, count(*) as seen, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(packets as double)) as packets, sum(cast(answered_packets as double)) as answered_packets
  from mailed group by line, block_start_ms
), address as (
  select b.line, b.block_start_ms, m.target_hi, m.target_lo, sum(cast(m.packets as double)) as packets,
    sum(cast(m.sampled_packets as double)) as sampled_packets
  from block b join mailed m on m.line = b.line
    and m.block_start_ms between b.block_start_ms - {_HOUR_MS} and b.block_start_ms
  group by b.line, b.block_start_ms, m.target_hi, m.target_lo
), hour as (
  select line, block_start_ms, count(*) as seen, sum(cast(sampled_packets as double)) as sampled_packets,
    sum(cast(packets as double)) as packets
  from address group by line, block_start_ms
), judged as (
  select b.*, case when {{block}} >= p.targets_10min then 1 else 0 end as in_block,
    case when {{hour}} >= p.targets_60min then 1 else 0 end as in_hour, {{block}} as likely_targets
  from block b
    join hour h on h.line = b.line and h.block_start_ms = b.block_start_ms
    join params p on p.line = b.line
), flagged as (
  select *, max(in_hour) over (partition by line
    order by block_start_ms range between current row and {_HOUR_MS} following) as within_hour
  from judged
), sent as (
  select * from flagged where in_block = 1 or within_hour = 1
)"""


def _likely(seen: str) -> str:
    """Addresses approached, as far as the packets of one period tell: those seen, or more where sampling hid them.

    Of s packets to n addresses s - n (1 - exp(-s/n)) met another; with r the share that met, s/n is
    2 r + 4/3 r² + 10/9 r³ + …
    """
    met = f"greatest({seen}.sampled_packets - {seen}.seen, 0)"
    share = f"(({met} + p.deviations * sqrt({met} + 1) + 1) / {seen}.sampled_packets)"
    return f"""case when {seen}.packets >= 1.5 * {seen}.sampled_packets and {seen}.sampled_packets >= p.sampled
      and {seen}.seen >= p.distinct * {seen}.sampled_packets
    then greatest({seen}.seen,
      {seen}.sampled_packets / ({share} * (2 + {share} * (4e0 / 3 + {share} * 10e0 / 9))))
    else {seen}.seen end"""


_SENT = _MAILED.format(block=_likely("b"), hour=_likely("h"))

CANDIDATES = f"""{_SENT}
select s.line, w.window_start_ms, 1 as opens, w.mail_packets as packets,
  w.tcp_octets / w.tcp_packets * w.mail_packets as octets,
  w.sampled_packets * w.mail_packets / w.packets as sampled_packets,
  w.packets_var * w.mail_packets / w.packets as packets_var,
  w.packets_var * w.mail_packets / w.packets * (w.tcp_octets / w.tcp_packets) * (w.tcp_octets / w.tcp_packets)
    as octets_var,
  s.seen as targets, s.likely_targets, s.answered_packets / s.packets as answered_share, p.two_way,
  s.sampled_packets as block_sampled_packets,
  p.targets_10min as opens_targets_10min, p.targets_60min as opens_targets_60min
from line_window w
  join sent s on s.line = w.line and s.block_start_ms = w.window_start_ms // 600000 * 600000
  join params p on p.line = w.line
where w.side = 0 and w.mail_packets > 0"""

TARGETS = f"""{_SENT}
select line, block_start_ms, {NETWORK_WORDS}, 25 as port, 6 as protocol, packets, targets
from (
  select m.line, m.block_start_ms, {NETWORK} as network, sum(cast(m.packets as double)) as packets,
    max(s.seen) as targets
  from mailed m join sent s on s.line = m.line and s.block_start_ms = m.block_start_ms
  group by m.line, m.block_start_ms, {NETWORK}
) n"""


def explain(row: Mapping[str, float], lang: Language) -> str:
    """One sentence about the highest window."""
    targets, blocked = max(row["targets"], 1), row["two_way"] == 1 and row["answered_share"] < 0.01
    if lang == "ja":
        end = (
            "試みられ、応答はほとんどありません (ポート 25 が遮断されている可能性があります)"
            if blocked
            else "試みられています"
        )
        return f"10 分間に {targets:,.0f} 個以上のメールサーバーのアドレスへ、TCP ポート 25 での接続が{end}。"
    end = "; hardly any answered (port 25 may be blocked)" if blocked else ""
    return f"Connections on TCP port 25 to at least {targets:,.0f} addresses of mail servers in ten minutes{end}."


def quiet(row: Mapping[str, float], lang: Language) -> str:
    """What would have kept it quiet."""
    block, hour = figure(row["opens_targets_10min"]), figure(row["opens_targets_60min"])
    few = Clause(
        ja=f"メールサーバーのアドレスが 10 分間に {block} 個、1 時間に {hour} 個をいずれも下回って",
        en=f"with fewer than {block} addresses of mail servers in ten minutes and {hour} in an hour",
    )
    return sentence(lang, few)


DETECTOR = Detector(
    name="spam",
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
