"""The restart assistant: snapshot, ask to unplug, watch, prove, and run points 1 to 4 again.

A restart ends what lives in memory and closes no way in, so the report after it is "finished" only when the re-check
finds nothing that asks for action.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sekisho.checkup.jobs import Status
from sekisho.checkup.restart import SILENT_BEATS, Beat, Proof, came_back, counters, heartbeat_job, prove
from sekisho.checkup.runner import attempt_job
from sekisho.checkup.spoken import Step
from sekisho.core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job
    from sekisho.checkup.session import Inputs, Outcome, Session

BEAT_S = 2.0
"""One look every two seconds: half of what the limits allow for one device."""


@dataclass(frozen=True, slots=True)
class RestartAssistant:
    """Guides one restart.

    Attributes:
        tell: told what the person should do and what is seen.
    """

    session: Session
    inputs: Inputs
    tell: Callable[[Step], None]
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
        async with self.session.looking():
            beats = await self._watch(heartbeat_job(device, before.seen), wait_s)
        self.tell(Step.CHECKING)
        # It may come back under another address; what it is recognised by stays.
        after = await self.session.run(self.inputs, step=self.tell, only=[address, device.id])
        return self._proven(device, before, after, beats)

    def _proven(self, old: Device, before: Outcome, after: Outcome, beats: list[Beat]) -> Outcome:
        """The re-check with the proof: counters of both runs, and what was seen between them."""
        new = next((d for d in after.situation.devices if d.id == old.id), None)
        new = new or after.situation.device_at(old.addresses[0])
        if new is None:
            raise Refused(f"{old.addresses[0]} did not come back")
        elapsed_s = (after.situation.now_ms - before.situation.now_ms) / 1000
        proof = prove(counters(old, before.seen), counters(new, after.seen), elapsed_s, beats)
        situation = replace(after.situation, restarts={new.id: proof})
        done = self.session.conclude(situation, after.seen, notes=after.report.unreachable, only=[new.id])
        return replace(done, report=replace(done.report, extra={"restart": proof_json(new.id, proof)}))

    async def _watch(self, heartbeat: Job | None, wait_s: float) -> list[Beat]:
        """Looks from before the person is asked until the device was away and is back, or the time is over."""
        beats = [await self._look(heartbeat)]
        self.tell(Step.UNPLUG)
        until_ms = self.session.now_ms() + int(wait_s * 1000)
        while self.session.now_ms() < until_ms and not came_back(beats):
            await self.sleep(BEAT_S)
            beats.append(await self._look(heartbeat))
            if _went_off(beats):
                self.tell(Step.PLUG_IN)
        return beats

    async def _look(self, heartbeat: Job | None) -> Beat:
        """One look; a device without any service to look at is never seen, and its restart can only be stated."""
        if heartbeat is None:
            return Beat(self.session.now_ms(), answered=False)
        attempt = await attempt_job(heartbeat, self.session.gate, self.session.now_ms)
        return Beat(attempt.at_ms, attempt.status is Status.ANSWERED)


def _went_off(beats: list[Beat]) -> bool:
    """It answered once, and the last looks were silent."""
    return any(beat.answered for beat in beats) and not any(beat.answered for beat in beats[-SILENT_BEATS:])


def proof_json(device_id: str, proof: Proof) -> dict[str, object]:
    """The proof as the report's schema has it."""
    signals = [
        {"signal": s.signal, "strength": s.strength, "before": s.before, "after": s.after} for s in proof.signals
    ]
    return {"device": device_id, "proof": proof.strength, "signals": signals}
