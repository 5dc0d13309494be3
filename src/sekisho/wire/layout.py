"""Where things stand in the arrays that Python and the kernels of this folder share."""

from __future__ import annotations

from enum import IntEnum, unique
from typing import TYPE_CHECKING, Any, NamedTuple

from numba import types

from sekisho.core.reasons import WireReason

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@unique
class Status(IntEnum):
    """Why the walk came back to Python."""

    DONE = 0
    BATCH_FULL = 1
    NEW_SOURCE = 2
    TEMPLATES = 3
    OPTIONS = 4
    NAT_EVENTS = 5
    UNKNOWN_TEMPLATE = 6
    SKIP = 7
    INTERFACE_NAME = 8


@unique
class Kind(IntEnum):
    """What the data records of a template are."""

    FLOW = 0
    OPTIONS = 1
    NAT_EVENT = 2
    NO_COUNTERS = 3
    NO_ADDRESSES = 4


@unique
class At(IntEnum):
    """Words of the walk's state: where it stands, and the header of the message it stands in.

    From VALUES on stand the ``elements.WORDS`` words that one record is read into.
    """

    DATAGRAM = 0
    NEXT_SET = 1
    MESSAGE_END = 2
    SET_ID = 3
    SET_START = 4
    SET_END = 5
    RECORD = 6
    ROWS = 7
    SOURCE = 8
    VERSION = 9
    DOMAIN = 10
    SEQUENCE = 11
    EXPORT_MS = 12
    UPTIME_MS = 13
    SHIFT_MS = 14
    UNITS = 15
    UNITS_UNKNOWN = 16
    REPLAY = 17
    LENGTH_DIFFERS = 18
    KEEPS_NAT_EVENTS = 19
    OPTIONS_UNITS = 20
    RECEIVED_AT = 21
    EXPORTER = 22
    SOURCE_PORT = 23
    CAPACITY = 24
    DATAGRAM_END = 25
    SAMPLES_LEFT = 26
    NAMED_IF = 27
    VALUES = 28


@unique
class Of(IntEnum):
    """Columns of the sources: (exporter, version, observation domain) triples."""

    EXPORTER = 0
    VERSION = 1
    DOMAIN = 2
    DATAGRAMS = 3
    RECORDS = 4
    OPTIONS_RECORDS = 5
    RESYNCS = 6
    UPTIME_MS = 7
    EXPORT_MS = 8
    CLOCK_SHIFTED = 9
    LAST_SKEW_MS = 10
    ENDS_AHEAD = 11
    RATE = 12
    RATE_BY_INTERFACE = 13
    RATE_CHANGES = 14
    SYSTEM_INIT_MS = 15
    DATA_SOURCES = 16
    INTERFACES = 17
    WORDS = 18


@unique
class Account(IntEnum):
    """Words of a sequence account, of which a source has one for each reading of its sequence numbers."""

    SYNCED = 0
    EXPECTED = 1
    UNITS = 2
    LOST = 3
    GAPS = 4
    REORDERED = 5
    RESTARTS = 6
    JUMPS = 7
    NEXT_GAP = 8
    FIRST_GAP = 9
    WORDS = 25


@unique
class Program(IntEnum):
    """Columns of the compiled templates."""

    KIND = 0
    SHORTEST = 1
    FIXED = 2
    FIRST_STEP = 3
    STEPS = 4
    START_UNIT = 5
    END_UNIT = 6
    SAMPLING = 7
    FAMILY = 8
    FILLED = 9
    ICMP_IN_PORT = 10
    FRAGMENT = 11
    TOTALS = 12
    REVERSE = 13
    SECTION = 14
    BY_PORT = 15
    UPTIME_IN_IPFIX = 16
    PAIRED_ICMP = 17
    WORDS = 18


@unique
class Step(IntEnum):
    """Columns of a compiled template's steps."""

    ACTION = 0
    TARGET = 1
    LENGTH = 2
    OFFSET = 3
    UNIT = 4
    WORDS = 5


@unique
class Action(IntEnum):
    """What a step does with its octets; SKIP_VARIABLE has the number of fields as its length."""

    TAKE = 0
    TAKE_VARIABLE = 1
    SKIP = 2
    SKIP_VARIABLE = 3


@unique
class Sampling(IntEnum):
    """What the sampling cell of a freshly read row holds."""

    NOTHING = 0
    INTERVAL = 1
    SAMPLER = 2
    SELECTION_SEQUENCE = 3
    RATIO = 4


@unique
class Namespace(IntEnum):
    """What an identifier of the sampler table identifies."""

    SAMPLER = 0
    SELECTION_SEQUENCE = 1
    INTERFACE = 2


Word = Any
"""What a kernel returns: an int64 inside kernels, an int to Python. To mypy a kernel's call is untyped."""

Place = Any
"""What a kernel that moves on in the octets returns: a tuple of words."""

GAPS_KEPT = 8
"""Gaps of a source that a late datagram can still close: more than any path reorders. Each takes two words of its
account, from FIRST_GAP on: first sequence number missing, and how many."""

READINGS = 4
"""Ways in which exporters are known to count, see ``sequence``."""

