"""What is asked of one prefix, of an address, and of the whole history in columns is the same."""

from __future__ import annotations

import random
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from attribution.told import assignments
from sekisho.attribution.history.history import History
from sekisho.attribution.sources.events import Begin, Confirm, End, Held, Inside, Restarted

T = 1_795_000_000_000
INSIDE = [Held(prefix=ip_network(text), realm="cgn") for text in ("100.64.0.1/32", "100.64.0.0/24", "2001:db8::/56")]
BLOCKS = [
    Held(prefix=ip_network("198.51.100.1/32"), port_first=first, port_last=first + 511) for first in (1024, 1536, 2048)
]
HOMES = [Held(prefix=ip_network("203.0.113.7/32")), Held(prefix=ip_network("2001:db8:7::/64"))]


def events(rng, count):
    for number in range(count):
        at_ms = T + rng.randrange(1_000_000)
        common = {"at_ms": at_ms, "received_ms": at_ms, "server": rng.choice(["a", "b"]), "session": f"s{number % 40}"}
        if rng.random() < 0.05:
            yield Restarted(at_ms=at_ms, received_ms=at_ms, server=common["server"])
            continue
        behind = rng.random() < 0.4
        holder = (
            Inside(address=ip_address(rng.choice(["100.64.0.1", "100.64.0.2", "2001:db8::9"])), realm="cgn")
            if behind
            else f"L{rng.randrange(9)}"
        )
        held = (rng.choice(BLOCKS if behind else [*INSIDE, *HOMES]),)
        until_ms = at_ms + rng.randrange(200_000) if rng.random() < 0.2 else None
        every_ms = rng.choice([None, None, 20_000])
        if rng.random() < 0.6:
            yield Begin(**common, holder=holder, held=held, until_ms=until_ms, confirm_every_ms=every_ms)
        elif rng.random() < 0.5:
            yield Confirm(**common, holder=holder, held=held)
        else:
            yield End(**common, holder=holder, held=held)


@pytest.mark.parametrize("seed", range(30))
def test_one_prefix_is_as_in_the_whole(seed):
    """From any time on, with lost ends, leases, missing interims and restarts, behind a translator and not."""
    rng = random.Random(seed)
    with History() as history:
        history.apply("radius", events(rng, 150))
        for source, off_ms in (("late", 60_000), ("right", 0)):
            history.apply(source, (replace(event, received_ms=event.at_ms + off_ms) for event in events(rng, 40)))
        assert history.quarantined() == {"late"}
        whole = list(assignments(history))
        for since_ms in (0, T + rng.randrange(1_000_000), T + rng.randrange(1_000_000)):
            for held in (*INSIDE, *BLOCKS, *HOMES):
                expected = {span for what, span in whole if what == held and span.to_ms > since_ms}
                assert set(history.spans_of(held, since_ms=since_ms)) == expected
            assert set(assignments(history, since_ms=since_ms)) == {one for one in whole if one[1].to_ms > since_ms}
        for held in (*INSIDE, *BLOCKS, *HOMES):
            address = held.prefix.network_address
            expected = {(what, span) for what, span in whole if what.realm == held.realm and address in what.prefix}
            assert set(history.around(address, realm=held.realm)) == expected


def test_who_stands_behind_a_prefix():
    """A change of an inside address, or of a prefix around it, is a change of the blocks in front of it."""
    with History() as history:
        history.apply("cgn", _blocks("100.64.0.1", "100.64.0.255", "2001:db8::9"))
        expected = {INSIDE[0]: BLOCKS[:1], INSIDE[1]: BLOCKS[:2], INSIDE[2]: BLOCKS[2:]}
        assert {held: sorted(history.behind(held), key=str) for held in INSIDE} == expected
        assert not history.behind(Held(prefix=ip_network("100.64.0.1/32"))), "another realm is another address"


def _blocks(*addresses):
    for block, address in zip(BLOCKS, addresses, strict=True):
        holder = Inside(address=ip_address(address), realm="cgn")
        yield Begin(at_ms=T, received_ms=T, server="cgn", session=address, holder=holder, held=(block,))


def test_lapsed_sessions_are_found_when_they_lapse():
    """Two promised confirmations stayed away: once, in the interval in which the second one did."""
    with History() as history:
        begin = Begin(
            at_ms=T, received_ms=T, server="a", session="s", holder="L", held=HOMES[:1], confirm_every_ms=60_000
        )
        history.apply("radius", [begin])
        assert history.lapsed("radius", T + 60_000, T + 120_000) == set(HOMES[:1])
        assert not history.lapsed("radius", T + 120_000, T + 180_000)
        assert not history.lapsed("other", T + 60_000, T + 120_000)
