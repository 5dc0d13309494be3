"""Proof of a restart: several independent signals, each with its strength. All but one need no login.

What a signal is worth is argued in the rows of ``COUNTERS``; the strongest decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sekisho.checkup.jobs import Status
from sekisho.checkup.probes.natpmp import NatPmpAnswer
from sekisho.checkup.probes.pcp import PcpAnswer
from sekisho.checkup.probes.snmp import SnmpEngine
from sekisho.checkup.probes.snmp_read import SnmpSystem
from sekisho.checkup.probes.soap import SoapAnswer
from sekisho.checkup.probes.ssdp import SsdpAnswer
from sekisho.checkup.probes.wsd import WsdAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen


class Strength(StrEnum):
    """What a signal is worth."""

    STRONG = "strong"
    MEDIUM = "medium"
    WEAK = "weak"
    STATED = "stated"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Counter:
    """A number that a device gives by itself and that a restart moves in a known direction.

    Attributes:
        proves: whether (before, after, seconds between) shows a restart.
    """

    name: str
    strength: Strength
    proves: Callable[[int, int, float], bool]


def _rose(before: int, after: int, _: float) -> bool:
    return after > before


def _fell(before: int, after: int, elapsed_s: float) -> bool:
    """A clock that counts seconds since the start stands lower than it would without a restart.

    Half of the time between is allowed for clocks that are slow or were read late.
    """
    return after < before + elapsed_s / 2 and after < before


COUNTERS = (
    # Rises with each start of the discovery service; nothing else moves it (WS-Discovery 1.1, appendix I).
    Counter("wsd_instance_id", Strength.STRONG, _rose),
    # RFC 3418: since the management part was last started; the owner's community is needed to read it.
    Counter("snmp_up_time_s", Strength.STRONG, _fell),
    # RFC 3414, section 2.2: counts re-initialisations; some agents count otherwise, so it is not strong.
    Counter("snmp_engine_boots", Strength.MEDIUM, _rose),
    Counter("snmp_engine_time_s", Strength.MEDIUM, _fell),
    # UDA 2.0: rises when the device joins a network again, which a changed interface does too.
    Counter("ssdp_boot_id", Strength.MEDIUM, _rose),
    # RFC 6886, section 3.6: falls when the router lost its mapping table.
    Counter("natpmp_epoch_s", Strength.MEDIUM, _fell),
    # RFC 6887, section 8.5: the same clock, of the protocol that came after it.
    Counter("pcp_epoch_s", Strength.MEDIUM, _fell),
    # Uptime of WANIPConnection:1: of the session with the provider, which ends by itself as well.
    Counter("igd_uptime_s", Strength.WEAK, _fell),
)


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal that showed a restart; an absence has no value before it, and its length after it."""

    signal: str
    strength: Strength
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Proof:
    """Every signal that showed it, and the strongest one's strength."""

    strength: Strength
    signals: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class Beat:
    """One look at a device while it is watched: did any service answer."""

    at_ms: int
    answered: bool


def heartbeat_job(device: Device, seen: Seen) -> Job | None:
    """A service of the device that answered before, so that its silence means something; None without any.

    A TCP port first: whether it accepts is told at once, while an UDP service may answer late or not at all.
    """
    answered = [a.job for a in seen.of(device.targets) if a.status is Status.ANSWERED]
    return min(answered, key=lambda job: job.probe != "tcp", default=None)


def counters(device: Device, seen: Seen) -> dict[str, int]:
    """Counters that the device gave."""
    found: dict[str, int] = {}
    for attempt in seen.of(device.targets):
        match attempt.answer:
            case WsdAnswer(instance_id=value) if value >= 0:
                found["wsd_instance_id"] = value
            case SnmpEngine(boots=boots, time_s=time_s):
                found |= {"snmp_engine_boots": boots, "snmp_engine_time_s": time_s}
            case SsdpAnswer(boot_id=value) if value >= 0:
                found["ssdp_boot_id"] = value
            case SnmpSystem(up_s=value) if value >= 0:
                found["snmp_up_time_s"] = value
            case NatPmpAnswer(epoch_s=value):
                found["natpmp_epoch_s"] = value
            case PcpAnswer(epoch_s=value):
                found["pcp_epoch_s"] = value
            case SoapAnswer(action="GetStatusInfo", fields={"NewUptime": text}) if _is_uptime(text):
                found["igd_uptime_s"] = int(text)
            case _:
                continue
    return found


def _is_uptime(text: str) -> bool:
    """Some routers answer with words, or with a number that wrapped below zero."""
    return text.isdecimal() and len(text) < 12


def prove(before: dict[str, int], after: dict[str, int], elapsed_s: float, beats: Sequence[Beat]) -> Proof:
    """What the counters on both sides of the announced restart and the looks between them show.

    ``elapsed_s`` is the time between the readings by our own clock, which no device can bend.
    """
    signals = [
        Signal(c.name, c.strength, str(before[c.name]), str(after[c.name]))
        for c in COUNTERS
        if c.name in before and c.name in after and c.proves(before[c.name], after[c.name], elapsed_s)
    ]
    absence = _absence(beats)
    if absence is not None:
        signals.insert(0, Signal("services_vanished_and_returned", Strength.STRONG, "", f"{absence:.0f} s"))
    strengths = [signal.strength for signal in signals]
    return Proof(next((s for s in Strength if s in strengths), Strength.NONE), tuple(signals))


def came_back(beats: Iterable[Beat]) -> bool:
    """Whether the device answered, then did not, then answered again."""
    return _absence(list(beats)) is not None


SILENT_BEATS = 3
"""Silent looks in a row that count as "away": one lost packet on a busy Wi-Fi is no restart."""


def _absence(beats: Sequence[Beat]) -> float | None:
    """Seconds between the first silent look and the return, None where it never went or never came back."""
    first = next((i for i, beat in enumerate(beats) if beat.answered), None)
    if first is None:
        return None
    silent: list[Beat] = []
    for beat in beats[first:]:
        if not beat.answered:
            silent.append(beat)
        elif len(silent) >= SILENT_BEATS:
            return (beat.at_ms - silent[0].at_ms) / 1000
        else:
            silent = []
    return None