SOURCE_WORDS = Of.WORDS + READINGS * Account.WORDS

V5_PROGRAM = 0
"""Row of the compiled v5 record, which has no template."""

SFLOW_PROGRAM = 1
"""The same for what an sFlow sample tells."""

SFLOW_VERSION = 0
"""sFlow's version word has four octets; this is its upper half, which stands where other protocols have theirs."""

_DROPS = tuple(WireReason)
TRUNCATED_HEADER = _DROPS.index(WireReason.TRUNCATED_HEADER)
TRUNCATED_SET = _DROPS.index(WireReason.TRUNCATED_SET)
TRUNCATED_RECORD = _DROPS.index(WireReason.TRUNCATED_RECORD)
LENGTH_MISMATCH = _DROPS.index(WireReason.LENGTH_MISMATCH)
BAD_COUNT = _DROPS.index(WireReason.BAD_COUNT)
BAD_SET_ID = _DROPS.index(WireReason.BAD_SET_ID)
EMPTY = _DROPS.index(WireReason.EMPTY)
UNKNOWN_VERSION = _DROPS.index(WireReason.UNKNOWN_VERSION)
NO_COUNTERS = _DROPS.index(WireReason.NO_COUNTERS)
NO_ADDRESSES = _DROPS.index(WireReason.NO_ADDRESSES)
UNKNOWN_ENCAPSULATION = _DROPS.index(WireReason.UNKNOWN_ENCAPSULATION)
UNKNOWN_SAMPLE = _DROPS.index(WireReason.UNKNOWN_SAMPLE)
BAD_ADDRESS_TYPE = _DROPS.index(WireReason.BAD_ADDRESS_TYPE)


class Tape(NamedTuple):
    """The arrays of ``Datagrams``."""

    payload: NDArray[np.uint8]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]
    received_at: NDArray[np.int64]
    exporter: NDArray[np.int64]
    source_port: NDArray[np.int64]


class Tables(NamedTuple):
    """What a walk knows and learns.

    Attributes:
        source_index: exporter and domain, version -> row of ``sources`` (``keys.KeyTable``).
        sources: (n, SOURCE_WORDS) what ``Of`` names, then READINGS times what ``Account`` names.
        program_index: exporter and domain, version and template id and port -> row of ``programs``.
        programs: (n, Program.WORDS). steps: (n, Step.WORDS).
        sampler_index: source and namespace, identifier -> bits of the float interval.
        totals: (Limits.totals_flows, totals.WORDS) running totals by flow.
        drops: counts in the order of ``WireReason``.
    """

    source_index: NDArray[np.int64]
    sources: NDArray[np.int64]
    program_index: NDArray[np.int64]
    programs: NDArray[np.int64]
    steps: NDArray[np.int64]
    sampler_index: NDArray[np.int64]
    totals: NDArray[np.int64]
    drops: NDArray[np.int64]


class Samples(NamedTuple):
    """What a walk learns from sFlow samples; apart from ``Tables``, so that other protocols do not carry it along.

    Attributes:
        rows: source and kind, identifier -> row of one of the next two (``keys.find``).
        data_sources: (Limits.data_sources, data_sources.ENTRY_WORDS) where packets were sampled.
        interfaces: (Limits.counted_interfaces, counters.Counter.WORDS) interface counters.
        room: what ``Room`` names.
    """

    rows: NDArray[np.int64]
    data_sources: NDArray[np.int64]
    interfaces: NDArray[np.int64]
    room: NDArray[np.int64]


@unique
class Room(IntEnum):
    """Words of ``Samples.room``: rows in use, how many of them one source may use, and what found no room."""

    DATA_SOURCES = 0
    DATA_SOURCES_PER_SOURCE = 1
    DATA_SOURCES_LEFT_OUT = 2
    INTERFACES = 3
    INTERFACES_PER_SOURCE = 4
    INTERFACES_LEFT_OUT = 5
    WORDS = 6


_LINE, _GRID = types.int64[::1], types.int64[:, ::1]
_named_tuple: Any = types.NamedTuple
PAYLOAD_TYPE = types.uint8[::1]
TAPE_TYPE = _named_tuple((PAYLOAD_TYPE, _LINE, _LINE, _LINE, _LINE, _LINE), Tape)
TABLES_TYPE = _named_tuple((_GRID, _GRID, _GRID, _GRID, _GRID, _GRID, _GRID, _LINE), Tables)
SAMPLES_TYPE = _named_tuple((_GRID, _GRID, _GRID, _LINE), Samples)
CELLS_TYPE = _GRID
STATE_TYPE = _LINE
"""Argument types of the kernels, as ``warm`` compiles them. Each array more costs every kernel it is handed on to
seven words of arguments, in compile time and in time; hence few arrays, and no ``Tape`` below the message."""


def source_key(exporter: int, version: int, domain: int) -> tuple[int, int]:
    """Key of a source; the walk computes the same."""
    return exporter << 32 | domain, version


def program_key(exporter: int, version: int, domain: int, template_id: int, port: int) -> tuple[int, int]:
    """Key of a template; port -1 is the entry for every source port. The walk computes the same."""
    return exporter << 32 | domain, version << 40 | template_id << 20 | port + 1
