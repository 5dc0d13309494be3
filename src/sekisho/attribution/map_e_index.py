"""MAP-E rules as words, and the reverse of ``map_e.py`` as a kernel."""

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
    RULE_LISTS,
    RULE_LO,
    RULE_MASK,
    RULE_PSID,
    RULE_PSID_BITS,
    RULE_RUN_BITS,
    RULE_SUFFIX_SHIFT,
    RULE_TO,
    RULE_WORDS,
    RULES,
)
from sekisho.attribution.validity import OPEN_TO_MS
from sekisho.core.address import prefix_words
from sekisho.core.kernels import borrowing_kernel as kernel
from sekisho.core.reasons import UnattributedReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sekisho.attribution.map_e import MapRule

_NEEDS_PORT = -int(UnattributedReason.NEEDS_PORT)
_PORT_OUTSIDE_SET = -int(UnattributedReason.PORT_OUTSIDE_SET)
_OVERLAP = -int(UnattributedReason.OVERLAP)

_UPPER_HALVES = 1 << 16

FOUND = 0
"""State of a reverse calculation that has an end-user prefix."""


def rule_words(rules: Sequence[MapRule]) -> NDArray[np.int64]:
    """Words of the rules, longest IPv4 prefix first."""
    ordered = sorted(rules, key=lambda rule: -rule.ipv4_prefix.prefixlen)
    return np.array([word for rule in ordered for word in _words(rule)], np.int64)


def rule_lists(words: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each upper half of an IPv4 address the rules that meet it; hundreds of rules are common, a /16 has a few.

    Returns:
        65,537 places in this array and behind them the numbers of rules, longest IPv4 prefix first: those of
        upper half h stand from place h to place h + 1. Without rules nothing at all.
    """
    if not len(words):
        return words
    upper = np.arange(_UPPER_HALVES) << 16
    rules = words.reshape(-1, RULE_WORDS)
    meets = [np.flatnonzero(upper & rule[RULE_MASK] == rule[RULE_BASE] & 0xFFFF0000) for rule in rules]
    half = np.concatenate(meets)
    number = np.repeat(np.arange(len(rules)), [len(halves) for halves in meets])
    order = np.lexsort((number, half))
    places = np.searchsorted(half[order], np.arange(_UPPER_HALVES + 1)) + _UPPER_HALVES + 1
    return np.concatenate([places, number[order]]).astype(np.int64)


def _words(rule: MapRule) -> list[int]:
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
def _embedded_address(memory: Any, rule: int, address: int, port: int) -> int:
    """EA bits behind an IPv4 address and a port, or the reason why there are none."""
    ea: int = (address & ~memory[rule + RULE_MASK]) >> memory[rule + RULE_SUFFIX_SHIFT]
    k, provisioned = memory[rule + RULE_PSID_BITS], memory[rule + RULE_PSID]
    if k == 0:
        return ea
    if port == 0:
        return _NEEDS_PORT
    psid = port >> memory[rule + RULE_RUN_BITS] & ((1 << k) - 1)
    if port < memory[rule + RULE_FIRST_PORT] or (provisioned >= 0 and provisioned != psid):
        return _PORT_OUTSIDE_SET
    return ea << k | psid if memory[rule + RULE_EA_BITS] else 0


@kernel
def _end_user_words(memory: Any, rule: int, ea: int) -> tuple[int, int]:
    """R6 | EA << (128 - r6 - o)."""
    hi, lo, shift = memory[rule + RULE_HI], memory[rule + RULE_LO], 128 - memory[rule + RULE_LENGTH]
    if ea == 0:
        return hi, lo
    if shift >= 64:
        return hi | ea << (shift - 64), lo
    return hi | (ea >> (64 - shift) if shift else 0), lo | ea << shift


@kernel
def end_user_prefix_at(memory: Any, address: int, port: int, at_ms: int) -> tuple[int, int, int, int, int]:
    """End-user prefix behind an IPv4 address and a port at an instant; there is at least one rule.

    Returns:
        State (``FOUND``, ``NOBODY`` where no rule has the address, or a negative reason), upper word, lower word,
        length, and until when this answer holds.
    """
    state, hi, lo, length, mask, until = NOBODY, 0, 0, 0, 0, OPEN_TO_MS
    lists = memory[RULE_LISTS]
    for place in range(memory[lists + (address >> 16)], memory[lists + (address >> 16) + 1]):
        rule = memory[RULES] + memory[lists + place] * RULE_WORDS
        if address & memory[rule + RULE_MASK] != memory[rule + RULE_BASE] or at_ms >= memory[rule + RULE_TO]:
            continue
        if at_ms < memory[rule + RULE_FROM]:
            until = min(until, memory[rule + RULE_FROM])
            continue
        if state != NOBODY and memory[rule + RULE_MASK] != mask:
            break
        mask, until = memory[rule + RULE_MASK], min(until, memory[rule + RULE_TO])
        ea = _embedded_address(memory, rule, address, port)
        if ea < 0:
            state = ea if state == NOBODY else state
            continue
        found_hi, found_lo = _end_user_words(memory, rule, ea)
        found_length = memory[rule + RULE_LENGTH]
        if state == FOUND and (found_hi != hi or found_lo != lo or found_length != length):
            return _OVERLAP, 0, 0, 0, until
        state, hi, lo, length = FOUND, found_hi, found_lo, found_length
    return state, hi, lo, length, until
