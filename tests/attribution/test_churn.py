"""Two hundred thousand questions to a network that changes all the time: no wrong line, and every reason right."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np

from attribution import world
from attribution.reference import Reference
from sekisho.attribution.attributor import Attributor
from sekisho.core.config import Network
from sekisho.core.reasons import UnattributedReason
from sekisho.schema.batch import FlowBatch

RECORDS = 100_000
MARGIN_MS = 2_000


def test_every_answer_is_that_of_the_slow_reference(tmp_path):
    """Both sides of 100,000 records get the reference's line or the reference's reason."""
    rng = random.Random(20260401)
    held = world.assignments(rng)
    lines, rules = tmp_path / "assignments.csv", tmp_path / "rules.toml"
    lines.write_text(world.csv_of(held))
    rules.write_text(world.toml_of(world.RULES))
    network = Network(prefixes=world.OURS, tunnel_endpoints=world.ENDPOINTS)
    attributor = Attributor.load(
        lines=[lines], map_e=rules, network=network, realms=world.REALMS, clock_margin_ms=MARGIN_MS, key=bytes(16)
    )
    attributor.start()
    reference = Reference(held, world.RULES, world.OURS, world.ENDPOINTS, MARGIN_MS)
    asked, answered = Counter(), Counter()
    for batch, sides in batches(rng, held, RECORDS):
        attributor.attribute(batch)
        for side, questions in sides.items():
            answers = zip(batch.column(f"{side}_line"), batch.column(f"{side}_unattributed"), strict=True)
            for question, (key, reason) in zip(questions, answers, strict=True):
                found = attributor.line_id(int(key)) if key else UnattributedReason(reason)
                expected = reference.resolve(*question[:-1], fragment=question[-1])
                assert found == expected, question
                answered["line" if isinstance(expected, str) else expected] += 1
                asked[question[0]] += 1
    possible = set(UnattributedReason) - {
        UnattributedReason.ATTRIBUTED,
        UnattributedReason.HELD_BY_PARTNER,
        UnattributedReason.KEY_COLLISION,
    }
    assert {*answered} == {"line", *possible}, answered
    assert min(answered.values()) > 500, answered
    assert set(asked) == {*world.REALMS, "elsewhere"}


def batches(rng, held, records):
    """Batches of flows, and the questions that each side of them asks."""
    realms = [*world.REALMS, "elsewhere"]
    for first in range(0, records, 5_000):
        count = min(records - first, 5_000)
        batch = FlowBatch(realms=realms)
        batch.length = count
        sides = {"src": world.questions(rng, held, count)}
        sides["dst"] = [
            (one[0], other[1], other[2], *one[3:])
            for one, other in zip(sides["src"], world.questions(rng, held, count), strict=True)
        ]
        for side, questions in sides.items():
            realm, address, port, protocol, start, end, fragment = zip(*questions, strict=True)
            batch.column(f"{side}_hi")[:] = words(n >> 64 for n in address)
            batch.column(f"{side}_lo")[:] = words(address)
            batch.column(f"{side}_port")[:] = port
            batch.column("realm")[:] = [realms.index(name) for name in realm]
            batch.column("protocol")[:], batch.column("fragment")[:] = protocol, fragment
            batch.column("flow_start")[:], batch.column("flow_end")[:] = start, end
        yield batch, sides


def words(numbers):
    return np.array([n & (1 << 64) - 1 for n in numbers], np.uint64).view(np.int64)
