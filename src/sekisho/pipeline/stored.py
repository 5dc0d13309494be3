"""A flow store as the input of a run: its flows in the order of their reception, under the codes of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.collect.exporters import REFUSED
from sekisho.pipeline.clock import TICK_MS
from sekisho.store.read import replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sekisho.collect.exporters import Exporters
    from sekisho.schema.batch import FlowBatch


class StoredFlows:
    """What a store holds of the exporters of a run; another collector may write to the same store.

    Args:
        root: folder of the store.
        exporters: of the run.
        from_ms: earliest time of reception; None = from the first flow on.
        on_progress: told how many records have been read, and of how many (None = nobody knows).

    Attributes:
        refused: rows of exporters that are none of the run's.
    """

    def __init__(
        self,
        root: Path,
        *,
        exporters: Exporters,
        from_ms: int | None = None,
        on_progress: Callable[[int, int | None], None] = lambda *_: None,
    ) -> None:
        self.refused = 0
        self._root, self._exporters, self._from_ms, self._on_progress = root, exporters, from_ms, on_progress

    def __iter__(self) -> Iterator[FlowBatch]:
        """Batches in order, none of two ticks.

        Raises:
            InputError: there is no store, or something in it is damaged.
        """
        self._exporters.start()
        names: list[str] = []
        codes = np.empty(0, np.int64)
        rows = 0
        for flows in replay(self._root, exporters=names, realms=[""], step_ms=TICK_MS, from_ms=self._from_ms):
            rows += len(flows)
            self._on_progress(rows, None)
            new = [self._exporters.code(name) for name in names[len(codes) :]]
            codes = np.concatenate([codes, np.array(new, np.int64)])
            column = flows.column("exporter")
            column[:] = codes[column]
            flows.exporters = self._exporters.texts
            self._leave_out(flows)
            if len(flows):
                yield flows

    def _leave_out(self, flows: FlowBatch) -> None:
        """Rows of exporters that are not accepted."""
        ours = flows.column("exporter") != REFUSED
        kept = int(np.count_nonzero(ours))
        if kept < len(flows):
            self.refused += len(flows) - kept
            flows.cells[:, :kept] = flows.cells[:, : len(flows)][:, ours]
            flows.length = kept
