"""An index that is changed while it is asked: after every change the answers are those of the slow reference."""

from __future__ import annotations

import random
from dataclasses import replace
from ipaddress import ip_network

import pytest

from attribution import world
from attribution.reference import FOREVER, Reference, grouped
from attribution.reference import Held as Row
from attribution.test_churn import MARGIN_MS, batches
from attribution.told import told_of
from sekisho.attribution.attributor import Attributor, Change
from sekisho.attribution.history.spans import Span
from sekisho.attribution.sources.events import Held
from sekisho.attribution.validity import OPEN_FROM_MS, OPEN_TO_MS
from sekisho.core.config import Network
from sekisho.core.reasons import UnattributedReason


def held_of(row):
    first, last = row.ports or (0, 65535)
    return Held(prefix=ip_network(row.prefix), realm=row.realm, port_first=first, port_last=last)


def span_of(row):
    begin, end = (OPEN_FROM_MS if row.start == -FOREVER else row.start), (OPEN_TO_MS if row.end == FOREVER else row.end)
    return Span(holder=row.line, from_ms=begin, to_ms=end, inferred=False, source="s")


def rewritten(rng, rows):
    """The rows of one prefix and its ports as a later record may leave them: cut, added to, gone, another's."""
    kind = rng.random()
    if kind < 0.3:
        return [replace(row, end=min(row.end, world.EPOCH_MS + 100_000)) for row in rows]
    if kind < 0.5:
        return [row for row in rows if rng.random() < 0.6]
    if kind < 0.7:
        return [replace(row, line=f"N{rng.randrange(50)}") for row in rows]
    again = [replace(row, line=f"N{rng.randrange(50)}", start=row.end, end=row.end + 5_000) for row in rows[:3]]
    return [*rows, *(row for row in again if row.start != FOREVER and row.end < FOREVER)]


NOW_MS = world.EPOCH_MS + 100_000


class Told:
    """A network half of which is the operator's lists, and half is told by sources that go on telling."""

    def __init__(self, seed, tmp_path, room):
        self.rng = random.Random(seed)
        rows = world.assignments(self.rng)
        self.lists = [row for row in rows if self.rng.random() < 0.2]
        self.told = {}
        for row in rows:
            if row not in self.lists:
                self.told.setdefault(held_of(row), []).append(row)
        # Half of what will be told is not known yet, whole ranges of ports of a shared address among it.
        self.later = {held: rows for held, rows in self.told.items() if self.rng.random() < 0.3}
        for held in self.later:
            del self.told[held]
        self.tmp_path, self.room = tmp_path, room
        self.attributor = self.loaded()

    def loaded(self):
        lines, rules = self.tmp_path / "assignments.csv", self.tmp_path / "rules.toml"
        lines.write_text(world.csv_of(self.lists))
        rules.write_text(world.toml_of(world.RULES))
        network = Network(prefixes=world.OURS, tunnel_endpoints=world.ENDPOINTS)
        attributor = Attributor.load(
            lines=[lines],
            map_e=rules,
            history=told_of((held, span_of(row)) for held, rows in self.told.items() for row in rows),
            network=network,
            realms=world.REALMS,
            clock_margin_ms=MARGIN_MS,
            room=self.room,
        )
        attributor.start()
        return attributor

    def changed(self, count):
        """Change so many prefixes; a shared one stays shared."""
        changes = []
        for _ in range(count):
            new = self.later and self.rng.random() < 0.3
            held = self.rng.choice(sorted(self.later if new else self.told, key=str))
            rows = self.later.pop(held) if new else rewritten(self.rng, self.told[held])
            if rows or held.port_last == 65535:
                self.told[held] = rows
                changes.append(Change(held, [span_of(row) for row in rows]))
        return changes

    def rows(self):
        return [*self.lists, *(row for rows in self.told.values() for row in rows)]

    def asked(self, count):
        """Both sides of records, near changes of holder; every answer is the reference's."""
        rows = self.rows()
        reference = Reference(rows, world.RULES, world.OURS, world.ENDPOINTS, MARGIN_MS)
        for batch, sides in batches(self.rng, rows, count):
            self.attributor.attribute(batch)
            for side, questions in sides.items():
                answers = zip(batch.column(f"{side}_line"), batch.column(f"{side}_unattributed"), strict=True)
                for question, (key, reason) in zip(questions, answers, strict=True):
                    found = self.attributor.line_id(int(key)) if key else UnattributedReason(reason)
                    assert found == reference.resolve(*question[:-1], fragment=question[-1]), question


@pytest.mark.parametrize("seed", range(3))
def test_every_answer_after_every_change(tmp_path, seed):
    """Whole and shared addresses, nested prefixes, MAP-E households, realms; runs that grow, move and become empty."""
    told = Told(seed, tmp_path, room=100_000)
    for _ in range(6):
        changes = told.changed(60)
        assert told.attributor.change(changes, at_ms=NOW_MS).done == len(changes)
        told.asked(1_000)


def test_an_index_without_room_says_so_and_is_built_anew(tmp_path):
    """What did not fit is known after the new one has taken over; lines of the old one keep their names."""
    told = Told(9, tmp_path, room=40)
    changes = told.changed(200)
    done = told.attributor.change(changes, at_ms=NOW_MS).done
    assert 0 < done < len(changes)
    told.attributor.become(told.loaded())
    told.asked(1_000)


def test_candidates_and_prefixes_follow(tmp_path):
    """What is asked of all rows finds each hold once, where it is now."""
    told = Told(4, tmp_path, room=100_000)
    for _ in range(5):
        told.attributor.change(told.changed(60), at_ms=NOW_MS)
    for (realm, prefix), rows in grouped(told.rows()).items():
        at_ms = world.EPOCH_MS + 90_000
        for row in rows:
            if row.start <= at_ms < row.end:
                line = told.attributor._line_key(row.line)
                assert ip_network(prefix) in told.attributor.prefixes_of(line, at_ms=at_ms), (realm, row)
    lines = {row.line for row in told.rows()}
    assert all(told.attributor.line_id(told.attributor._line_key(line)) == line for line in lines)


def test_what_does_not_fit_the_index_is_refused(tmp_path):
    """A length that no assignment has is not looked for, an unknown realm is none: the index has to be built anew."""
    told = Told(5, tmp_path, room=1000)
    for held in (Held(prefix=ip_network("203.0.113.128/26")), Held(prefix=ip_network("203.0.113.9/32"), realm="new")):
        assert told.attributor.change([Change(held, [])], at_ms=NOW_MS).done == 0


def test_a_hold_that_was_not_is_told(tmp_path):
    """Whoever had seemed to hold an address and did not, and since when: evidence against that line is in doubt."""
    home = Held(prefix=ip_network("203.0.113.200/32"))
    told = Told(6, tmp_path, room=1000)
    begin, end = world.EPOCH_MS, world.EPOCH_MS + 60_000
    row = Row("OLD", "203.0.113.200/32", start=begin)
    assert told.attributor.change([Change(home, [span_of(row)])], at_ms=NOW_MS).done == 1
    old, new = (told.attributor._line_key(name) for name in ("OLD", "NEW"))
    assert told.attributor.revoked(old) is None
    spans = [span_of(replace(row, end=end)), span_of(replace(row, line="NEW", start=end))]
    for _ in range(2):
        assert told.attributor.change([Change(home, spans)], at_ms=NOW_MS).done == 1
        assert told.attributor.revoked(old) == (home, end, NOW_MS)
        assert told.attributor.revoked(new) is None
