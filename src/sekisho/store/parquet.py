"""Compacted flows: the order of the rows and the encodings, both chosen by measurement.

Octets a record of 1 M records of the scenario ``bench``, zstd: by time of reception 21.3, by destination and time 18.8,
by destination, source and time 18.7; with the encodings below 17.5. Dictionaries cost up to half an octet a column
where values hardly repeat (times, addresses, ports), and delta encoding gains an octet on the times of sampled flows.
Splitting bytes (``BYTE_STREAM_SPLIT``) would gain half an octet more on ports and packets, and not every engine reads
it for integers. zstd at level 3 costs a fifth more time and gains nothing.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from sekisho.schema.flow import FLOW
from sekisho.store.layout import HOUR_MS, PARQUET, PART, partition, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from sekisho.store.columns import Rows

ROW_GROUP_ROWS = 1 << 16
"""A hunt reads whole groups. Twice as many rows save 0.4 octets a record and cost a hunt a third more time; half as
many cost 0.4 octets more and gain nothing, since what is known about the groups has to be read as well."""

ORDER = ("dst_hi", "dst_lo", "src_hi", "src_lo", "flow_start")
"""Destination first: hunt asks who sent to an address, and a group then holds few neighbouring destinations."""

_DELTA = ("received_at", "flow_start", "flow_end")
_PLAIN = ("src_hi", "src_lo", "dst_hi", "dst_lo", "src_port", "dst_port", "dst_line")
_DICTIONARY = [name for name in FLOW.names if name not in (*_DELTA, *_PLAIN)]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFile:
    """A Parquet file of one hour of reception and one exporter.

    Attributes:
        path: below the store's folder.
        hour_ms: beginning of the hour.
        first_ms, last_ms: earliest and latest reception.
        start_ms, end_ms: earliest start and latest end of a flow.
    """

    path: str
    hour_ms: int
    exporter: str
    rows: int
    first_ms: int
    last_ms: int
    start_ms: int
    end_ms: int

    def to_json(self) -> dict[str, Any]:
        """For a commit."""
        return asdict(self)

    def place(self, root: Path) -> Path:
        """Where it stands; a file that was just committed may not have got its name yet."""
        final = root / self.path
        return final if final.exists() else final.with_name(final.name + PART)


def write_flows(rows: Rows, root: Path, *, folder: str, name: str) -> Iterator[FlowFile]:
    """Write rows by hour and exporter; each file is on the disk, without its name, when it is given back.

    Args:
        rows: of any hours and exporters.
        root: folder of the store.
        folder: ``flows`` or ``kept``.
        name: of the files in their folders.

    Raises:
        OSError: the disk refuses.
    """
    exporters = rows.texts["exporter"]
    # Hour and exporter as one number: to compare pairs took a third of the time of a compaction.
    place = rows.columns["received_at"] // HOUR_MS * len(exporters) + rows.columns["exporter"]
    for number in np.unique(place).tolist():
        chosen = np.flatnonzero(place == number)
        hour, text = number // len(exporters) * HOUR_MS, exporters[number % len(exporters)]
        path = f"{folder}/{partition(hour, text)}/{name}{PARQUET}"
        _write(rows, chosen, root / f"{path}{PART}")
        yield _described(rows, chosen, path=path, hour_ms=hour, exporter=text)


def read_flows(path: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a file, a row group after the other, with the types of ``FLOW``.

    Raises:
        OSError: there is no such file, or it cannot be read.
    """
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield from file.read_row_group(group).to_batches()


def _write(rows: Rows, chosen: NDArray[np.int64], path: Path) -> None:
    order = chosen[np.lexsort([rows.columns[name][chosen] for name in reversed(ORDER)])]
    is_new = not path.parent.exists()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("wb") as file:
        pq.write_table(
            rows.table(order),
            file,
            row_group_size=ROW_GROUP_ROWS,
            compression="zstd",
            use_dictionary=_DICTIONARY,
            column_encoding=dict.fromkeys(_DELTA, "DELTA_BINARY_PACKED"),
        )
        file.flush()
        os.fsync(file.fileno())
    # The folders of an hour and an exporter are names as well, and the segments are removed soon.
    for folder in path.parents[: 3 if is_new else 1]:
        sync_folder(folder)


def _described(rows: Rows, chosen: NDArray[np.int64], *, path: str, hour_ms: int, exporter: str) -> FlowFile:
    received, start, end = (rows.columns[name][chosen] for name in ("received_at", "flow_start", "flow_end"))
    return FlowFile(
        path=path,
        hour_ms=hour_ms,
        exporter=exporter,
        rows=len(chosen),
        first_ms=int(received.min()),
        last_ms=int(received.max()),
        start_ms=int(start.min()),
        end_ms=int(end.max()),
    )
