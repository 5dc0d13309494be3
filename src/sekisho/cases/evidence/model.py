"""One thing that a third party says about one address at one time, and whose line that was."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sekisho.attribution.outcome import Attributed, Unattributed
from sekisho.attribution.partner import Question, partner_of, with_partners
from sekisho.core.reasons import UnattributedReason
from sekisho.core.time import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sekisho.attribution.attributor import Attributor
    from sekisho.attribution.partner import Partner
    from sekisho.cases.evidence.categories import Category
    from sekisho.core.address import IPAddress
    from sekisho.core.reasons import ReportReason

TCP = 6
PROTOCOLS = {"icmp": 1, "tcp": TCP, "udp": 17, "gre": 47, "icmp6": 58, "ipv6-icmp": 58, "sctp": 132}
"""Names in reports -> IANA number."""

MAX_SAYS = 300
"""Characters of the reporter's words that are kept: enough for a person to see what it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a report, before anybody looks whose address it is.

    Attributes:
        source: who reports, as an operator reads it.
        port: the port on the side of the address; 0 where the report names none.
        protocol: IANA number, None where the report names none.
        says: the reporter's own words.
    """

    source: str
    category: Category
    observed_at_ms: int
    address: IPAddress
    port: int
    protocol: int | None
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedEvidence:
    """An entry and its line, or the reason why it has none."""

    entry: Entry
    line: Attributed | Unattributed

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        entry, line = self.entry, self.line
        return {
            "source": entry.source,
            "category": entry.category.value,
            "kinds": list(entry.category.kinds),
            "measures": [measure.value for measure in entry.category.measures],
            "observed_at": iso(entry.observed_at_ms),
            "address": str(entry.address),
            "port": entry.port,
            "protocol": entry.protocol,
            "says": entry.says,
            "line_id": line.line_id if isinstance(line, Attributed) else None,
            "certainty": line.certainty if isinstance(line, Attributed) else None,
            "unattributed": line.reason.label if isinstance(line, Unattributed) else None,
        }


@dataclass(slots=True)
class Parsed:
    """What was read of one file: its entries, and what was left out of it, by reason."""

    entries: list[Entry] = field(default_factory=list)
    dropped: Counter[ReportReason] = field(default_factory=Counter)

    def add(self, read: Entry | ReportReason) -> None:
        """Take an entry, or count why there is none."""
        if isinstance(read, Entry):
            self.entries.append(read)
        else:
            self.dropped[read] += 1


def attribute(
    entries: Iterable[Entry], attributor: Attributor, *, realm: str = "", partners: Sequence[Partner] = ()
) -> Iterator[ReportedEvidence]:
    """Each entry with the line that held its address and port at its time."""
    for entry in entries:
        # A port without its protocol is a TCP or a UDP port; which of the two makes no difference to who held it.
        protocol = TCP if entry.protocol is None else entry.protocol
        line = attributor.resolve(
            realm=realm,
            address=entry.address,
            port=entry.port,
            protocol=protocol,
            start_ms=entry.observed_at_ms,
            end_ms=entry.observed_at_ms,
        )
        yield ReportedEvidence(entry=entry, line=with_partners(line, entry.address, partners))


def questions_of(evidence: Iterable[ReportedEvidence], partners: Sequence[Partner]) -> Iterator[Question]:
    """What the partners are to be asked, for the entries that only they can tie to a line."""
    for reported in evidence:
        entry, line = reported.entry, reported.line
        if isinstance(line, Attributed) or line.reason is not UnattributedReason.HELD_BY_PARTNER:
            continue
        partner = partner_of(entry.address, partners)
        assert partner is not None, "the reason comes from a partner"
        yield Question(
            partner=partner.name,
            address=entry.address,
            port=entry.port,
            protocol=TCP if entry.protocol is None else entry.protocol,
            at_ms=entry.observed_at_ms,
        )


def shortened(*words: str | None) -> str:
    """The words that are there, in one line, at most ``MAX_SAYS`` characters."""
    text = " ".join(" ".join(word.split()) for word in words if word)
    printable = "".join(character for character in text if character.isprintable())
    return printable if len(printable) <= MAX_SAYS else f"{printable[: MAX_SAYS - 1]}…"
