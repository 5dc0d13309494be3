"""A simulated network that loses Stops, repeats and delays records and restarts: no question gets the wrong line.

The reference is the truth itself (who really held the address) and, for the reason, the records written down one
after the other and asked instant by instant, in plain Python.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter
from ipaddress import IPv4Address, ip_network

import numpy as np
import pytest

from sekisho.attribution.attributor import Attributor
from sekisho.attribution.history.history import History
from sekisho.attribution.sources.events import Begin, Confirm, End, Held, Restarted
from sekisho.core.config import Network
from sekisho.core.reasons import UnattributedReason
from sekisho.schema.batch import FlowBatch

EPOCH_MS = 1_795_000_000_000
DAY_MS = 4_000_000
INTERIM_MS = 120_000
MARGIN_MS = 2000
REALMS = ("", "bng-1", "bng-2")
ADDRESSES = [f"100.64.0.{host}" for host in range(40)]


class Session:
    """What really happened, and which of its records were written."""

    def __init__(self, rng, name, realm, address, line, begin, end):
        self.name, self.realm, self.address, self.line, self.begin, self.end = name, realm, address, line, begin, end
        self.server = f"nas{int(IPv4Address(address)) % 3}{realm}"
        self.interims = [at for at in range(begin + INTERIM_MS, end, INTERIM_MS) if rng.random() < 0.9]
        self.start_lost, self.stop_lost = rng.random() < 0.05 and bool(self.interims), rng.random() < 0.15

    @property
    def known(self):
        """Instants at which a written record shows the session on, the first one first."""
        return [self.begin, *self.interims]

    def records(self):
        common = {"server": self.server, "session": self.name, "holder": self.line}
        held = (Held(prefix=ip_network(self.address), realm=self.realm),)
        if not self.start_lost:
            yield Begin(at_ms=self.begin, received_ms=self.begin, held=held, **common)
        for at in self.interims:
            yield Confirm(at_ms=at, received_ms=at, held=held, since_ms=self.begin, **common)
        if not self.stop_lost:
            yield End(at_ms=self.end, received_ms=self.end, held=held, since_ms=self.begin, **common)


def sessions(rng):
    """Each address in each realm goes from line to line; some lines come back at once, some gaps are long."""
    found = []
    for realm in REALMS:
        for address in ADDRESSES:
            at = EPOCH_MS + rng.randrange(0, 200_000)
            while at < EPOCH_MS + DAY_MS:
                end = at + rng.choice([5_000, 60_000, 300_000, 900_000])
                line = f"L{rng.randrange(900)}"
                found.append(Session(rng, f"s{len(found)}", realm, address, line, at, end))
                at = end + rng.choice([0, 1, 1_500, 10_000, 120_000])
    return found


def restarts(rng, servers):
    return [(server, EPOCH_MS + rng.randrange(DAY_MS)) for server in sorted(servers) for _ in range(2)]


def reference(of_address, restarted, at):
    """(line, inferred) pairs that the records allow at an instant; a set."""
    lines = set()
    for one in of_address:
        if at < one.begin:
            continue
        last = one.known[-1]
        if not one.stop_lost:
            if at < one.end:
                lines.add((one.line, False))
            continue
        later = [other.begin for other in of_address if other is not one and other.begin > last]
        if later:
            if at < min(later):
                lines.add((one.line, at >= last))
        else:
            since = [when for server, when in restarted if server == one.server and when > last]
            lines.add((one.line, bool(since) and at >= min(since)))
    return lines


def answer(of_address, edges, restarted, start, end):
    """A line with its certainty, or a reason, over a time with its margin."""
    start, end = start - MARGIN_MS, end + MARGIN_MS
    instants = [start, *edges[bisect_right(edges, start) : bisect_right(edges, end)]]
    states = [reference(of_address, restarted, at) for at in instants]
    named = [{line for line, _ in state} for state in states]
    first_change = next((n for n, lines in enumerate(named) if lines != named[0]), len(named))
    overlap = next((n for n, lines in enumerate(named) if len(lines) > 1), len(named))
    if overlap < len(named) and overlap <= first_change:
        return UnattributedReason.OVERLAP
    if first_change < len(named):
        return UnattributedReason.CLOCK_MARGIN
    if not named[0]:
        return UnattributedReason.NO_ASSIGNMENT
    certain = all((line, False) in state for state, lines in zip(states, named, strict=True) for line in lines)
    return next(iter(named[0])), not certain


def fed(rng, happened, restarted):
    """Late, repeated and out of order, in several polls."""
    records = [record for one in happened for record in one.records()]
    records += [Restarted(at_ms=at, received_ms=at, server=server) for server, at in restarted]
    records += rng.choices(records, k=len(records) // 5)
    rng.shuffle(records)
    history = History()
    for first in range(0, len(records), 5_000):
        history.apply("radius", records[first : first + 5_000])
    return history


def asked(seed, questions):
    """Ask the index and the reference the same; counts of answers."""
    rng = random.Random(seed)
    happened = sessions(rng)
    restarted = restarts(rng, {one.server for one in happened})
    with fed(rng, happened, restarted) as history:
        attributor = Attributor.load(
            lines=[],
            map_e=None,
            history=history.told(),
            network=Network(prefixes=["100.64.0.0/10"]),
            realms=REALMS,
        )
    attributor.start()
    groups, edges = {}, {}
    for one in happened:
        groups.setdefault((one.realm, one.address), []).append(one)
    for key, group in groups.items():
        times = {at for one in group for at in (*one.known, one.end)}
        times |= {at for server, at in restarted if server == group[0].server}
        edges[key] = sorted(times)
    counts = Counter()
    for _ in range(0, questions, 5_000):
        keys = rng.choices([key for key in groups if key[0]], k=5_000)
        starts = [rng.choice(edges[key]) + rng.choice([-2_001, -1, 0, 1, 2_000, rng.randrange(90_000)]) for key in keys]
        ends = [start + rng.choice([0, 1, 5_000, 60_000]) for start in starts]
        batch = FlowBatch(realms=list(REALMS))
        batch.length = 5_000
        batch.column("src_lo")[:] = [0xFFFF << 32 | int(IPv4Address(address)) for _, address in keys]
        batch.column("realm")[:] = [REALMS.index(realm) for realm, _ in keys]
        batch.column("protocol")[:], batch.column("src_port")[:] = 17, 5000
        batch.column("flow_start")[:], batch.column("flow_end")[:] = np.array(starts), np.array(ends)
        attributor.attribute(batch)
        for row, (key, start, end) in enumerate(zip(keys, starts, ends, strict=True)):
            line = int(batch.column("src_line")[row])
            found = (
                (attributor.line_id(line), bool(batch.column("src_inferred")[row]))
                if line
                else UnattributedReason(int(batch.column("src_unattributed")[row]))
            )
            expected = answer(groups[key], edges[key], restarted, start, end)
            assert found == expected, (key, start - EPOCH_MS, end - EPOCH_MS)
            if isinstance(found, tuple):
                inferred = found[1]
                really = {one.line for one in groups[key] if one.begin < end and one.end > start}
                assert inferred or really <= {found[0]}, "a certain answer must be the truth"
                counts["inferred" if inferred else "certain"] += 1
            else:
                counts[found] += 1
    return counts


def test_twenty_thousand_questions():
    """Every answer is that of the reference, with its certainty or its reason; a certain one is the truth."""
    counts = asked(1, 20_000)
    assert min(counts[what] for what in ("certain", "inferred", UnattributedReason.CLOCK_MARGIN)) > 500, counts


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(2, 22))
def test_a_million_questions(seed):
    """The same for a million, over twenty networks."""
    asked(seed, 50_000)
