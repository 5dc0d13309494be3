"""Whose a datagram is: its sender's, or that of the sFlow agent which it names, if the sender may speak for that agent.

The agent's address is a field that any sender can fill. Where ``sent_from`` says which addresses forward for an agent,
datagrams of others that name it are refused: without that one exporter could put traffic into the numbers of another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import types

from sekisho.core.address import to_words
from sekisho.core.kernels import borrowing_kernel, warm
from sekisho.wire import sflow5

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.collect.exporters import Exporters

FOREIGN = -2
"""``FOREIGN - code`` stands in the place of the code of an exporter whom the sender may not speak for."""


@borrowing_kernel
def refuse_foreign(
    code: NDArray[np.int64],
    agent: NDArray[np.int64],
    source: NDArray[np.int64],
    first: NDArray[np.int64],
    senders: NDArray[np.int64],
) -> None:
    """Put ``FOREIGN - code`` where a datagram names an agent and comes from neither it nor one of its senders.

    Args:
        code: (n,) exporters, changed.
        agent: (n, 2) address that each code is of, upper and lower words.
        source: likewise, where it came from.
        first: (exporters + 1,) row of ``senders`` at which those of an exporter begin; none = everybody may.
        senders: (m, 2) addresses.
    """
    for i in range(len(code)):
        if code[i] < 0 or code[i] + 1 >= len(first):
            continue
        at, end = first[code[i]], first[code[i] + 1]
        if at == end or (source[i, 0] == agent[i, 0] and source[i, 1] == agent[i, 1]):
            continue
        while at < end and (senders[at, 0] != source[i, 0] or senders[at, 1] != source[i, 1]):
            at += 1
        if at == end:
            code[i] = FOREIGN - code[i]


_COLUMN, _TABLE = types.int64[::1], types.int64[:, ::1]
KERNELS = ((refuse_foreign, (_COLUMN, _TABLE, _TABLE, _COLUMN, _TABLE)), *sflow5.KERNELS)


class Agents:
    """Numbers the exporters of datagrams.

    Args:
        exporters: who may send.
    """

    def __init__(self, exporters: Exporters) -> None:
        self._exporters = exporters
        counts = [len(exporter.sent_from) for exporter in exporters.configured]
        self._first = np.cumsum([0, *counts], dtype=np.int64)
        words = [to_words(address) for exporter in exporters.configured for address in exporter.sent_from]
        self._senders = np.array(words, np.int64).reshape(-1, 2)

    def start(self) -> None:
        """Compile the kernels."""
        warm((KERNELS,))

    def codes(
        self,
        payload: NDArray[np.uint8],
        offset: NDArray[np.int64],
        length: NDArray[np.int64],
        source: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Codes of the exporters of datagrams; ``REFUSED`` for nobody's, ``FOREIGN - code`` for a false one's.

        Args:
            payload: what holds the datagrams.
            offset: where each stands in it.
            length: octets of each.
            source: (n, 2) addresses that they came from, upper and lower words.

        Returns:
            (n,) int64.
        """
        agent = source.copy()
        sflow5.name_exporters(payload, offset, length, agent)
        code = self._exporters.codes(agent)
        refuse_foreign(code, agent, source, self._first, self._senders)
        return code
