"""How assignments lie in memory for the lookup kernels.

One row an assignment, eight words, a cache line: a lookup reads a slot and a row. Rows are sorted by realm, prefix,
ports and time, so that the rows of one prefix are neighbours (a *group*), in it those of one port range (a *run*),
and everything inside a shorter prefix is one stretch. A group is found by hash (``slots.py``).

Nothing here changes once built. An update while lookups go on needs no lock: kernels get the whole ``Index`` as an
argument, so a small second index of recent changes can be asked first and merged into the next big one, and a swap is
one assignment of a reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from numba import types

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HI, LO, KIND, PORTS, VALID_FROM, VALID_TO, REACH, LINE = range(8)
"""Cells of a row.

KIND: run offset << 32 | realm << 8 | prefix length; the run offset is the distance to the first row of the run.
PORTS: first << 32 | last << 16 | reach; the reach is the highest last port of the group up to this row.
REACH: latest end in the run up to this row: a search back in time may stop once it is past.
LINE: key of the line, 0 where two lines share a key.
"""

ROW_CELLS = 8
KIND_MASK = 0xFFFFFFFF
WHOLE = 0xFFFF << 16
"""PORTS without the reach for an address that is not shared."""

HOUSEHOLD_FIRST, HOUSEHOLD_COUNT = 3, 4
"""Cells of a household (an end-user prefix of MAP-E with assignments inside it), after HI, LO, KIND."""

LENGTH, MASK_HI, MASK_LO = range(3)
"""Cells of a level: a prefix length that occurs, longest first."""

(
    RULE_BASE,
    RULE_MASK,
    RULE_SUFFIX_SHIFT,
    RULE_PSID_BITS,
    RULE_RUN_BITS,
    RULE_FIRST_PORT,
    RULE_PSID,
    RULE_EA_BITS,
    RULE_HI,
    RULE_LO,
    RULE_LENGTH,
    RULE_FROM,
    RULE_TO,
) = range(13)
"""Cells of a MAP-E rule; RULE_PSID is -1 where the PSID stands in the address."""

ROW_BITS = 32
ROW_MASK = (1 << ROW_BITS) - 1
BY_MAP_E = 1 << 40
"""Set in the row number that a lookup answers where MAP-E arithmetic led to the row."""

NOBODY = -(1 << 62)
"""No assignment at this instant; what else has no row is a negative ``UnattributedReason``."""


class Index(NamedTuple):
    """All arrays of the lookup, int64, read-only.

    Attributes:
        rows: (n, 8) assignments. slots: hash table of their groups.
        levels_4, levels_6: (l, 3) prefix lengths that occur, longest first.
        households: (h, 5) end-user prefixes of MAP-E. household_slots: hash table of them.
        rules: (r, 13) MAP-E rules, longest IPv4 prefix first. rules_of: (s, 2) first and last + 1 place in
            ``rule_order`` by the upper 16 bits of the IPv4 address; (0, 2) without rules. rule_order: (o,) rules.
        ours, special_use: (k, 4) ascending address ranges, both ends inclusive (``ranges.py``); ``special_use`` is
            empty with a single realm.
        endpoints: (e, 2) words of tunnel endpoints.
    """

    rows: NDArray[np.int64]
    slots: NDArray[np.int64]
    levels_4: NDArray[np.int64]
    levels_6: NDArray[np.int64]
    households: NDArray[np.int64]
    household_slots: NDArray[np.int64]
    rules: NDArray[np.int64]
    rules_of: NDArray[np.int64]
    rule_order: NDArray[np.int64]
    ours: NDArray[np.int64]
    special_use: NDArray[np.int64]
    endpoints: NDArray[np.int64]


READ_ONLY_LIST = types.Array(types.int64, 1, "C", readonly=True)
READ_ONLY_TABLE = types.Array(types.int64, 2, "C", readonly=True)

INDEX_TYPE = types.NamedTuple(  # type: ignore[no-untyped-call]
    (
        READ_ONLY_TABLE,
        READ_ONLY_LIST,
        READ_ONLY_TABLE,
        READ_ONLY_TABLE,
        READ_ONLY_TABLE,
        READ_ONLY_LIST,
        READ_ONLY_TABLE,
        READ_ONLY_TABLE,
        READ_ONLY_LIST,
        READ_ONLY_TABLE,
        READ_ONLY_TABLE,
        READ_ONLY_TABLE,
    ),
    Index,
)
