"""Exporters by number: which source address is which exporter, and how long it holds a flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from sekisho.collect import pair_table
from sekisho.collect.pair_table import ABSENT, PairTable, slot_of
from sekisho.core.address import parse_address, text_of_words, to_words
from sekisho.core.config import Exporter, Sees
from sekisho.core.kernels import kernel, warm

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

MAX_UNCONFIGURED = 4096
"""Networks have some hundreds of exporting routers; a capture with forged sources must not grow tables without end.
Datagrams of further addresses are counted ``unknown_exporter``; configured exporters always have their place."""

REFUSED = -1
"""Code of an address that is no exporter."""

DAY_MS = 86_400_000
"""Longest duration believed of a flow whose exporter has no configured active timeout."""

UNCONFIGURED_TIMEOUT_S = 1800
"""IOS and IOS XR hold a running flow for 1,800 s unless told otherwise, the longest of the usual defaults."""

LATENESS_MARGIN_S = 30
"""A record may arrive this much after its timeout: export is queued, and clocks differ."""


@kernel
def code_addresses(
    addresses: NDArray[np.int64], first: int, is_closed: bool, table: NDArray[np.int64], code: NDArray[np.int64]
) -> int:
    """Fill ``code`` from row ``first``; returns the first row whose address is new, or the number of rows."""
    for row in range(first, len(code)):
        value = table[slot_of(addresses[row, 0], addresses[row, 1], table), 2]
        if value == ABSENT and not is_closed:
            return row
        code[row] = REFUSED if value == ABSENT else value
    return len(code)


_TABLE = numba.int64[:, ::1]
KERNELS = (
    *pair_table.KERNELS,
    (code_addresses, (_TABLE, numba.int64, numba.boolean, _TABLE, numba.int64[::1])),
)


class Exporters:
    """Numbers the exporters of a run: the configured ones first, in their order, then others as they appear.

    Attributes:
        texts: code -> address; share it with the decoder and the batches, it only grows.
        configured: code -> settings of the configured ones; of two with one address the first counts.
        limit: codes stay below this.
        active_cap_ms: (limit,) int64, what a flow's duration is capped at, by code.
        lateness_ms: (limit,) int64, how long a window waits for records, by code.
    """

    def __init__(self, configured: Iterable[Exporter] = (), *, accept_unconfigured: bool = True) -> None:
        self.configured = tuple({exporter.address: exporter for exporter in reversed(tuple(configured))}.values())[::-1]
        self.texts = [str(exporter.address) for exporter in self.configured]
        self.limit = len(self.configured) + (MAX_UNCONFIGURED if accept_unconfigured else 0)
        self.active_cap_ms, self.lateness_ms = self._timeouts()
        self._table = PairTable(max(self.limit, 1))

    def start(self) -> None:
        """Compile the kernels and enter the configured exporters; a second call changes nothing."""
        warm([KERNELS])
        for code, exporter in enumerate(self.configured):
            self._table.put(*to_words(exporter.address), code)

    def codes(self, addresses: NDArray[np.int64]) -> NDArray[np.int64]:
        """Codes of source addresses; ``REFUSED`` for one that is unconfigured or over the limit.

        Args:
            addresses: (n, 2) int64, upper and lower words.

        Returns:
            (n,) int64.
        """
        code = np.empty(len(addresses), dtype=np.int64)
        row = 0
        while (row := self._code_from(row, addresses, code)) < len(code):
            self._add(int(addresses[row, 0]), int(addresses[row, 1]))
        return code

    def code(self, address: str) -> int:
        """Code of one address as a text; ``REFUSED`` likewise."""
        words = np.array([to_words(parse_address(address))], np.int64)
        return int(self.codes(words)[0])

    def settings(self, code: int) -> Exporter | None:
        """What is configured for an exporter."""
        return self.configured[code] if code < len(self.configured) else None

    def sees(self, code: int) -> Sees:
        """Which way of a conversation an exporter reports."""
        settings = self.settings(code)
        return settings.sees if settings is not None else Sees.BOTH

    def _code_from(self, row: int, addresses: NDArray[np.int64], code: NDArray[np.int64]) -> int:
        is_closed = len(self.texts) >= self.limit
        return int(code_addresses(addresses, row, is_closed, self._table.cells, code))

    def _add(self, address_hi: int, address_lo: int) -> None:
        self._table.put(address_hi, address_lo, len(self.texts))
        self.texts.append(text_of_words(address_hi, address_lo))

    def _timeouts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        active_cap_ms = np.full(self.limit, DAY_MS, dtype=np.int64)
        lateness_s = np.full(self.limit, UNCONFIGURED_TIMEOUT_S + LATENESS_MARGIN_S, dtype=np.float64)
        for code, exporter in enumerate(self.configured):
            if exporter.active_timeout_s is not None:
                active_cap_ms[code] = round(exporter.active_timeout_s * 1000)
            if exporter.longest_timeout_s is not None:
                lateness_s[code] = exporter.longest_timeout_s + LATENESS_MARGIN_S
        return active_cap_ms, np.rint(lateness_s * 1000).astype(np.int64)
