"""Templates compiled for the kernels: which octets go to which target, and what the finished row needs.

Only what the flow columns need is kept: everything else is stepped over, neighbours in one step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.schema.batch import cell
from sekisho.wire.elements import ELEMENTS, NAT_ELEMENTS, Element, Target, Unit
from sekisho.wire.layout import Action, Kind, Program, Sampling, Step
from sekisho.wire.totals import OCTETS_TOTAL, PACKETS_TOTAL

if TYPE_CHECKING:
    from sekisho.wire.templates import Field, Template

VARIABLE = 65_535
"""Field length that says: the length stands before the value (RFC 7011, 7). H3C routers send it in v9 as well."""

COLUMN_OF: dict[Target, int] = {
    Target.FLOW_START: cell("flow_start"),
    Target.FLOW_END: cell("flow_end"),
    Target.SRC_V4: cell("src_lo"),
    Target.DST_V4: cell("dst_lo"),
    Target.SRC_V6: cell("src_hi"),
    Target.DST_V6: cell("dst_hi"),
    Target.SRC_PORT: cell("src_port"),
    Target.DST_PORT: cell("dst_port"),
    Target.ICMP_TYPE_CODE: cell("icmp_type_code"),
    Target.PROTOCOL: cell("protocol"),
    Target.TCP_FLAGS: cell("tcp_flags"),
    Target.PACKETS: cell("packets"),
    Target.OCTETS: cell("octets"),
    Target.INGRESS_IF: cell("ingress_if"),
    Target.EGRESS_IF: cell("egress_if"),
    Target.INGRESS_VRF: cell("ingress_vrf"),
    Target.EGRESS_VRF: cell("egress_vrf"),
    Target.DIRECTION: cell("direction"),
    Target.FRAGMENT_OFFSET: cell("fragment"),
    Target.FRAGMENT_HINT: cell("fragment"),
    Target.FORWARDING_STATUS: cell("forwarding_status"),
    Target.SAMPLING_INTERVAL: cell("sampling_interval"),
    Target.SAMPLER: cell("sampling_interval"),
    Target.SELECTION_SEQUENCE: cell("sampling_interval"),
}
"""Targets that go into a cell as they stand; the others are worked out record by record."""

_LOWER_WORD = {Target.SRC_V6: cell("src_lo"), Target.DST_V6: cell("dst_lo")}
_MOST_OCTETS = {
    Target.PROTOCOL: 1,
    Target.DIRECTION: 1,
    Target.FORWARDING_STATUS: 1,
    Target.IP_VERSION: 1,
    Target.SRC_PORT: 2,
    Target.DST_PORT: 2,
    Target.ICMP_TYPE_CODE: 2,
    Target.ICMP_TYPE: 1,
    Target.ICMP_CODE: 1,
    Target.TCP_FLAGS: 2,
    Target.LATER_TCP_FLAGS: 2,
    Target.REVERSE_TCP_FLAGS: 2,
    Target.LATER_REVERSE_TCP_FLAGS: 2,
}
"""Of a wider field the last octets are taken, so that every value fits its column; eight where nothing is said.
forwardingStatus is sent in four octets by some and has one (RFC 7270, 4.12)."""

_ADDRESSES = {Target.SRC_V4: 4, Target.DST_V4: 4, Target.SRC_V6: 16, Target.DST_V6: 16}
_SECTIONS = frozenset({Target.FRAME_SECTION, Target.IP_SECTION})
_COUNTERS = frozenset({Target.PACKETS, Target.OCTETS})
_REVERSE = frozenset({Target.REVERSE_PACKETS, Target.REVERSE_OCTETS})
_FIXED_UNITS = frozenset({Unit.UPTIME_MS, Unit.SECONDS, Unit.MILLISECONDS})
_SUPERSEDED = (
    (Target.SAMPLING_INTERVAL, (Target.SAMPLER, Target.SELECTION_SEQUENCE)),
    (Target.SAMPLED_PACKETS, (Target.SAMPLER, Target.SELECTION_SEQUENCE)),
    (Target.SAMPLER, (Target.SELECTION_SEQUENCE,)),
    (Target.FRAGMENT_OFFSET, (Target.FRAGMENT_HINT,)),
)
"""The first makes the others unnecessary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A template for the kernels.

    Attributes:
        program: a row of ``layout.Program`` columns, FIRST_STEP not yet known.
        steps: rows of ``layout.Step`` columns.
    """

    program: tuple[int, ...]
    steps: tuple[tuple[int, ...], ...]


def compile_template(template: Template, *, version: int) -> Compiled:
    """Compile a template of a NetFlow v9 (9) or IPFIX (10) exporter, or the v5 record (5)."""
    used = {} if template.is_options else _used(template.fields)
    targets = {element.target: element for element in used.values()}
    steps = _steps(template.fields, used)
    fixed = all(field.length != VARIABLE for field in template.fields) and _is_plain(targets, version)
    program: dict[Program, int] = {
        Program.KIND: _kind(template, targets),
        Program.SHORTEST: sum(1 if field.length == VARIABLE else field.length for field in template.fields),
        Program.FIXED: fixed,
        Program.FIRST_STEP: 0,
        Program.STEPS: len(steps),
        Program.START_UNIT: _unit(targets, Target.FLOW_START) if fixed else Unit.MILLISECONDS,
        Program.END_UNIT: _unit(targets, Target.FLOW_END) if fixed else Unit.MILLISECONDS,
        Program.SAMPLING: _sampling(targets),
        Program.FAMILY: _family(targets),
        Program.FILLED: _filled(targets),
        Program.ICMP_IN_PORT: version != 10 and not targets.keys() & {Target.ICMP_TYPE_CODE, Target.ICMP_TYPE},
        Program.FRAGMENT: Target.FRAGMENT_OFFSET in targets or 2 * (Target.FRAGMENT_HINT in targets),
        Program.TOTALS: _totals(targets),
        Program.REVERSE: bool(_REVERSE & targets.keys()),
        Program.SECTION: bool(_SECTIONS & targets.keys()) and not _ADDRESSES.keys() & targets.keys(),
        Program.BY_PORT: 0,
        Program.UPTIME_IN_IPFIX: version == 10 and Unit.UPTIME_MS in {e.unit for e in targets.values()},
        Program.PAIRED_ICMP: Target.ICMP_TYPE in targets,
    }
    return Compiled(program=tuple(int(program[key]) for key in sorted(program)), steps=steps)


def _used(fields: tuple[Field, ...]) -> dict[int, Element]:
    """Position of a field -> what it does: for each target the best field of those that are there."""
    best: dict[Target, tuple[int, int]] = {}
    for position, field in enumerate(fields):
        element = ELEMENTS.get((field.enterprise, field.element))
        if element is not None and _has_usable_length(element, field.length):
            best[element.target] = min(best.get(element.target, (element.rank, position)), (element.rank, position))
    for winner, others in _SUPERSEDED:
        if winner in best:
            for other in others:
                best.pop(other, None)
    found = (fields[position] for _, position in best.values())
    return {position: ELEMENTS[f.enterprise, f.element] for (_, position), f in zip(best.values(), found, strict=True)}


def _has_usable_length(element: Element, length: int) -> bool:
    if length == 0:
        return False
    if element.target in _ADDRESSES:
        return length in {_ADDRESSES[element.target], VARIABLE}
    return element.unit is not Unit.NTP or length == 8


def _is_plain(targets: dict[Target, Element], version: int) -> bool:
    """Whether every target goes into a cell as it stands."""
    units = {targets[t].unit for t in (Target.FLOW_START, Target.FLOW_END) if t in targets}
    return (
        targets.keys() - {Target.IP_VERSION} <= COLUMN_OF.keys()
        and _family(targets) != 0
        and units <= _FIXED_UNITS
        # IPFIX has no sysUpTime in its header: such times hang on systemInitTimeMilliseconds.
        and not (version == 10 and Unit.UPTIME_MS in units)
    )


def _kind(template: Template, targets: dict[Target, Element]) -> Kind:
    if template.is_options:
        return Kind.OPTIONS
    if not targets.keys() & (_COUNTERS | _REVERSE | _SECTIONS):
        is_nat = any(f.enterprise == 0 and f.element in NAT_ELEMENTS for f in template.fields)
        return Kind.NAT_EVENT if is_nat else Kind.NO_COUNTERS
    if not targets.keys() & (_ADDRESSES.keys() | _SECTIONS):
        return Kind.NO_ADDRESSES
    return Kind.FLOW


def _unit(targets: dict[Target, Element], target: Target) -> Unit:
    return targets[target].unit if target in targets else Unit.MILLISECONDS


def _sampling(targets: dict[Target, Element]) -> Sampling:
    if Target.SAMPLING_INTERVAL in targets:
        return Sampling.INTERVAL
    if Target.SAMPLED_PACKETS in targets:
        return Sampling.RATIO
    if Target.SAMPLER in targets:
        return Sampling.SAMPLER
    return Sampling.SELECTION_SEQUENCE if Target.SELECTION_SEQUENCE in targets else Sampling.NOTHING


def _filled(targets: dict[Target, Element]) -> int:
    """Bit mask of the columns that the fields fill."""
    columns = {COLUMN_OF[target] for target in targets if target in COLUMN_OF}
    columns |= {_LOWER_WORD[target] for target in targets if target in _LOWER_WORD}
    return sum(1 << column for column in columns)


def _totals(targets: dict[Target, Element]) -> int:
    octets = any(targets[t].total for t in (Target.OCTETS, Target.REVERSE_OCTETS) if t in targets)
    packets = any(targets[t].total for t in (Target.PACKETS, Target.REVERSE_PACKETS) if t in targets)
    return octets * OCTETS_TOTAL | packets * PACKETS_TOTAL


def _family(targets: dict[Target, Element]) -> int:
    """4 or 6; 0 where each record has to tell."""
    v4 = bool({Target.SRC_V4, Target.DST_V4} & targets.keys())
    v6 = bool({Target.SRC_V6, Target.DST_V6} & targets.keys())
    return 4 if v4 and not v6 else 6 if v6 and not v4 else 0


def _steps(fields: tuple[Field, ...], used: dict[int, Element]) -> tuple[tuple[int, ...], ...]:
    steps: list[tuple[int, ...]] = []
    offset = 0
    for position, field in enumerate(fields):
        steps.extend(_field_steps(field, used.get(position), offset))
        offset += 0 if field.length == VARIABLE else field.length
    return tuple(_merged(steps))


def _field_steps(field: Field, element: Element | None, offset: int) -> list[tuple[int, ...]]:
    if element is None:
        if field.length == VARIABLE:
            return [(Action.SKIP_VARIABLE, 0, 1, 0, 0)]
        return [(Action.SKIP, 0, field.length, 0, 0)]
    is_integer = element.target not in _ADDRESSES and element.target not in _SECTIONS
    most = _MOST_OCTETS.get(element.target, 8) if is_integer else VARIABLE
    if field.length == VARIABLE:
        return [(Action.TAKE_VARIABLE, element.target, most, 0, element.unit)]
    surplus = max(0, field.length - most)
    take = (Action.TAKE, element.target, field.length - surplus, offset + surplus, element.unit)
    return [(Action.SKIP, 0, surplus, 0, 0), take] if surplus else [take]


def _merged(steps: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Neighbouring skips of one sort in one step."""
    merged: list[tuple[int, ...]] = []
    for step in steps:
        if merged and step[0] == merged[-1][0] and step[0] in {Action.SKIP, Action.SKIP_VARIABLE}:
            length = merged[-1][Step.LENGTH] + step[Step.LENGTH]
            merged[-1] = (step[0], 0, length, 0, 0)
        elif step[0] != Action.SKIP or step[Step.LENGTH]:
            merged.append(step)
    return merged
