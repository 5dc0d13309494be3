# ruff: noqa: S608  the statements are put together from the schema and the detectors alone
"""The portable SQL that narrows a store down to the lines at which a detector may find something.

From flows it makes both window tables by their definitions, keeps each line's primary boundary, and asks every
detector's own screen and suspects. The answer holds at least every line on which something opens in the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.detect import weak
from sekisho.schema.line_window import LINE_WINDOW, WINDOW_MS
from sekisho.windows.sql import FLOW_MS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sekisho.detect.detector import Detector

CONTEXT_LINES = 600
"""Further lines of each exporter: whether it shows both ways is told from 512 of them (``detect/ways.py``)."""

_STEADY_WINDOWS = 6
SLICE_MS = 3_600_000
"""Detectors look back an hour: whatever they put together lies within two hours that begin on the hour."""

_RENAMED = {"received_ms": "received_at", "start_ms": "flow_start", "end_ms": "flow_end"}

FLOW_MS_SQL = f"select {', '.join(f'{_RENAMED.get(name, name)} as {name}' for name in FLOW_MS.names)} from attributed"

PRIMARY_SQL = """
select line, side, boundary from (
  select line, side, boundary, row_number() over (partition by line, side order by octets desc, boundary) as place
  from (
    select line, side, boundary, cast(sum(octets) as double) as octets
    from every_window group by line, side, boundary
  ) seen
) ordered where place = 1
"""
"""The boundary that has seen most of each side of a line."""

WINDOWS_SQL = f"""
select {", ".join(f"w.{name}" for name in LINE_WINDOW.names)}
from every_window w join primary_boundary b on b.line = w.line and b.side = w.side and b.boundary = w.boundary
where w.side = 0 and w.line > 0
"""
TARGETS_SQL = """
select t.* from every_target t join primary_boundary b on b.line = t.line and b.side = 0 and b.boundary = t.boundary
where t.line > 0
"""

SLICES_SQL = f"""
select line, slice, row_number() over (order by line, slice) as number from (
  select distinct line, block_start_ms // {SLICE_MS} as slice from targets
  union
  select distinct line, block_start_ms // {SLICE_MS} + 1 as slice from targets
) each_slice
"""
"""Numbers for a line and two hours: a statement that puts all rows of a line together then sees no more than that."""

SLICED_SQL = f"""
select s.number, t.* from targets t
  join slices s on s.line = t.line
    and (s.slice = t.block_start_ms // {SLICE_MS} or s.slice = t.block_start_ms // {SLICE_MS} + 1)
"""

CONTEXT_SQL = f"""
select line from (
  select exporter, line, row_number() over (partition by exporter order by line) as place from (
    select exporter, src_line as line, count(distinct end_ms // {WINDOW_MS}) as windows
    from flow_ms where src_line > 0 group by exporter, src_line
  ) seen where windows >= {_STEADY_WINDOWS}
) ordered where place <= {CONTEXT_LINES}
"""

TOTALS_SQL = """
select count(*) as records, min(received_at) as first_ms, max(received_at) as last_ms from attributed
"""
UNATTRIBUTED_SQL = """
select greatest(src_unattributed, dst_unattributed) as reason, count(*) as records
from attributed where src_line = 0 and dst_line = 0 group by greatest(src_unattributed, dst_unattributed)
"""
LATE_SQL = f"""
select count(*) as records from attributed f join exporter_cap c on c.exporter = f.exporter
where f.boundary >= 0 and (f.src_line <> 0 or f.dst_line <> 0)
  and (least(greatest(f.flow_start, least(f.flow_end, f.received_at) - c.active_cap_ms),
    least(f.flow_end, f.received_at)) // {WINDOW_MS} + 1) * {WINDOW_MS} + c.lateness_ms < f.received_at
"""
"""Records of which a part came after its window was closed."""


def screened_sql(detectors: Iterable[Detector]) -> str:
    """Lines and, by detector, whether any of their windows is let through."""
    screens = {detector.name: detector.least(detector.screen) for detector in detectors} | {"weak": weak.SCREEN}
    flags = ", ".join(f"max(case when {screen} then 1 else 0 end) as {name}" for name, screen in screens.items())
    return f"select line, {flags} from windows group by line"


def suspects_sql(detector: Detector) -> str:
    """Lines of one detector, over ``screened`` and, under the name ``line_target``, the numbered slices."""
    if not detector.suspects or set(detector.inputs) - {"indicators"}:
        return f"select k.line from screened k where k.{detector.name} = 1"
    return f"""select distinct k.line from ({detector.least(detector.suspects)}) s
  join slices n on n.number = s.line join screened k on k.line = n.line where k.{detector.name} = 1"""


WEAK_SQL = f"select distinct n.line from ({weak.SUSPECTS}) s join slices n on n.number = s.line"
