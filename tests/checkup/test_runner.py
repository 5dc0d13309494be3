"""The runner: every device gets its findings, whatever another device or a broken check does."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from sekisho.checkup import runner
from sekisho.checkup.consent import OutOfScope
from sekisho.checkup.device import Device, Sighting, Trait, TraitKind, mac_trait
from sekisho.checkup.jobs import Attempt, Job, NoAnswer, Seen, Status
from sekisho.checkup.probes.ssh import SshAnswer
from sekisho.checkup.runner import Progress, ask_devices, attempt_job, fold, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.checkup.gate import Gate
    from sekisho.checkup.situation import Situation

HOST = "127.0.0.20"
NOW_MS = 1_790_000_000_000


def now_ms() -> int:
    return NOW_MS


def test_a_refused_port_and_a_garbled_one_are_attempts_of_their_own(gate: Gate) -> None:
    """What came of a job is a value with its status and time."""
    attempt = asyncio.run(attempt_job(Job("tcp", HOST, 1), gate, now_ms))
    assert (attempt.status, attempt.at_ms, attempt.answer) == (Status.CLOSED, NOW_MS, None)


def test_one_target_out_of_scope_is_refused_and_the_run_goes_on(gate: Gate) -> None:
    """A device that names another address as its own costs only that job."""
    attempt = asyncio.run(attempt_job(Job("tcp", "203.0.113.1", 80), gate, now_ms))
    assert attempt.status is Status.REFUSED


def test_the_run_ends_when_the_network_is_another_one(gate: Gate, situation: Callable[..., Situation]) -> None:
    """Not one more packet is tried."""

    def moved() -> None:
        raise OutOfScope("another network")

    gate.still_here = moved
    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(ask_devices([Device(id="d", addresses=(HOST,))], gate, situation(), now_ms))
    assert raised.group_contains(OutOfScope)
    assert gate.sent.total() == 0


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A table of checks of the test's own."""
    table: dict[str, Any] = {}
    monkeypatch.setattr(runner, "CHECKS", table)
    monkeypatch.setattr(runner, "check", table.__getitem__)
    return table


def test_jobs_are_asked_once_though_two_checks_want_them(
    gate: Gate, situation: Callable[..., Situation], checks: dict[str, Any]
) -> None:
    """And a check that asks for ever is stopped by the limit for one device."""
    same = SimpleNamespace(jobs=lambda *_: [Job("tcp", HOST, 1)], fold=lambda *_: [])
    endless = SimpleNamespace(
        jobs=lambda _, seen, __: [Job("tcp", HOST, 1 + len(seen.attempts) % 3, str(len(seen.attempts)))],
        fold=lambda *_: [],
    )
    checks |= {"a": same, "b": same, "c": endless}
    steps: list[Progress] = []
    seen = asyncio.run(ask_devices([Device(id="d", addresses=(HOST,))], gate, situation(), now_ms, steps.append))
    assert len(seen.attempts) == gate.limits.jobs_per_device == steps[-1].done
    assert seen.cut_short == {HOST}
    assert {step.device.id for step in steps} == {"d"}
    assert {step.check for step in steps} == {"a", "c"}


def test_a_check_that_fails_is_shown_and_costs_only_itself(
    gate: Gate, situation: Callable[..., Situation], checks: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """CANNOT-TELL with the error's name; the value that broke it is in no log."""

    def broken(*_: object) -> Any:
        raise ValueError("a secret from a device")

    def fine(*_: object) -> Any:
        from sekisho.checkup.outcomes import Observation

        return [Observation("c2.6.ask", {}, "x")]

    checks |= {
        "bad": SimpleNamespace(jobs=broken, fold=broken),
        "good": SimpleNamespace(jobs=lambda *_: [Job("tcp", HOST, 1)], fold=fine),
    }
    device = Device(id="d", addresses=(HOST,))
    seen = asyncio.run(ask_devices([device], gate, situation(), now_ms))
    assert len(seen.attempts) == 1
    (report,) = fold(seen, situation(device))
    assert [(f.check, f.outcome) for f in report.findings] == [("c2.6", "ask"), ("any", "failed")]
    assert report.findings[1].evidence == {"check": "bad", "error": "ValueError"}
    assert "secret" not in capsys.readouterr().out


def test_a_device_that_hangs_does_not_hold_the_others(gate: Gate, situation: Callable[..., Situation]) -> None:
    """The second device is asked while the first one is silent."""
    order: list[str] = []

    async def probe_of(job: Job, _: Gate) -> object:
        if job.address == HOST:
            await done.wait()
        order.append(job.address)
        if len([a for a in order if a != HOST]) >= 10:
            done.set()
        raise NoAnswer(Status.SILENT)

    async def both() -> None:
        devices = [Device(id="a", addresses=(HOST,)), Device(id="b", addresses=("127.0.0.21",))]
        await ask_devices(devices, gate, situation(), now_ms)

    done = asyncio.Event()
    original = runner.probe
    try:
        runner.probe = lambda _: probe_of  # type: ignore[assignment, return-value]
        asyncio.run(both())
    finally:
        runner.probe = original
    assert order[:10] == ["127.0.0.21"] * 10


def test_devices_are_merged_again_by_the_keys_that_they_showed(situation: Callable[..., Situation]) -> None:
    """Two addresses with random MACs and one SSH host key are one device with one id."""
    found = [
        Sighting(address, frozenset({mac_trait(mac)}))
        for address, mac in ((HOST, "02:00:00:00:00:01"), ("127.0.0.21", "02:00:00:00:00:02"))
    ]
    devices = [Device(id=s.address, addresses=(s.address,)) for s in found]
    seen = Seen()
    for device in devices:
        job = Job("ssh", device.addresses[0], 22)
        seen.add(Attempt(job, Status.ANSWERED, 0, SshAnswer("SSH-2.0-x", "f" * 64)))
    resolved = resolve(found, devices, seen, situation(), {})
    assert [d.addresses for d in resolved.devices] == [(HOST, "127.0.0.21")]
    assert Trait(TraitKind.SSH_KEY, "f" * 64) in resolved.devices[0].traits
