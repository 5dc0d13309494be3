"""One check-up from consent to report: the parts in the order in which a person needs them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sekisho.checkup.baseline import Baselines
from sekisho.checkup.consent import CheckClass, Consent, OutOfScope, Scope
from sekisho.checkup.credentials.ledger import AttemptLedger
from sekisho.checkup.credentials.login import PairCheck, login_page
from sekisho.checkup.credentials.owner import OwnerLogins
from sekisho.checkup.device import merge
from sekisho.checkup.discover import Discovery, discover
from sekisho.checkup.gate import Gate
from sekisho.checkup.identify.match import Identity
from sekisho.checkup.identify.vendors import vendors_of
from sekisho.checkup.limits import Limits
from sekisho.checkup.network import LocalNetwork, local_network
from sekisho.checkup.overheard import listening
from sekisho.checkup.report.archive import Archive
from sekisho.checkup.runner import ask_devices, fold, resolve
from sekisho.checkup.situation import OwnerAnswers, Situation
from sekisho.checkup.snapshot import Snapshot, take
from sekisho.checkup.spoken import Note
from sekisho.checkup.state import one_at_a_time
from sekisho.checkup.system import mac_of
from sekisho.measures.report import Report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from pathlib import Path

    from sekisho.checkup.credentials.owner import Login
    from sekisho.checkup.credentials.pairs import Pair, PairResult
    from sekisho.checkup.data.knowledge import Knowledge
    from sekisho.checkup.data.mud import Flow, MudProfile
    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Seen
    from sekisho.checkup.restart import Proof
    from sekisho.checkup.runner import Progress
    from sekisho.checkup.spoken import Step
    from sekisho.checkup.system import System

LOOK_EVERY_S = 2.0
"""How often the routing and neighbour tables are looked at while a run goes on, beside it."""
IDENTITY_HOLDS_MS = 10_000
"""How long a look holds where nobody looks beside: on some systems it costs a process and a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What the person gave besides consent.

    Attributes:
        list_only: addresses of devices that are listed and never asked, such as medical or industrial gear.
    """

    knowledge: Knowledge
    answers: OwnerAnswers = field(default_factory=OwnerAnswers)
    profiles: Mapping[str, MudProfile] = field(default_factory=dict)
    flows: Mapping[str, tuple[Flow, ...]] = field(default_factory=dict)
    list_only: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run gives: the report, the state that it saw, and the answers behind both.

    Attributes:
        snapshot: None where only some devices were asked, since that is no state of the network.
    """

    report: Report
    snapshot: Snapshot | None
    situation: Situation
    seen: Seen


