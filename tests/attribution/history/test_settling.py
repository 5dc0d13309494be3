"""No answer leaves before every source has told enough; what comes late changes it in time."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from sekisho.attribution.attributor import Attributor
from sekisho.attribution.history.history import History
from sekisho.attribution.history.settling import NotYet, Settled
from sekisho.attribution.outcome import Attributed, Unattributed
from sekisho.attribution.sources.events import Begin, End, Held
from sekisho.core.config import Network
from sekisho.core.reasons import UnattributedReason

T = 1_795_000_000_000
MINUTE = 60_000
HOME = Held(prefix=ip_network("203.0.113.7/32"))
ELSEWHERE = Held(prefix=ip_network("203.0.113.250/32"))


def begin(at, session, line, held=HOME):
    at_ms = T + at
    return Begin(at_ms=at_ms, received_ms=at_ms, server="bng", session=session, holder=line, held=(held,))


def end(at, session, line):
    return End(at_ms=T + at, received_ms=T + at, server="bng", session=session, holder=line, held=(HOME,))


def asked(history, at):
    attributor = Attributor.load(
        lines=[], map_e=None, history=history.told(), network=Network(), realms=[""], clock_margin_ms=2000
    )
    attributor.start()
    settled = Settled(attributor, history, clock_margin_ms=2000)
    return settled.resolve(
        realm="", address=ip_address("203.0.113.7"), port=443, protocol=6, start_ms=T + at, end_ms=T + at
    )


def test_records_two_minutes_late_across_a_change_of_holder():
    """While the Stop and the next Start are missing, live attribution would name the old line: nothing is settled.

    Once they are there, the flood is the new line's; the old one is never a settled answer.
    """
    history = History()
    history.apply("radius", [begin(0, "s1", "old"), begin(11 * MINUTE, "x", "other", ELSEWHERE)])
    flood = 10 * MINUTE
    assert isinstance(asked(history, flood), NotYet)
    history.apply("radius", [begin(12 * MINUTE, "y", "other", ELSEWHERE)])
    assert isinstance(asked(history, flood), NotYet)
    history.apply("radius", [end(9 * MINUTE, "s1", "old"), begin(9 * MINUTE + 30_000, "s2", "new")])
    assert isinstance(asked(history, flood), NotYet)
    history.apply("radius", [begin(26 * MINUTE, "z", "other", ELSEWHERE)])
    answer = asked(history, flood)
    assert isinstance(answer, Attributed)
    assert (answer.line_id, answer.certainty) == ("new", "certain")
    near = asked(history, 9 * MINUTE + 31_000)
    assert isinstance(near, Unattributed)
    assert near.reason is UnattributedReason.CLOCK_MARGIN


def test_the_slowest_source_decides():
    """One source far ahead does not settle what another may still tell."""
    history = History()
    history.apply("a", [begin(0, "s1", "L1"), begin(60 * MINUTE, "x", "L2", ELSEWHERE)])
    history.apply("b", [begin(10 * MINUTE, "y", "L3", Held(prefix=ip_network("2001:db8::/56")))])
    answer = asked(history, 5 * MINUTE)
    assert isinstance(answer, NotYet)
    assert answer.why.startswith("b has told up to")


def test_a_source_that_is_not_believed_settles_nothing():
    """Its records count for nothing, and what they would have said is missing."""
    history = History()
    history.apply("a", [begin(0, "s1", "L1"), begin(60 * MINUTE, "x", "L2", ELSEWHERE)])
    late = [
        Begin(at_ms=T + n, received_ms=T + n + 120_000, server="c", session=str(n), holder="L9", held=(HOME,))
        for n in range(9)
    ]
    history.apply("late", late)
    answer = asked(history, MINUTE)
    assert isinstance(answer, NotYet)
    assert "late" in answer.why


def test_no_source_settles_nothing():
    """Silence is no answer."""
    assert isinstance(asked(History(), 0), NotYet)
