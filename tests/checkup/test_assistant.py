"""The restart assistant's steps, with a session that answers from a script and a clock that only sleeping moves."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sekisho.checkup import assistant
from sekisho.checkup.assistant import RestartAssistant
from sekisho.checkup.device import Device
from sekisho.checkup.jobs import Attempt, Job, Seen, Status
from sekisho.checkup.probes.ssdp import SsdpAnswer
from sekisho.checkup.probes.tcp import Open
from sekisho.checkup.session import Outcome
from sekisho.checkup.spoken import Step
from sekisho.core.errors import Refused
from sekisho.measures.report import Report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from sekisho.checkup.gate import Gate
    from sekisho.checkup.situation import Situation

HOST = "127.0.0.20"
CAMERA = Device(id="cam", addresses=(HOST,))


class Script:
    """A session whose runs and looks are given; ``x`` answers, ``.`` does not."""

    def __init__(self, situations: list[Situation], boot_ids: list[int], looks: str) -> None:
        self.situations, self.boot_ids, self.looks = situations, boot_ids, looks
        self.gate, self.now = None, 1_790_000_000_000
        self.concluded: Situation | None = None
        self.after_address = HOST

    def now_ms(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += int(seconds * 1000)

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        yield

    async def run(self, *_: Any, **__: Any) -> Outcome:
        seen = Seen()
        address = HOST if len(self.boot_ids) > 1 else self.after_address
        seen.add(Attempt(Job("tcp", address, 80), Status.ANSWERED, self.now, Open()))
        answer = SsdpAnswer("", "", "", "", boot_id=self.boot_ids.pop(0))
        seen.add(Attempt(Job("ssdp", address, 1900), Status.ANSWERED, self.now, answer))
        situation = replace(self.situations.pop(0), now_ms=self.now)
        return Outcome(self.report(), None, situation, seen)

    def conclude(self, situation: Situation, seen: Seen, **_: Any) -> Outcome:
        self.concluded = situation
        return Outcome(self.report(), None, situation, seen)

    async def look(self, job: Job, _: Gate, __: Callable[[], int]) -> Attempt:
        mark, self.looks = (self.looks[0], self.looks[1:]) if self.looks else (".", "")
        return Attempt(job, Status.ANSWERED if mark == "x" else Status.SILENT, self.now)

    def report(self) -> Report:
        return Report(generated_at_ms=self.now, gateway_mac="m", prefix="p", devices=())


def restarted(script: Script, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], list[Step]]:
    said: list[Step] = []
    monkeypatch.setattr(assistant, "attempt_job", script.look)
    guide = RestartAssistant(script, None, tell=said.append, sleep=script.sleep)  # type: ignore[arg-type]
    outcome = asyncio.run(guide.run(HOST, wait_s=60))
    proof: dict[str, Any] = dict(outcome.report.extra["restart"])
    return proof, said


def first_of_each(said: Iterable[Step]) -> list[Step]:
    return list(dict.fromkeys(said))


def test_a_restart_that_was_seen_is_proven_by_absence_and_counter(
    situation: Callable[..., Situation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person is told what to do in order, and only when it is time for it."""
    script = Script([situation(CAMERA), situation(CAMERA)], [3, 4], "xx...x")
    proof, said = restarted(script, monkeypatch)
    assert first_of_each(said) == [Step.UNPLUG, Step.PLUG_IN, Step.CHECKING]
    assert proof["proof"] == "strong"
    assert [s["signal"] for s in proof["signals"]] == ["services_vanished_and_returned", "ssdp_boot_id"]
    assert script.concluded is not None
    assert script.concluded.restarts["cam"].signals[0].after == "6 s"


def test_a_device_that_comes_back_under_another_address_is_the_same_one(
    situation: Callable[..., Situation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is recognised by its id; the absence was not seen to end, and the counter still proves the restart."""
    moved = replace(CAMERA, addresses=("127.0.0.21",))
    script = Script([situation(CAMERA), situation(moved)], [3, 4], "xx....")
    script.after_address = "127.0.0.21"
    proof, _ = restarted(script, monkeypatch)
    assert proof["device"] == "cam"
    assert [s["signal"] for s in proof["signals"]] == ["ssdp_boot_id"]


def test_nothing_seen_within_the_time_proves_nothing(
    situation: Callable[..., Situation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch ends, the re-check still happens, and the person is asked."""
    script = Script([situation(CAMERA), situation(CAMERA)], [3, 3], "x" * 100)
    proof, said = restarted(script, monkeypatch)
    assert proof == {"device": "cam", "proof": "none", "signals": []}
    assert first_of_each(said) == [Step.UNPLUG, Step.CHECKING]


def test_a_device_that_is_not_there_or_does_not_come_back_is_refused(
    situation: Callable[..., Situation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence with its address."""
    for situations in ([situation()], [situation(CAMERA), situation()]):
        with pytest.raises(Refused, match=HOST):
            restarted(Script(situations, [1, 1], "x...x"), monkeypatch)
