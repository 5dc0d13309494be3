"""Whose line it was, asked anew of everything that the configuration knows, for people who approve.

Evidence holds all that the line had seemed to hold, with realm and port, and every part of it must be the line's: any
of it may be what was seen. Of earlier evidence an address is all that is known. Where realm or port decide, the answer
is then that nobody can say: a wrong line is worse than no notice.
"""

from __future__ import annotations

import threading
import time
from ipaddress import ip_network
from typing import TYPE_CHECKING

from sekisho.attribution.history.settling import NotYet, Settled
from sekisho.attribution.keys import UNKEYED, line_keys, read_key_file
from sekisho.attribution.outcome import Attributed
from sekisho.cases.settling import Answer, NotSettled, OtherLine, SameLine, worst
from sekisho.core.reasons import UnattributedReason
from sekisho.core.time import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.attribution.attributor import Attributor
    from sekisho.attribution.outcome import Unattributed
    from sekisho.cases.model import Evidence
    from sekisho.cases.settling import Resolve
    from sekisho.core.address import IPAddress, IPNetwork
    from sekisho.core.config import Config

    Ask = Callable[[IPAddress, Evidence], Attributed | Unattributed | NotYet]


FRESH_S = 60.0
"""For how long the sources are not read again: whatever they lack by then is not settled yet, and somebody who approves
twenty notices in a row waits once."""


