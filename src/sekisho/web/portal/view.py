"""A case as its subscriber sees it: nothing of it names an address, a person or a destination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sekisho.cases.states import OPEN, State
from sekisho.measures.model import MeasureId, MeasureState, Reader
from sekisho.measures.order import DeviceKind, device_names, likely_devices
from sekisho.notices import notice
from sekisho.notices.case_notice import values_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.cases.model import Case, Progress
    from sekisho.core.config import Operator
    from sekisho.measures.model import Language
    from sekisho.notices.advice import Advice
    from sekisho.notices.markup import Block

STATE_TEXTS: Mapping[State, str] = {
    State.OPEN: "state_asked",
    State.NOTIFIED: "state_asked",
    State.ACKNOWLEDGED: "state_asked",
    State.ESCALATED: "state_asked",
    State.OBSERVING: "state_observing",
    State.RELAPSED: "state_relapsed",
    State.RESOLVED: "state_resolved",
    State.DISMISSED: "state_ended",
    State.LINE_ENDED: "state_ended",
    State.WITHDRAWN: "state_withdrawn",
}
"""What a subscriber is told about each state; a new state fails the tests until it has a row."""

SEEN, WHEN, DEVICES, PC, PLUG, TO_DO = "seen.svg", "when.svg", "devices.svg", "pc.svg", "first.svg", "to-do.svg"
"""Pictures of the lines of the box."""

_BY_POWER = frozenset({MeasureId.REBOOT, MeasureId.VULNERABILITIES, MeasureId.SETTINGS, MeasureId.CONNECTIONS})
"""Measures that are meant for devices; a PC has an antivirus program and a person in front of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One measure.

    Attributes:
        devices: names of the subscriber's devices that it is for, the likely ones first.
        is_stale: it was said to be done before the traffic came back, and is asked for again.
    """

    measure: MeasureId
    advice: Advice
    progress: Progress
    devices: tuple[str, ...]
    is_stale: bool

    @property
    def is_done(self) -> bool:
        """Whether nothing of it is left."""
        return self.progress.state is not MeasureState.OPEN and not self.is_stale


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One kind of device that the page asks for.

    Attributes:
        is_likely: whether what was seen may come from such a one.
        is_there: whether the subscriber has one.
    """

    kind: DeviceKind
    name: str
    is_likely: bool
    is_there: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """One page.

    Attributes:
        is_back: the traffic had stopped, and what goes on now is its return.
        box: what was seen, when, which devices, the first step: what has to be understood at a glance.
        seen, about_devices, effects, proof: parts of the notices.
        steps: the five measures in the order of the evidence.
        maker: what to ask the maker.
    """

    state: State
    state_text: str
    is_back: bool
    last_seen_ms: int
    what: str
    box: tuple[tuple[Block, str], ...]
    seen: tuple[Block, ...]
    about_devices: tuple[Block, ...]
    effects: tuple[Block, ...]
    proof: tuple[Block, ...]
    steps: tuple[Step, ...]
    maker: Step
    devices: tuple[Device, ...]

    @property
    def is_open(self) -> bool:
        """Whether anything is asked of the subscriber."""
        return self.state in OPEN

    @property
    def done(self) -> int:
        """How many of the five are done or do not apply."""
        return sum(step.is_done for step in self.steps)


def case_view(
    case: Case, operator: Operator, language: Language, reader: Reader, *, devices: frozenset[DeviceKind], now_ms: int
) -> CaseView:
    """What the page shows.

    Args:
        case: with its evidence.
        operator: who writes.
        language: of the texts.
        reader: at which level the advice is written.
        devices: kinds that the subscriber says to have.
        now_ms: the present.
    """
    values = values_of(case, operator, language, now_ms=now_ms, reader=reader)
    # At a glance everybody reads the plain words.
    plain = values if reader is Reader.ANYONE else values_of(case, operator, language, now_ms=now_ms)
    kinds = _devices(case.kinds[0], language, devices)

    def part(name: str, given: Mapping[str, Any] = values) -> tuple[Block, ...]:
        return notice.part(name, language, given)

    progress = {row.measure: row for row in case.measures}
    back_ms = case.came_back_ms
    steps = tuple(
        Step(
            measure=measure,
            advice=words,
            progress=progress[measure],
            devices=_names(measure, kinds),
            is_stale=case.is_stale(progress[measure]),
        )
        for measure, words in zip(values["order"], values["steps"], strict=True)
    )
    return CaseView(
        state=case.state,
        state_text="state_relapsed" if back_ms is not None else STATE_TEXTS[case.state],
        is_back=back_ms is not None,
        last_seen_ms=case.last_seen_ms,
        what=values["what"],
        box=_box(case, part("box", plain), values),
        seen=part("seen"),
        about_devices=part("devices"),
        effects=part("effects"),
        proof=part("proof"),
        steps=steps,
        maker=Step(
            measure=MeasureId.MAKER,
            advice=values["maker"],
            progress=progress[MeasureId.MAKER],
            devices=_names(MeasureId.MAKER, kinds),
            is_stale=case.is_stale(progress[MeasureId.MAKER]),
        ),
        devices=kinds,
    )


def _box(case: Case, lines: tuple[Block, ...], values: Mapping[str, Any]) -> tuple[tuple[Block, str], ...]:
    """Each line with its picture; once it is over there is no first step."""
    if values["mail_first"]:
        pictures = (SEEN, WHEN, PC, PC)
    else:
        pictures = (SEEN, WHEN, DEVICES, PLUG if values["order"][0] is MeasureId.REBOOT else TO_DO)
    pairs = tuple(zip(lines, pictures, strict=True))
    return pairs if case.is_open else pairs[:-1]


def _devices(kind: str, language: Language, there: frozenset[DeviceKind]) -> tuple[Device, ...]:
    """Every kind of device, the likely ones first."""
    likely = likely_devices(kind)
    return tuple(
        Device(
            kind=device,
            name=device_names()[device].render(language),
            is_likely=device in likely,
            is_there=device in there,
        )
        for device in dict.fromkeys([*likely, *DeviceKind])
    )


def _names(measure: MeasureId, devices: tuple[Device, ...]) -> tuple[str, ...]:
    """What a measure is to be done on, as far as the subscriber said which devices there are."""
    return tuple(
        device.name
        for device in devices
        if device.is_there and not (device.kind is DeviceKind.PC_OR_MAIL and measure in _BY_POWER)
    )
