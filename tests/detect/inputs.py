"""Further tables as a run has them, so that every detector is on."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network

import pyarrow as pa

from detect.traffic import T0
from sekisho.detect.detect import Input
from sekisho.detect.indicators.model import ALWAYS_FROM_MS, ALWAYS_UNTIL_MS, Indicator
from sekisho.detect.indicators.read import table_of
from sekisho.schema.baseline import BASELINE

C2 = "203.0.113.200"
C2_PORT = 48_101
HOUR_MS = 3_600_000

_C2 = Indicator(
    network=ip_network(C2),
    port=C2_PORT,
    protocol=6,
    label="Mirai",
    source="feed.csv, line 2",
    is_sinkhole=False,
    valid_from_ms=ALWAYS_FROM_MS,
    valid_until_ms=ALWAYS_UNTIL_MS,
)


def baseline(lines: Sequence[int], *, usual_octets: float = 5e7, weeks: int = 4, spread: float = 0.5) -> pa.Table:
    """The same for every line and each of two hours around ``T0``."""
    hours = [T0 // HOUR_MS * HOUR_MS + hour * HOUR_MS for hour in range(2)]
    columns = {
        "line": [line for line in lines for _ in hours],
        "hour_start_ms": hours * len(lines),
        "weeks": [weeks] * (2 * len(lines)),
        "usual_octets": [usual_octets] * (2 * len(lines)),
        "spread": [spread] * (2 * len(lines)),
    }
    types = {column.name: column.type.arrow for column in BASELINE.columns}
    arrays = [pa.array(columns[name], types[name]) for name in BASELINE.names]
    return pa.Table.from_arrays(arrays, schema=BASELINE.arrow_schema())


INPUTS: dict[str, Input] = {
    "indicators": lambda _lines, _at_ms: table_of([_C2]),
    "baseline": lambda lines, _at_ms: baseline(lines),
}
