"""Processes that are killed: nothing is doubled, nothing is lost but the open segment's last rows."""

from __future__ import annotations

import random
import signal
import subprocess
import sys

import numpy as np
import pytest

from sekisho.store.compact import Compactor
from store.flows import Clock, stored_numbers

WRITER = """
import sys
from pathlib import Path
from store.flows import Clock, T0, numbered
from sekisho.store import segments
from sekisho.store.space import SpaceFloor

root, first = Path(sys.argv[1]), int(sys.argv[2])
segments.SEGMENT_ROWS = 2_000
clock = Clock()
writer = segments.Segments(root, collector="c1", clock=clock, space=SpaceFloor(root, 1, measure=lambda _: 1 << 40))
writer.start()
print("ready", flush=True)
while True:
    writer.append(numbered(first, 100, received_ms=clock.now_ms))
    first += 100
    clock.now_ms += 6_000
    writer.tick()
    print(first, flush=True)
"""

COMPACTOR = """
import sys
from pathlib import Path
from store.flows import Clock, T0
from sekisho.store import compact
from sekisho.store.layout import HOUR_MS

compact.BATCH_ROWS, compact.SMALL_ROWS = 5_000, 2_500
clock = Clock(T0 + 3 * HOUR_MS)
print("ready", flush=True)
while True:
    clock.now_ms += 1
    print(compact.Compactor(Path(sys.argv[1]), clock=clock).run(everything=True), flush=True)
"""


@pytest.fixture
def run(request):
    """Starts programs that see what this test sees, and ends them."""
    running = []

    def start(program, *arguments):
        path = [str(request.config.rootpath / name) for name in ("tests", "src")]
        program = f"import sys; sys.path[:0] = {path!r}\n{program}"
        process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)], stdout=subprocess.PIPE, text=True
        )
        running.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


def kill_after(process, lines):
    """Let a process say some lines, kill it, and give the last line it said."""
    said = [process.stdout.readline() for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    said += process.stdout.read().splitlines()
    process.wait()
    return said[-1].strip() if said else ""


def keep_killing(root, run, rounds, seed):
    """Kill writer and compactor again and again; after each round what is stored is what was said, and once each."""
    chosen, first = random.Random(seed), 0
    expected = np.zeros(0, np.int64)
    for _ in range(rounds):
        compactor, writer = run(COMPACTOR, root), run(WRITER, root, first)
        said = kill_after(writer, chosen.randrange(1, 40))
        kill_after(compactor, chosen.randrange(0, 3))
        numbers = stored_numbers(root)
        assert len(np.unique(numbers)) == len(numbers), "no record twice"
        assert not len(np.setdiff1d(expected, numbers)), "what was there is still there"
        new = numbers[numbers >= first]
        assert new.tolist() == list(range(first, first + len(new))), "what is new has no gap"
        assert first + len(new) >= int(said), "what a tick has handed over is there"
        expected, first = numbers, first + len(new)
    Compactor(root, clock=Clock()).run(everything=True)
    assert np.array_equal(stored_numbers(root), expected)
    assert not [path for path in root.rglob("*") if path.suffix in {".part", ".open"}]


def test_killed_at_random_instants(tmp_path, run):
    """Writer and compactor are killed in some rounds; every record handed over is there, once."""
    keep_killing(tmp_path, run, rounds=3, seed=1)


@pytest.mark.prove
def test_killed_two_hundred_times(tmp_path, run):
    """The same a hundred rounds long, two processes each."""
    keep_killing(tmp_path, run, rounds=100, seed=2)