class FreshResolver:
    """Answers from sources that were read a minute ago at most.

    To be asked for before the case database is taken: reading may take a while, and everybody else would wait.

    Args:
        config: names the sources.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._resolve: Resolve | None = None
        self._read_s = 0.0
        self._reading = threading.Lock()

    def __call__(self) -> Resolve:
        """What answers.

        Raises:
            InputError: a source cannot be used.
        """
        with self._reading:
            if self._resolve is None or time.monotonic() - self._read_s >= FRESH_S:
                # What it held goes first: it may be large.
                self._resolve = None
                self._resolve = resolver(self._config)
                self._read_s = time.monotonic()
            return self._resolve


def resolver(config: Config) -> Resolve:
    """Reads lines, MAP-E rules and the history of sessions once; answers for any number of cases.

    Lists of assignments are the operator's word for all times. Sources that go on telling must have told enough. Where
    the configuration names no source at all, as on a host that only answers people, nothing can be said of any line.
    """
    if not _has_sources(config):
        return _without_sources
    from sekisho.pipeline.batch import attribution_of

    with attribution_of(config) as (attributor, history):
        attributor.start()
        margin_ms, settle_ms = (
            round(seconds * 1000) for seconds in (config.attribution.clock_margin_s, config.attribution.settle_s)
        )
        settled = Settled(attributor, history, clock_margin_ms=margin_ms, settle_ms=settle_ms)
        asked = settled.resolve if history.feeds else attributor.resolve
        not_yet = settled.not_yet if history.feeds else lambda _: None
    key = read_key_file(config.privacy.key_file) if config.privacy.key_file is not None else UNKEYED

    def ask(address: IPAddress, evidence: Evidence) -> Attributed | Unattributed | NotYet:
        return asked(
            realm="",
            address=address,
            port=0,
            protocol=0,
            start_ms=evidence.first_seen_ms,
            end_ms=evidence.last_seen_ms,
        )

    def resolve(line_id: str, evidence: Evidence) -> Answer:
        if evidence.held:
            return _of_holds(attributor, not_yet, line_id, evidence)
        return _whose(attributor, ask, int(line_keys([line_id], key)[0]), line_id, evidence)

    return resolve


def _has_sources(config: Config) -> bool:
    files = config.files
    lists = (files.lines, files.map_e, files.radius, files.kea, files.cgnat, files.lw4o6, files.ipoe)
    return any(lists) or config.attribution.history is not None or bool(config.attribution.deterministic_nat)


def _without_sources(line_id: str, evidence: Evidence) -> Answer:
    del line_id, evidence
    return NotSettled(why="the configuration of this host names no source that tells who held what")


def _whose(attributor: Attributor, ask: Ask, line: int, line_id: str, evidence: Evidence) -> Answer:
    if not evidence.source:
        return NotSettled(why="the evidence names no address that could be asked about")
    source = ip_network(evidence.source)
    found = ask(source.network_address, evidence)
    if isinstance(found, NotYet):
        return NotSettled(why=found.why)
    if isinstance(found, Attributed):
        return _of_line(found, line_id)
    match found.reason:
        case UnattributedReason.NEEDS_PORT:
            return _shared(attributor, ask, line, line_id, source, evidence)
        case UnattributedReason.REALM_UNKNOWN:
            return NotSettled(why="the address is used in several realms, and the evidence names none")
        case reason:
            return OtherLine(why=reason.label)


def _of_holds(
    attributor: Attributor, not_yet: Callable[[int], NotYet | None], line_id: str, evidence: Evidence
) -> Answer:
    """Whose all was that the line had seemed to hold, each for its time; when nobody did, nobody else did.

    A line that came back on another address held both, one after the other: that is no change of line.
    """
    answers: list[Answer] = []
    for hold in evidence.held:
        start_ms = parse_time(hold["from"]) if "from" in hold else evidence.first_seen_ms
        end_ms = parse_time(hold["to"]) if "to" in hold else evidence.last_seen_ms
        if (early := not_yet(end_ms)) is not None:
            answers.append(NotSettled(why=early.why))
            continue
        holders = attributor.holders(
            realm=hold["realm"],
            address=ip_network(hold["prefix"]).network_address,
            port=hold["port"],
            start_ms=start_ms,
            end_ms=end_ms,
        )
        answers += [_of_holder(found, line_id) for found in holders if not _is_nobody(found)]
    return worst(answers) if answers else OtherLine(why=UnattributedReason.NO_ASSIGNMENT.label)


def _is_nobody(found: Attributed | Unattributed) -> bool:
    return not isinstance(found, Attributed) and found.reason is UnattributedReason.NO_ASSIGNMENT


def _of_holder(found: Attributed | Unattributed, line_id: str) -> Answer:
    if isinstance(found, Attributed):
        return _of_line(found, line_id)
    if found.reason in {UnattributedReason.REALM_UNKNOWN, UnattributedReason.NEEDS_PORT}:
        return NotSettled(why=f"{found.explanation}, and the evidence does not tell")
    return OtherLine(why=found.reason.label)


def _of_line(found: Attributed, line_id: str) -> Answer:
    if found.certainty == "inferred":
        return NotSettled(why="who held the address is known by inference only")
    return SameLine() if found.line_id == line_id else OtherLine(why="another line held the address")


def _shared(attributor: Attributor, ask: Ask, line: int, line_id: str, source: IPNetwork, evidence: Evidence) -> Answer:
    """With MAP-E the line's ports follow from its own prefix; with a translator's log they do not."""
    ends = evidence.first_seen_ms, evidence.last_seen_ms - 1
    behind = [set(attributor.prefixes_behind(line, source, at_ms=at_ms)) for at_ms in ends]
    for prefix in sorted(behind[0] & behind[1], key=str):
        found = ask(prefix.network_address, evidence)
        if isinstance(found, Attributed):
            return _of_line(found, line_id)
    if not all(_has_part(attributor, line, source, at_ms) for at_ms in ends):
        return OtherLine(why=UnattributedReason.NO_ASSIGNMENT.label)
    return NotSettled(why="the address was shared, and the evidence holds no ports")


def _has_part(attributor: Attributor, line: int, source: IPNetwork, at_ms: int) -> bool:
    held = attributor.prefixes_of(line, at_ms=at_ms)
    return any(prefix.version == source.version and source.subnet_of(prefix) for prefix in held)  # type: ignore[arg-type]
