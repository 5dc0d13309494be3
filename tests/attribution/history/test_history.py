"""Facts in any order, twice and late: who held what comes out the same, and never wrong."""

from __future__ import annotations

import random
import sqlite3
from ipaddress import ip_address, ip_network

import pytest

from attribution.told import assignments
from sekisho.attribution.history.history import History
from sekisho.attribution.sources.events import Begin, Confirm, End, Held, Inside, Restarted
from sekisho.attribution.validity import OPEN_TO_MS

T = 1_795_000_000_000
MINUTE = 60_000
HOME = Held(prefix=ip_network("203.0.113.7/32"))


def begin(at, session="s1", holder="L1", held=(HOME,), **more):
    return Begin(at_ms=T + at, received_ms=T + at, server="bng", session=session, holder=holder, held=held, **more)


def confirm(at, session="s1", **more):
    return Confirm(at_ms=T + at, received_ms=T + at, server="bng", session=session, **more)


def end(at, session="s1", **more):
    return End(at_ms=T + at, received_ms=T + at, server="bng", session=session, **more)


def restarted(at):
    return Restarted(at_ms=T + at, received_ms=T + at, server="bng")


def held_by(history, what=HOME):
    """(line, from, to, inferred) rows, relative to T; None = open."""
    return sorted(
        (span.holder, span.from_ms - T, None if span.to_ms == OPEN_TO_MS else span.to_ms - T, span.inferred)
        for held, span in assignments(history)
        if held == what
    )


def told(*events, path=None):
    history = History(path)
    history.apply("radius", events)
    return history


def test_start_and_stop_are_certain():
    """A session that was told whole is certain from its beginning to its end."""
    assert held_by(told(begin(0), end(5000))) == [("L1", 0, 5000, False)]


def test_facts_in_any_order_and_twice():
    """The order and the repetition of facts change nothing."""
    whole = {"holder": "L1", "held": (HOME,)}
    events = [begin(0), confirm(MINUTE, **whole), end(2 * MINUTE, **whole), begin(3 * MINUTE, "s2", "L2")]
    expected = held_by(told(*events))
    for seed in range(20):
        shuffled = random.Random(seed).choices(events, k=5) + events
        random.Random(seed).shuffle(shuffled)
        assert held_by(told(*shuffled)) == expected, shuffled
    assert expected == [("L1", 0, 2 * MINUTE, False), ("L2", 3 * MINUTE, None, False)]


def test_lost_stop_is_bounded_by_the_next_start():
    """Between the last sign of a session and the next one's beginning its line is only inferred."""
    history = told(begin(0), confirm(1000), begin(9000, "s2", "L2"))
    assert held_by(history) == [("L1", 0, 1000, False), ("L1", 1000, 9000, True), ("L2", 9000, None, False)]


def test_missing_interims_end_a_session():
    """Two promised interims that stay away: over, inferred, at the last one and one interval; a late one revives it."""
    history = told(begin(0, confirm_every_ms=MINUTE), confirm(MINUTE), begin(3 * MINUTE - 1, "x", "L9", (OTHER,)))
    assert held_by(history) == [("L1", 0, None, False)]
    history.apply("radius", [confirm(3 * MINUTE, "x")])
    assert held_by(history) == [("L1", 0, MINUTE, False), ("L1", MINUTE, 2 * MINUTE, True)]
    history.apply("radius", [confirm(3 * MINUTE)])
    assert held_by(history) == [("L1", 0, None, False)]


OTHER = Held(prefix=ip_network("203.0.113.8/32"))


def test_accounting_on_leaves_sessions_unconfirmed():
    """After a restart a session is inferred, ended when contradicted, and certain again with its next interim."""
    history = told(begin(0), restarted(5000))
    assert held_by(history) == [("L1", 0, 5000, False), ("L1", 5000, None, True)]
    assert held_by(told(begin(0), restarted(5000), confirm(9000))) == [("L1", 0, None, False)]
    contradicted = told(begin(0), confirm(1000), restarted(5000), begin(9000, "s2", "L2"))
    assert held_by(contradicted)[:2] == [("L1", 0, 1000, False), ("L1", 1000, 9000, True)]


def test_interim_without_start_opens_the_session():
    """Its duration says when the session began; without holder or address it says nothing."""
    opened = told(confirm(9000, holder="L1", held=(HOME,), since_ms=T + 2000))
    assert held_by(opened) == [("L1", 2000, None, False)]
    nothing = told(confirm(9000, holder="L1"))
    assert (held_by(nothing), nothing.unopened) == ([], 1)


