"""The pace, under a clock that only sleeping moves."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from sekisho.checkup import pace
from sekisho.checkup.limits import Limits


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds


async def turns(clock: Clock, devices: list[str]) -> list[tuple[float, str]]:
    pacer = pace.Pacer(Limits(), clock=clock)
    taken: list[tuple[float, str]] = []

    async def one(device: str) -> None:
        await pacer.turn(device)
        taken.append((clock.now_s, device))

    await asyncio.gather(*(one(device) for device in devices))
    return taken


def test_never_more_than_twenty_a_second_and_two_to_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both limits hold at once, whatever the order of the wishes."""
    clock = Clock()
    monkeypatch.setattr(pace.asyncio, "sleep", clock.sleep)
    wishes = [f"d{number % 7}" for number in range(70)]
    taken = asyncio.run(turns(clock, wishes))
    assert len(taken) == 70
    times = sorted(at_s for at_s, _ in taken)
    assert min(b - a for a, b in pairwise(times)) >= 0.05 - 1e-9
    for device in set(wishes):
        own = sorted(at_s for at_s, name in taken if name == device)
        assert min(b - a for a, b in pairwise(own)) >= 0.5 - 1e-9


def test_one_device_alone_gets_two_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fifth turn comes after two seconds."""
    clock = Clock()
    monkeypatch.setattr(pace.asyncio, "sleep", clock.sleep)
    taken = asyncio.run(turns(clock, ["d"] * 5))
    assert taken[-1][0] == pytest.approx(2.0)
