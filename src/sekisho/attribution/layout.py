"""The index in memory: one array of 64-bit words that the lookup kernels walk.

A header gives the first word and the end of each section. Things in a section are known by the place of their first
word, so ``memory[row + LINE]`` is the line of the assignment at ``row``. One array and not a dozen: numba counts
references at every call for every array passed, which costs more than the lookup. What changes while it is used goes
to spare room behind the sections (``updates.py``).

An assignment is a *row* of eight words, a cache line. Rows are sorted by realm, prefix, ports and time, so that the
rows of one prefix are neighbours (a *group*), in it those of one port range (a *run*), and everything inside a shorter
prefix is one stretch. A group is found by hash (``slots.py``).
"""

from __future__ import annotations

import mmap
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from numba import types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

(
    OURS,
    SPECIAL_USE,
    ENDPOINTS,
    LEVELS_4,
    LEVELS_6,
    RULES,
    RULE_LISTS,
    HOUSEHOLDS,
    HOUSEHOLD_SLOTS,
    DIRECTORIES,
    ROWS,
    SLOTS,
    LATER_ROWS,
    LATER_HOUSEHOLD_ROWS,
) = SECTIONS = tuple(range(0, 28, 2))
"""Place of a section's first word in the header; its end stands behind it.

OURS, SPECIAL_USE: ascending address ranges (``ranges.py``); SPECIAL_USE is empty with a single realm.
ENDPOINTS: two words an address. LEVELS_4, LEVELS_6: prefix lengths that occur, longest first.
RULES: MAP-E rules, longest IPv4 prefix first. RULE_LISTS: which rules meet each /16 (``map_e_index.py``).
HOUSEHOLDS: end-user prefixes of MAP-E with assignments inside. DIRECTORIES: prefixes shared by ports.
ROWS: assignments. SLOTS: hash table of groups and directories; HOUSEHOLD_SLOTS: of households.
LATER_ROWS, LATER_HOUSEHOLD_ROWS: rows of runs and of households that were changed since; copies where both hold one.
"""

GROWING = (LATER_ROWS, LATER_HOUSEHOLD_ROWS, DIRECTORIES, HOUSEHOLDS)
"""Sections whose end moves as the index is changed."""

SLOTS_LEFT, HOUSEHOLD_SLOTS_LEFT, ROWS_LIMIT, HOUSEHOLD_ROWS_LIMIT, DIRECTORIES_LIMIT, HOUSEHOLDS_LIMIT = range(6)
"""Room for changes: groups that may still be entered, and where each section of ``GROWING`` must end."""

WORD_OCTETS = 8
LINE_WORDS = 8
"""Words of a cache line; every section begins at one."""

HI, LO, KIND, PORTS, VALID_FROM, VALID_TO, REACH, LINE = range(8)
"""Words of a row.

KIND: inferred << 62 | told << 61 | run offset << 32 | realm << 8 | prefix length; the run offset counts the rows to the
first one of the run.
PORTS: first << 32 | last << 16 | reach; the reach is the highest last port of the group up to this row.
REACH: latest end in the run up to this row: a search back in time may stop once it is past. Beyond ``OPEN_TO_MS`` in
the last row of a run: the run has moved, to a place and with a number of rows as a slot has them.
LINE: key of the line, 0 where two lines share a key.
"""

ROW_WORDS = 8
RUN_SHIFT = 32
RUN_MASK = (1 << 22) - 1
INFERRED = 1 << 62
"""Set in the kind of a row whose holder is only inferred at that time."""
TOLD = 1 << 61
"""Set in the kind of a row that a source told and may change; the others are the operator's lists."""
KIND_MASK = (1 << RUN_SHIFT) - 1
REALM_SHIFT = 8
LENGTH_MASK = 0xFF
MAX_REALMS = 1 << 24
PORT_MASK = 0xFFFF
WHOLE = 0xFFFF
"""``PORTS >> 16`` of an address that is not shared."""

DIRECTORY_FIRST, DIRECTORY_COUNTS, BUCKET_SHIFT = 3, 4, 10
DIRECTORY_WORDS = 72
"""Words of a directory behind HI, LO, KIND: the group's first row, then 65 counts: how many rows of the group begin
below port 0, 1024, 2048 … 65536. A search among a hundred port blocks would miss the cache seven times."""

HOUSEHOLD_FIRST, HOUSEHOLD_COUNT, HOUSEHOLD_WORDS = 3, 4, 8
"""Words of a household behind HI, LO, KIND: its first row and the number of its rows."""

LENGTH, MASK_HI, MASK_LO, LEVEL_WORDS = range(4)
"""Words of a level."""

RANGE_WORDS, ENDPOINT_WORDS = 4, 2

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
    RULE_WORDS,
) = range(14)
"""Words of a MAP-E rule; RULE_PSID is -1 where the PSID stands in the address."""

BY_MAP_E = 1 << 40
"""Set in the place of the row that a lookup answers where MAP-E arithmetic led to it."""

ROW_MASK = BY_MAP_E - 1

NOBODY = -(1 << 62)
"""No assignment at this instant; what else has no row is a negative ``UnattributedReason``."""

MEMORY = types.Array(types.int64, 1, "C", readonly=True)
"""Numba type of an index: nothing changes in it once it is built."""

BEING_BUILT = types.int64[::1]


def allocate(words: Mapping[int, int]) -> NDArray[np.int64]:
    """Zeroed memory for sections of so many words, with its header; section by section at cache lines."""
    starts: list[int] = []
    end = _up_to_line(len(SECTIONS) * 2)
    for section in SECTIONS:
        starts.append(end)
        end = _up_to_line(end + words[section])
    # Private pages of the system and not the heap: whole cache lines, zeroed, and huge where it has huge ones, since
    # with small pages every lookup in a gigabyte misses the address translation too.
    pages = mmap.mmap(-1, end * WORD_OCTETS, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):
        pages.madvise(mmap.MADV_HUGEPAGE)
    memory = np.frombuffer(pages, np.int64)
    for section, start in zip(SECTIONS, starts, strict=True):
        memory[section], memory[section + 1] = start, start + words[section]
    return memory


def section(memory: NDArray[np.int64], which: int) -> NDArray[np.int64]:
    """The words of a section, as a view."""
    return memory[memory[which] : memory[which + 1]]


def _up_to_line(words: int) -> int:
    return -(-words // LINE_WORDS) * LINE_WORDS
