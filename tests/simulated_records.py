"""A simulation's datagrams through the project's own decoder, beside what the routers metered."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sekisho.schema.batch import NAMES
from sekisho.simulate import flow_cache as fc
from sekisho.wire.datagrams import Datagrams
from sekisho.wire.decoder import Decoder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from sekisho.simulate.delivery import Exported
    from sekisho.simulate.scenario import Scenario


@cache
def _warm() -> None:
    Decoder(exporters=[], realms=[""]).start()


def decoded(scenario: Scenario, datagrams: Iterable[Exported]) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    """Columns of all decoded records in order of arrival, and the (n, ROW) rows that were metered."""
    _warm()
    arrived = list(datagrams)
    decoder = Decoder(exporters=[str(part.address) for part in scenario.exporter], realms=[""])
    batches = decoder.decode(Datagrams.of([(int(d.at_ms), d.exporter, 50_000, d.octets) for d in arrived]))
    parts: dict[str, list[NDArray[Any]]] = {name: [np.zeros(0, np.int64)] for name in NAMES}
    for batch in batches:
        for name in NAMES:
            parts[name].append(batch.column(name).copy())
    rows = np.concatenate([np.zeros((0, fc.ROW), np.int64), *(d.rows for d in arrived)])
    return {name: np.concatenate(columns) for name, columns in parts.items()}, rows
