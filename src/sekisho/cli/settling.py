"""Whose line it was, asked anew of everything that the configuration knows, for people who approve."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

from sekisho.attribution.keys import UNKEYED, line_keys, read_key_file
from sekisho.attribution.outcome import Attributed, Unattributed
from sekisho.cases.settling import Answer, NotSettled, OtherLine, SameLine
from sekisho.core.reasons import UnattributedReason

if TYPE_CHECKING:
    from sekisho.attribution.attributor import Attributor
    from sekisho.cases.model import Evidence
    from sekisho.cases.settling import Resolve
    from sekisho.core.config import Config


def resolver(config: Config) -> Resolve:
    """Reads lines, MAP-E rules and the history of sessions once; answers for any number of cases."""
    from sekisho.pipeline.batch import load_attributor

    attributor = load_attributor(config, (), None, lambda *_: None)
    attributor.start()
    key = read_key_file(config.privacy.key_file) if config.privacy.key_file is not None else UNKEYED

    def resolve(line_id: str, evidence: Evidence) -> Answer:
        return _whose(attributor, int(line_keys([line_id], key)[0]), line_id, evidence)

    return resolve


def _whose(attributor: Attributor, line: int, line_id: str, evidence: Evidence) -> Answer:
    if not evidence.source:
        return NotSettled(why="the evidence names no address that could be asked about")
    source = ip_network(evidence.source)
    for at_ms in (evidence.first_seen_ms, evidence.last_seen_ms - 1):
        held = attributor.prefixes_of(line, at_ms=at_ms)
        if not any(prefix.version == source.version and source.subnet_of(prefix) for prefix in held):  # type: ignore[arg-type]
            return OtherLine(why=UnattributedReason.NO_ASSIGNMENT.label)
    found = attributor.resolve(
        realm="", address=source.network_address, port=0, protocol=0, start_ms=evidence.first_seen_ms,
        end_ms=evidence.last_seen_ms,
    )  # fmt: skip
    match found:
        case Attributed(certainty="inferred"):
            return NotSettled(why="who held the address is known by inference only")
        case Attributed():
            return SameLine() if found.line_id == line_id else OtherLine(why="another line held the address")
        case Unattributed(reason=UnattributedReason.NEEDS_PORT):
            # A shared address: the line held a part of it all the time, and the ports were asked when it was seen.
            return SameLine()
        case Unattributed():
            return OtherLine(why=found.reason.label)
