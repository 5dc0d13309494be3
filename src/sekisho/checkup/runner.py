"""Runs the checks: asks each device what they want to know, round after round, and folds the answers into findings.

One device that hangs, lies or breaks a check never costs the others their findings.
"""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from sekisho.checkup.checks import CHECKS, check
from sekisho.checkup.consent import OutOfScope
from sekisho.checkup.device import merge
from sekisho.checkup.identify.facts import sightings
from sekisho.checkup.identify.match import identify
from sekisho.checkup.jobs import Attempt, Job, NoAnswer, Seen, Status
from sekisho.checkup.outcomes import Observation, finding
from sekisho.checkup.probes import probe
from sekisho.measures.report import DeviceReport, Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sekisho.checkup.device import Device, Sighting
    from sekisho.checkup.gate import Gate
    from sekisho.checkup.situation import Situation

PARALLEL_JOBS_PER_DEVICE = 4
"""With half a second between connections and two until one counts as silent, four keep a silent device at its pace."""

_VERDICT_ORDER = list(Verdict)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: jobs done, jobs known so far, and what was just asked of whom.

    Attributes:
        check: the check that wanted it; one job may serve several.
    """

    done: int
    known: int
    device: Device
    check: str


async def ask_devices(
    devices: Sequence[Device],
    gate: Gate,
    situation: Situation,
    now_ms: Callable[[], int],
    progress: Callable[[Progress], None] = lambda _: None,
) -> Seen:
    """Every job of every check on every device.

    Raises:
        OutOfScope: the computer moved to another network or the consent is over; the run ends at once.
    """
    seen, counts = Seen(), {"done": 0, "known": 0}

    async def ask_device(device: Device) -> None:
        slots = asyncio.Semaphore(PARALLEL_JOBS_PER_DEVICE)
        asked: set[Job] = set()

        async def ask(job: Job) -> None:
            async with slots:
                seen.add(await attempt_job(job, gate, now_ms))
            counts["done"] += 1
            progress(Progress(counts["done"], counts["known"], device, wanted[job]))

        while wanted := _wanted(device, seen, situation, asked, gate.limits.jobs_per_device):
            asked |= wanted.keys()
            counts["known"] += len(wanted)
            async with asyncio.TaskGroup() as jobs:
                for job in wanted:
                    jobs.create_task(ask(job))

    async with asyncio.TaskGroup() as group:
        for device in devices:
            group.create_task(ask_device(device))
    return seen


async def attempt_job(job: Job, gate: Gate, now_ms: Callable[[], int]) -> Attempt:
    """One job, whatever comes of it.

    Raises:
        OutOfScope: the whole run may not go on.
    """
    try:
        answer = await probe(job.probe)(job, gate)
    except NoAnswer as none:
        return Attempt(job, none.status, now_ms(), None, none.reason)
    except OutOfScope as refusal:
        gate.still_here()
        return Attempt(job, Status.REFUSED, now_ms(), None, str(refusal))
    return Attempt(job, Status.ANSWERED, now_ms(), answer)


def resolve(
    found: Iterable[Sighting], devices: Sequence[Device], seen: Seen, situation: Situation, vendors: Mapping[str, str]
) -> Situation:
    """The situation with devices merged once more by what their answers showed, and identified.

    Args:
        found: sightings of discovery.
        devices: as they were asked.
        seen: the answers.
        situation: without devices.
        vendors: vendor by MAC.
    """
    told = [s for device in devices for s in sightings(device.addresses, seen)]
    merged = tuple(merge([*found, *told]))
    identities = {}
    for device in merged:
        known = [vendor for trait in device.traits if (vendor := vendors.get(trait.value))]
        stated = situation.answers.about(device)
        identities[device.id] = identify(device, stated, known, gateway=situation.is_gateway(device))
    return replace(
        situation,
        devices=merged,
        kinds={name: identity.kind for name, identity in identities.items()},
        identities={name: identity.parts for name, identity in identities.items()},
    )


def fold(seen: Seen, situation: Situation) -> tuple[DeviceReport, ...]:
    """Findings of every check on every device, the most urgent first."""
    return tuple(_report(device, seen, situation) for device in situation.devices)


def _report(device: Device, seen: Seen, situation: Situation) -> DeviceReport:
    findings = [f for name in CHECKS for f in _findings(name, device, seen, situation)]
    return DeviceReport(
        id=device.id,
        kind=situation.kind(device),
        name=situation.name_of(device),
        addresses=device.addresses,
        identity=situation.identities.get(device.id, {}),
        findings=tuple(sorted(findings, key=lambda f: _VERDICT_ORDER.index(f.verdict))),
    )


def _findings(name: str, device: Device, seen: Seen, situation: Situation) -> list[Finding]:
    try:
        observed = list(check(name).fold(device, seen, situation))
        return [finding(observation, situation.now_ms) for observation in observed]
    except Exception as error:  # noqa: BLE001 # a bug in one check is shown as such, and costs only that check
        _log(name, device, error)
        failed = Observation("any.failed", {"check": name, "error": type(error).__name__}, "this program")
        return [finding(failed, situation.now_ms)]


def _log(name: str, device: Device, error: Exception) -> None:
    """Where it failed, without the values at hand: those came from a device or an owner and belong in no log."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{place.filename}:{place.lineno}"
    structlog.get_logger().error(
        "a check failed", check=name, device=device.id, error=type(error).__name__, where=where
    )


def _wanted(device: Device, seen: Seen, situation: Situation, asked: set[Job], limit: int) -> dict[Job, str]:
    """Jobs that are new, in their order, each with the check that wants it."""
    wanted: dict[Job, str] = {}
    for name in CHECKS:
        try:
            wanted = dict.fromkeys(check(name).jobs(device, seen, situation), name) | wanted
        except Exception as error:  # noqa: BLE001 # the same: other checks still ask
            _log(name, device, error)
    fresh, left = sorted(wanted.keys() - asked, key=_job_order), max(limit - len(asked), 0)
    if len(fresh) > left:
        seen.cut_short.update(device.addresses)
    return {job: wanted[job] for job in fresh[:left]}


def _job_order(job: Job) -> tuple[str, str, int, str]:
    return job.address, job.probe, job.port, job.argument
