"""The restart assistant: snapshot, ask to unplug, watch, prove, and run points 1 to 4 again.

A restart ends what lives in memory and closes no way in, so the report after it is "finished" only when the re-check
finds nothing that asks for action.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sekisho.checkup.jobs import Seen, Status
from sekisho.checkup.restart import Beat, Proof, came_back, counters, heartbeat_job, prove, signal_jobs
from sekisho.checkup.runner import attempt_job
from sekisho.core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job
    from sekisho.checkup.session import Inputs, Outcome, Session

BEAT_S = 2.0
"""One look every two seconds: half of what the limits allow for one device."""

UNPLUG = "unplug the device now, wait 30 seconds, plug it in again"


@dataclass(frozen=True, slots=True)
class RestartAssistant:
    """Guides one restart.

    Attributes:
        tell: told what the person should do and what is seen.
    """

    session: Session
    inputs: Inputs
    tell: Callable[[str], None]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self, address: str, *, wait_s: float) -> Outcome:
        """The whole restart of the device at an address, and the check-up after it.

        Raises:
            Refused: there is no such device on this network.
            OutOfScope: the computer moved to another network, or the consent is over.
        """
        before = await self.session.run(self.inputs, step=self.tell, only=[address])
        device = before.situation.device_at(address)
        if device is None:
            raise Refused(f"{address} is not a device of this network")
        proof = await self._watched(device, before.seen, wait_s)
        self.tell("checking again")
        after = await self.session.run(self.inputs, step=self.tell, restarts={device.id: proof}, only=[address])
        return replace(after, report=replace(after.report, extra={"restart": proof_json(device.id, proof)}))

    async def _watched(self, device: Device, seen: Seen, wait_s: float) -> Proof:
        began_ms = self.session.now_ms()
        heartbeat = heartbeat_job(device, seen)
        readings = await self._read(device)
        self.tell(UNPLUG)
        beats = await self._watch(heartbeat, began_ms + int(wait_s * 1000)) if heartbeat else []
        elapsed_s = (self.session.now_ms() - began_ms) / 1000
        return prove(readings, await self._read(device), elapsed_s, beats)

    async def _watch(self, heartbeat: Job, until_ms: int) -> list[Beat]:
        beats: list[Beat] = []
        while self.session.now_ms() < until_ms and not came_back(beats):
            attempt = await attempt_job(heartbeat, self.session.gate, self.session.now_ms)
            beats.append(Beat(attempt.at_ms, attempt.status is Status.ANSWERED))
            self.tell(UNPLUG if attempt.status is Status.ANSWERED else "it is off; plug it in again after 30 seconds")
            await self.sleep(BEAT_S)
        return beats

    async def _read(self, device: Device) -> dict[str, int]:
        seen = Seen()
        for job in signal_jobs(device):
            seen.add(await attempt_job(job, self.session.gate, self.session.now_ms))
        return counters(device, seen)


def proof_json(device_id: str, proof: Proof) -> dict[str, object]:
    """The proof as the report's schema has it."""
    signals = [
        {"signal": s.signal, "strength": s.strength, "before": s.before, "after": s.after} for s in proof.signals
    ]
    return {"device": device_id, "proof": proof.strength, "signals": signals}
