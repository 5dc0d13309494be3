"""MAP-E rules as arrays, and the reverse of ``map_e.py`` as a kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sekisho.attribution.layout import (
    NOBODY,
    RULE_BASE,
    RULE_EA_BITS,
    RULE_FIRST_PORT,
    RULE_FROM,
    RULE_HI,
    RULE_LENGTH,
    RULE_LO,
    RULE_MASK,
    RULE_PSID,
    RULE_PSID_BITS,
    RULE_RUN_BITS,
    RULE_SUFFIX_SHIFT,
    RULE_TO,
)
from sekisho.attribution.validity import OPEN_TO_MS
from sekisho.core.address import prefix_words
from sekisho.core.kernels import kernel
from sekisho.core.reasons import UnattributedReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sekisho.attribution.map_e import MapRule

_NEEDS_PORT = -int(UnattributedReason.NEEDS_PORT)
_PORT_OUTSIDE_SET = -int(UnattributedReason.PORT_OUTSIDE_SET)
_OVERLAP = -int(UnattributedReason.OVERLAP)

FOUND = 0
"""State of a reverse calculation that has an end-user prefix."""


def rule_rows(rules: Sequence[MapRule]) -> NDArray[np.int64]:
    """(r, 13) cells of the rules, longest IPv4 prefix first."""
    ordered = sorted(rules, key=lambda rule: -rule.ipv4_prefix.prefixlen)
    return np.array([_cells(rule) for rule in ordered], np.int64).reshape(len(rules), 13)


def rules_by_slash16(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """``rules_of`` and ``rule_order`` of ``layout.Index``: hundreds of rules are common, one lookup meets a few."""
    if not len(rows):
        return np.zeros((0, 2), np.int64), np.zeros(0, np.int64)
    upper = np.arange(1 << 16) << 16
    meets = [np.flatnonzero(upper & row[RULE_MASK] == row[RULE_BASE] & 0xFFFF0000) for row in rows]
    block = np.concatenate(meets)
    rule = np.repeat(np.arange(len(rows)), [len(m) for m in meets])
    order = np.lexsort((rule, block))
    first, last = (np.searchsorted(block[order], np.arange(1 << 16), side=side) for side in ("left", "right"))
    return np.stack([first, last], axis=1).astype(np.int64), rule[order].astype(np.int64)


def _cells(rule: MapRule) -> list[int]:
    hi, lo, _ = prefix_words(rule.ipv6_prefix)
    k = rule.psid_bits
    return [
        int(rule.ipv4_prefix.network_address),
        int(rule.ipv4_prefix.netmask),
        32 - rule.ipv4_prefix.prefixlen - rule.ipv4_suffix_bits,
        k,
        rule.contiguous_bits,
        1 << (16 - rule.psid_offset) if rule.psid_offset else 0,
        rule.psid if rule.psid is not None else -1,
        rule.ea_bits,
        hi,
        lo,
        rule.end_user_length,
        rule.valid_from_ms,
        rule.valid_to_ms,
    ]


@kernel
def _embedded_address(rule: Any, address: int, port: int) -> int:
    """EA bits behind an IPv4 address and a port, or the reason why there are none."""
    ea: int = (address & ~rule[RULE_MASK]) >> rule[RULE_SUFFIX_SHIFT]
    k = rule[RULE_PSID_BITS]
    if k == 0:
        return ea
    if port == 0:
        return _NEEDS_PORT
    psid = port >> rule[RULE_RUN_BITS] & ((1 << k) - 1)
    if port < rule[RULE_FIRST_PORT] or (rule[RULE_PSID] >= 0 and rule[RULE_PSID] != psid):
        return _PORT_OUTSIDE_SET
    return ea << k | psid if rule[RULE_EA_BITS] else 0


@kernel
def _end_user_words(rule: Any, ea: int) -> tuple[int, int]:
    """R6 | EA << (128 - r6 - o)."""
    shift = 128 - rule[RULE_LENGTH]
    if ea == 0:
        return rule[RULE_HI], rule[RULE_LO]
    if shift >= 64:
        return rule[RULE_HI] | ea << (shift - 64), rule[RULE_LO]
    return rule[RULE_HI] | (ea >> (64 - shift) if shift else 0), rule[RULE_LO] | ea << shift


@kernel
def end_user_prefix_at(index: Any, address: int, port: int, at_ms: int) -> tuple[int, int, int, int, int]:
    """End-user prefix behind an IPv4 address and a port at an instant.

    Returns:
        State (``FOUND``, ``NOBODY`` where no rule has the address, or a negative reason), upper word, lower word,
        length, and until when this answer holds.
    """
    state, hi, lo, length, mask, until = NOBODY, 0, 0, 0, 0, OPEN_TO_MS
    if index.rules_of.shape[0] == 0:
        return state, hi, lo, length, until
    for place in range(index.rules_of[address >> 16, 0], index.rules_of[address >> 16, 1]):
        rule = index.rules[index.rule_order[place]]
        if address & rule[RULE_MASK] != rule[RULE_BASE] or at_ms >= rule[RULE_TO]:
            continue
        if at_ms < rule[RULE_FROM]:
            until = min(until, rule[RULE_FROM])
            continue
        if state != NOBODY and rule[RULE_MASK] != mask:
            break
        mask, until = rule[RULE_MASK], min(until, rule[RULE_TO])
        ea = _embedded_address(rule, address, port)
        if ea < 0:
            state = ea if state == NOBODY else state
            continue
        found_hi, found_lo = _end_user_words(rule, ea)
        if state == FOUND and (found_hi, found_lo, rule[RULE_LENGTH]) != (hi, lo, length):
            return _OVERLAP, 0, 0, 0, until
        state, hi, lo, length = FOUND, found_hi, found_lo, rule[RULE_LENGTH]
    return state, hi, lo, length, until