class Session:
    """A network, a valid consent for it, and a gate that holds to both.

    Args:
        now_ms: the clock, injected.
        logins: the owner's own logins by address, if any were given.
    """

    def __init__(
        self,
        system: System,
        network: LocalNetwork,
        consent: Consent,
        *,
        directory: Path,
        now_ms: Callable[[], int],
        limits: Limits | None = None,
        logins: Mapping[str, Login] | None = None,
    ) -> None:
        self.network, self.directory, self.now_ms = network, directory, now_ms
        self._system, self._consent = system, consent
        self._looked_at_ms, self._moved = -IDENTITY_HOLDS_MS, ""
        limits = limits or Limits()
        self._ledger = AttemptLedger(directory / "attempts.jsonl", limits)
        self._logins = OwnerLogins(logins or {}, self._ledger, now_ms)
        self.gate = Gate(Scope(network, consent), limits, still_here=self.still_here, logins=self._logins)

    def still_here(self) -> None:
        """Refuse once the gateway is another one, or the consent is over.

        Raises:
            OutOfScope: with the reason.
        """
        now_ms = self.now_ms()
        self._consent.check(self.network.identity, now_ms)
        if now_ms - self._looked_at_ms >= IDENTITY_HOLDS_MS:
            self._look()
        if self._moved:
            raise OutOfScope(self._moved)

    def _look(self) -> None:
        """Compare the gateway and its MAC with those of the consent; what differs ends the run at the next packet."""
        self._looked_at_ms = self.now_ms()
        gateway = self._system.gateway(self.network.interface)
        if gateway is None or gateway.address != self.network.gateway:
            self._moved = "this computer is no longer on the network that the consent was given for"
            return
        # A gateway that is switched off (restart assistant) has no MAC for a while; another MAC is another network.
        mac = mac_of(gateway, self._system.neighbours(self.network.interface))
        if mac and mac != self.network.gateway_mac:
            self._moved = f"another device answers for the gateway now ({mac})"

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Looks at the tables beside the block, so that a slow look costs no answer its time."""

        async def keep_looking() -> None:
            while True:
                await asyncio.to_thread(self._look)
                await asyncio.sleep(LOOK_EVERY_S)

        task = asyncio.create_task(keep_looking())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def discover(self, step: Callable[[Step], None] = lambda _: None) -> tuple[Discovery, list[Device]]:
        """Who is there."""
        async with self.looking():
            found = await discover(self.gate, self._system, step)
        return found, merge(found.sightings)

    async def run(
        self,
        inputs: Inputs,
        *,
        step: Callable[[Step], None] = lambda _: None,
        progress: Callable[[Progress], None] = lambda _: None,
        restarts: Mapping[str, Proof] | None = None,
        only: Iterable[str] = (),
    ) -> Outcome:
        """Discover, ask, identify, fold.

        Args:
            inputs: what the person gave.
            step: told of each part of discovery.
            progress: told of each job.
            restarts: proofs by device id.
            only: addresses or ids of the devices to ask and to report on; empty means all.
        """
        async with listening(self.network) as heard:
            found, devices = await self.discover(step)
            bare = replace(self._situation(inputs, restarts or {}), heard=heard)
            asked = self._to_ask(devices, inputs, frozenset(only))
            async with self.looking():
                seen = await ask_devices(asked, self.gate, bare, self.now_ms, progress)
        known = {address for device in devices for address in device.addresses}
        told = [sighting for sighting in heard.sightings() if sighting.address in known]
        situation = resolve([*found.sightings, *told], asked, seen, bare, await vendors_of(devices))
        notes = [*found.notes, *([] if heard.permitted else [Note.NOT_HEARD])]
        cut = [device for device in situation.devices if seen.cut_short & set(device.addresses)]
        notes += [f"{Note.CUT_SHORT} {situation.name_of(device)}" for device in cut]
        return self.conclude(situation, seen, notes=notes, only=only)

    def _to_ask(self, devices: list[Device], inputs: Inputs, only: frozenset[str]) -> list[Device]:
        if CheckClass.SERVICES not in self._consent.classes:
            return []
        wanted = [device for device in devices if not only or only & {device.id, *device.addresses}]
        return [device for device in wanted if not inputs.list_only & set(device.addresses)]

    async def try_pairs(self, outcome: Outcome, pairs: list[Pair]) -> Outcome:
        """The outcome with the documented default pairs tried on every identified device that has any.

        Raises:
            OutOfScope: this class of check was not consented to.
            Refused: another process is trying pairs; two at once would read the ledger before the other wrote it.
        """
        with one_at_a_time(self.directory / "attempts.lock"):
            async with self.looking():
                return await self._try_pairs(outcome, pairs)

    async def _try_pairs(self, outcome: Outcome, pairs: list[Pair]) -> Outcome:
        attempt = PairCheck(gate=self.gate, ledger=self._ledger, pairs=pairs, now_ms=self.now_ms)
        results: dict[str, PairResult] = {}
        for device in outcome.situation.devices:
            parts = outcome.situation.identities.get(device.id, {})
            page = login_page(device, outcome.seen)
            if page is not None and Identity(parts, outcome.situation.kind(device)).model_known:
                result = await attempt.run(device, parts["maker"].value, parts["model"].value, page)
                results |= {device.id: result} if result is not None else {}
        return self.conclude(replace(outcome.situation, pairs=results), outcome.seen, notes=outcome.report.unreachable)

    def conclude(
        self,
        situation: Situation,
        seen: Seen,
        *,
        notes: Iterable[str] = (),
        only: Iterable[str] = (),
    ) -> Outcome:
        """Report and snapshot of what was seen."""
        chosen = set(only) | self._consent.devices
        report = Report(
            generated_at_ms=situation.now_ms,
            gateway_mac=self.network.gateway_mac,
            prefix=str(self.network.prefix),
            devices=tuple(d for d in fold(seen, situation) if not chosen or chosen & {d.id, *d.addresses}),
            data=situation.knowledge.sources,
            unreachable=tuple(notes),
        )
        return Outcome(report, None if chosen else take(situation, seen), situation, seen)

    def _situation(self, inputs: Inputs, restarts: Mapping[str, Proof]) -> Situation:
        return Situation(
            network=self.network,
            now_ms=self.now_ms(),
            resolvers=tuple(self._system.resolvers()),
            answers=inputs.answers,
            knowledge=inputs.knowledge,
            baseline=Baselines(self.directory).latest(self.network.identity),
            restarts=restarts,
            first_seen=Archive(self.directory).first_seen(self.network.identity),
            profiles=inputs.profiles,
            flows=inputs.flows,
            login_at=self._logins.with_password,
            community_at=self._logins.with_community,
        )


async def known_gateway(system: System, interface: str | None) -> LocalNetwork:
    """The local network with its gateway's MAC, which the neighbour table holds once anything was sent there.

    Raises:
        Refused: no usable interface.
        OutOfScope: the gateway does not answer, so this network cannot be told from another one.
    """
    import socket

    network = local_network(system, interface)
    if not network.gateway_mac and network.gateway is not None:
        # One datagram to the gateway's discard port makes the kernel resolve its MAC; nothing waits for an answer.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
            sock.bind((str(network.address), 0))
            sock.sendto(b"", (str(network.gateway), 9))
        await asyncio.sleep(0.5)
        network = local_network(system, interface)
    if not network.gateway_mac:
        raise OutOfScope("the gateway's MAC is not known, so this network cannot be told from another one")
    return network
