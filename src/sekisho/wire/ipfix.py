"""IPFIX: header and template sets.

Source: RFC 7011, sections 3.1 (message header), 3.2 (field specifier), 3.4 (templates), 8.1 (withdrawal).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.core.errors import WireError
from sekisho.core.kernels import borrowing_kernel
from sekisho.core.reasons import WireReason
from sekisho.wire.layout import LENGTH_MISMATCH, TRUNCATED_HEADER, At, Status
from sekisho.wire.octets import u16, u32
from sekisho.wire.templates import ALL_TEMPLATES, Field, Template

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from sekisho.wire.layout import Tape, Word

VERSION = 10
HEADER_OCTETS = 16
TEMPLATE_SET = 2
OPTIONS_TEMPLATE_SET = 3
_FIRST_DATA_SET = 256
_ENTERPRISE_BIT = 0x8000


@borrowing_kernel
def open_message(tape: Tape, state: NDArray[np.int64], drops: NDArray[np.int64]) -> Word:
    """Read the header of datagram ``state[At.DATAGRAM]``; DONE, or SKIP where the datagram is dropped.

    Where message and datagram differ in length no set begins after the end of the shorter one.
    """
    i = state[At.DATAGRAM]
    at = tape.offset[i]
    length = tape.length[i]
    if length < HEADER_OCTETS:
        drops[TRUNCATED_HEADER] += 1
        return Status.SKIP
    message_octets = u16(tape.payload, at + 2)
    if message_octets < HEADER_OCTETS:
        drops[LENGTH_MISMATCH] += 1
        return Status.SKIP
    state[At.LENGTH_DIFFERS] = message_octets != length
    state[At.UPTIME_MS] = 0
    state[At.EXPORT_MS] = u32(tape.payload, at + 4) * 1000
    state[At.SEQUENCE] = u32(tape.payload, at + 8)
    state[At.DOMAIN] = u32(tape.payload, at + 12)
    state[At.NEXT_SET] = at + HEADER_OCTETS
    state[At.MESSAGE_END] = at + min(length, message_octets)
    return Status.DONE


def read_templates(content: bytes, set_id: int) -> Iterator[Template]:
    """Templates and withdrawals (no fields) of one template or options template set, in order.

    Args:
        content: the set without its header of four octets.
        set_id: TEMPLATE_SET or OPTIONS_TEMPLATE_SET.

    Raises:
        WireError: at the first template that does not fit; those before it have been yielded.
    """
    at = 0
    while len(content) - at >= 4 and any(content[at:]):
        template, at = _template(content, at, is_options=set_id == OPTIONS_TEMPLATE_SET)
        yield template


def _template(content: bytes, at: int, *, is_options: bool) -> tuple[Template, int]:
    template_id, count = _u16(content, at), _u16(content, at + 2)
    if count == 0:
        return _withdrawal(template_id, at, is_options=is_options), at + 4
    header = 6 if is_options else 4
    scopes = _u16(content, at + 4) if is_options else 0
    if template_id < _FIRST_DATA_SET or scopes > count or len(content) - at < header:
        raise WireError(WireReason.BAD_TEMPLATE, at)
    fields, end = _fields(content, at + header, count)
    return Template(template_id=template_id, fields=fields, scopes=scopes, is_options=is_options), end


def _withdrawal(template_id: int, at: int, *, is_options: bool) -> Template:
    """A withdrawal has four octets, of options templates too (RFC 7011, 8.1); the set's id withdraws all."""
    everything = OPTIONS_TEMPLATE_SET if is_options else TEMPLATE_SET
    if template_id == everything:
        return Template(template_id=ALL_TEMPLATES, fields=(), is_options=is_options)
    if template_id < _FIRST_DATA_SET:
        raise WireError(WireReason.BAD_TEMPLATE, at)
    return Template(template_id=template_id, fields=(), is_options=is_options)


def _fields(content: bytes, at: int, count: int) -> tuple[tuple[Field, ...], int]:
    fields = []
    for _ in range(count):
        element, length = _u16(content, at), _u16(content, at + 2)
        octets = 8 if element & _ENTERPRISE_BIT else 4
        if at + octets > len(content):
            raise WireError(WireReason.BAD_TEMPLATE, at)
        enterprise = int.from_bytes(content[at + 4 : at + 8], "big") if octets == 8 else 0
        fields.append(Field(enterprise=enterprise, element=element & ~_ENTERPRISE_BIT, length=length))
        at += octets
    return tuple(fields), at


def _u16(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 2], "big")