def test_a_session_name_used_again_is_another_session():
    """Servers number their sessions anew after a restart."""
    history = told(begin(0), end(1000), begin(600_000, holder="L2"), end(700_000))
    assert held_by(history) == [("L1", 0, 1000, False), ("L2", 600_000, 700_000, False)]


def test_prefixes_that_come_later_are_held_from_then_on():
    """A delegated prefix appears in an interim: it is held from then, the address from the beginning."""
    delegated = Held(prefix=ip_network("2001:db8:7::/56"))
    history = told(begin(0), confirm(5000, held=(HOME, delegated)), end(9000))
    assert held_by(history) == [("L1", 0, 9000, False)]
    assert held_by(history, delegated) == [("L1", 5000, 9000, False)]


def test_a_lease_ends_by_itself():
    """Held until its expiry, renewed by every further row."""
    assert held_by(told(begin(0, until_ms=T + 7000))) == [("L1", 0, 7000, False)]
    assert held_by(told(begin(0, until_ms=T + 7000), confirm(3000, until_ms=T + 9000))) == [("L1", 0, 9000, False)]


def test_an_inside_address_names_the_line_that_held_it():
    """A port block belongs to whoever held the address behind the translator, piece by piece."""
    inside = Inside(address=ip_address("100.64.0.1"), realm="cgn")
    behind = Held(prefix=ip_network("100.64.0.1/32"), realm="cgn")
    block = Held(prefix=ip_network("198.51.100.1/32"), port_first=1024, port_last=2047)
    history = told(begin(0, held=(behind,)), end(5000), begin(5000, "s2", "L2", (behind,)))
    history.apply("cgn", [begin(1000, "b", inside, (block,)), end(8000, "b")])
    assert held_by(history, block) == [("L1", 1000, 5000, False), ("L2", 5000, 8000, False)]


def test_the_file_is_gone_on_with(tmp_path):
    """Closed and opened again, told the same file twice: nothing changes; position and watermark are kept."""
    path = tmp_path / "history.db"
    events = [begin(0), confirm(1000), begin(9000, "s2", "L2")]
    with told(*events, path=path) as history:
        expected = held_by(history)
    with History(path) as history:
        history.apply("radius", events, position="77")
    with History(path) as history:
        assert held_by(history) == expected
        feed = history.feeds["radius"]
        assert (feed.position, feed.watermark_ms) == ("77", T + 9000)
        assert history.settled_until_ms(900_000) == T + 9000 - 900_000


def test_retention_forgets_what_was_over():
    """Sessions over before the limit are gone, with what they held."""
    history = told(begin(0), end(1000), begin(9000, "s2", "L2"))
    assert history.forget(T + 5000) == 1
    assert held_by(history) == [("L2", 9000, None, False)]


def test_a_source_is_forgotten_whole_or_not_at_all():
    """Where the disk refuses in between everything stands as before, and the history goes on."""
    history = told(begin(0))
    (source,) = history.feeds
    history._database.execute(
        "create temp trigger full before delete on source begin select raise(abort, 'disk full'); end"
    )
    with pytest.raises(sqlite3.DatabaseError, match="disk full"):
        history.forget_source(source)
    assert held_by(history) == [("L1", 0, None, False)]
    history._database.execute("drop trigger full")
    history.forget_source(source)
    assert held_by(history) == []


@pytest.mark.parametrize(("delay_ms", "out"), [(0, False), (2000, False), (2001, True), (-32_400_000, True)])
def test_a_source_whose_times_are_off_is_quarantined(delay_ms, out):
    """Beyond the margin, such as nine hours ahead in Japan: nothing it told counts."""
    rows = [
        Begin(at_ms=T + n, received_ms=T + n + delay_ms, server="bng", session=str(n), holder=f"L{n}", held=(HOME,))
        for n in range(9)
    ]
    history = History()
    history.apply("radius", rows)
    assert (history.quarantined() == {"radius"}) is out
    assert bool(held_by(history)) is not out


def test_octets_from_the_line_are_a_second_measure():
    """The highest count of each session that lies within the time, whatever order the records came in."""
    history = told(begin(0), confirm(2000, octets_up=900), confirm(1000, octets_up=400), end(3000, octets_up=1000))
    history.apply("radius", [begin(9000, "s2"), confirm(99_000, "s2", octets_up=7)])
    assert history.octets_up("L1", T, T + 10_000) == 1000
    assert history.octets_up("L1", T, T + 100_000) == 1007
    assert history.octets_up("L2", T, T + 100_000) == 0
