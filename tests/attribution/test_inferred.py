"""What a history only infers stays marked as inferred, from the index to the records."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from attribution.network import NOON_MS, ask, flows
from attribution.told import told_of
from sekisho.attribution.attributor import Attributor
from sekisho.attribution.history.spans import Span
from sekisho.attribution.outcome import Attributed
from sekisho.attribution.sources.events import Held
from sekisho.core.config import Network

BLOCK = Held(prefix=ip_network("198.51.100.1/32"), port_first=1024, port_last=2047)


def attributor(*rows):
    """(held, line, from, to, inferred), times in seconds from noon."""
    history = [
        (
            held,
            Span(
                holder=line, from_ms=NOON_MS + 1000 * start, to_ms=NOON_MS + 1000 * end, inferred=inferred, source="s"
            ),
        )
        for held, line, start, end, inferred in rows
    ]
    loaded = Attributor.load(lines=[], map_e=None, history=told_of(history), network=Network(), realms=[""])
    loaded.start()
    return loaded


@pytest.mark.parametrize("held", [Held(prefix=ip_network("203.0.113.7/32")), BLOCK])
def test_certain_and_inferred_parts_of_one_hold(held):
    """Before the last sign certain, after it inferred; a flow across both is inferred; the line is one."""
    loaded = attributor((held, "L1", -60, 0, False), (held, "L1", 0, 60, True), (held, "L2", 100, 160, False))
    address, port = str(held.prefix.network_address), 1500
    for at, certainty in ((-30, "certain"), (30, "inferred"), ((-30, 30), "inferred"), (-1, "inferred")):
        at_ms = tuple(NOON_MS + 1000 * t for t in at) if isinstance(at, tuple) else NOON_MS + 1000 * at
        answer = ask(loaded, address, port=port, at_ms=at_ms)
        assert isinstance(answer, Attributed)
        assert (answer.line_id, answer.certainty) == ("L1", certainty), at
    assert ask(loaded, address, port=port, at_ms=NOON_MS + 130_000).certainty == "certain"


def test_two_sources_of_one_line():
    """What one of them knows for certain is certain."""
    held = Held(prefix=ip_network("203.0.113.7/32"))
    for order in (False, True), (True, False):
        loaded = attributor(*((held, "L1", -60 - n, 60, inferred) for n, inferred in enumerate(order)))
        assert ask(loaded, "203.0.113.7").certainty == "certain"


def test_records_carry_the_mark():
    """Both sides of a record, each by itself."""
    one, other = Held(prefix=ip_network("203.0.113.7/32")), Held(prefix=ip_network("2001:db8:7::/56"))
    loaded = attributor((one, "L1", -60, 60, True), (other, "L2", -60, 60, False))
    batch = flows({"src": "203.0.113.7", "dst": "2001:db8:7::1"}, {"src": "2001:db8:7::1", "dst": "203.0.113.7"})
    loaded.attribute(batch)
    assert batch.column("src_inferred")[:2].tolist() == [1, 0]
    assert batch.column("dst_inferred")[:2].tolist() == [0, 1]
