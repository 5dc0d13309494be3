"""NetFlow v9: header and template sets.

Source: RFC 3954, sections 5.1 (header), 5.2 (template set), 6.1 (options template set).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.core.errors import WireError
from sekisho.core.kernels import borrowing_kernel
from sekisho.core.reasons import WireReason
from sekisho.wire.layout import TRUNCATED_HEADER, At, Status
from sekisho.wire.octets import u32
from sekisho.wire.templates import SCOPE_PEN, Field, Template

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from sekisho.wire.layout import Tape, Word

VERSION = 9
HEADER_OCTETS = 20
TEMPLATE_SET = 0
OPTIONS_TEMPLATE_SET = 1
_FIRST_DATA_SET = 256


@borrowing_kernel
def open_message(tape: Tape, state: NDArray[np.int64], drops: NDArray[np.int64]) -> Word:
    """Read the header of datagram ``state[At.DATAGRAM]``; DONE, or SKIP where the datagram is dropped.

    The count field is not looked at: exporters count records, sets or something else.
    """
    i = state[At.DATAGRAM]
    at = tape.offset[i]
    if tape.length[i] < HEADER_OCTETS:
        drops[TRUNCATED_HEADER] += 1
        return Status.SKIP
    state[At.UPTIME_MS] = u32(tape.payload, at + 4)
    state[At.EXPORT_MS] = u32(tape.payload, at + 8) * 1000
    state[At.SEQUENCE] = u32(tape.payload, at + 12)
    state[At.DOMAIN] = u32(tape.payload, at + 16)
    state[At.NEXT_SET] = at + HEADER_OCTETS
    state[At.MESSAGE_END] = at + tape.length[i]
    return Status.DONE


def read_templates(content: bytes, set_id: int) -> Iterator[Template]:
    """Templates of one template or options template set, in order.

    Args:
        content: the set without its header of four octets.
        set_id: TEMPLATE_SET or OPTIONS_TEMPLATE_SET.

    Raises:
        WireError: at the first template that does not fit; those before it have been yielded.
    """
    read = _template if set_id == TEMPLATE_SET else _options_template
    at = 0
    while len(content) - at >= 4 and any(content[at:]):
        template, at = read(content, at)
        yield template


def _template(content: bytes, at: int) -> tuple[Template, int]:
    template_id, count = _u16(content, at), _u16(content, at + 2)
    end = at + 4 + 4 * count
    if template_id < _FIRST_DATA_SET or count == 0 or end > len(content):
        raise WireError(WireReason.BAD_TEMPLATE, at)
    return Template(template_id=template_id, fields=_fields(content, at + 4, end)), end


def _options_template(content: bytes, at: int) -> tuple[Template, int]:
    """The lengths are in octets here (RFC 3954, 6.1), in fields in IPFIX."""
    if len(content) - at < 6:
        raise WireError(WireReason.BAD_TEMPLATE, at)
    template_id, scope_octets, option_octets = (_u16(content, at + i) for i in (0, 2, 4))
    scope_end = at + 6 + scope_octets
    end = scope_end + option_octets
    wrong = scope_octets % 4 or option_octets % 4 or end == at + 6 or end > len(content)
    if template_id < _FIRST_DATA_SET or wrong:
        raise WireError(WireReason.BAD_TEMPLATE, at)
    scopes = tuple(
        Field(enterprise=SCOPE_PEN, element=f.element, length=f.length) for f in _fields(content, at + 6, scope_end)
    )
    fields = scopes + _fields(content, scope_end, end)
    return Template(template_id=template_id, fields=fields, scopes=len(scopes), is_options=True), end


def _fields(content: bytes, at: int, end: int) -> tuple[Field, ...]:
    return tuple(Field(element=_u16(content, i), length=_u16(content, i + 2)) for i in range(at, end, 4))


def _u16(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 2], "big")
