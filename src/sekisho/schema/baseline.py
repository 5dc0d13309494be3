"""What is usual for a line at an hour of the week, as detectors see it."""

from __future__ import annotations

from sekisho.schema.table import Column, Table, Type

BASELINE = Table(
    name="baseline",
    meaning="One row a line and hour of which enough is known.",
    columns=(
        Column(name="line", type=Type.INT64, meaning="key of the line"),
        Column(name="hour_start_ms", type=Type.INT64, unit="ms", meaning="start of the hour, UTC"),
        Column(name="weeks", type=Type.INT64, meaning="earlier weeks in which that hour was learnt"),
        Column(
            name="usual_octets",
            type=Type.FLOAT64,
            unit="octets",
            meaning="sent in that hour: the median of those weeks, or the second most of the last seven days if more",
        ),
        Column(
            name="spread",
            type=Type.FLOAT64,
            unit="octaves",
            meaning="standard deviation of the logarithm over those weeks: 1 = a factor of 2",
        ),
    ),
)
