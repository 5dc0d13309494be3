"""Files of indicators: the format is told from the content, and every entry is taken or counted under a reason."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from sekisho.core.address import to_words
from sekisho.core.errors import InputError
from sekisho.detect.indicators import delimited, misp, plain
from sekisho.detect.indicators.model import Indicator, SkipError, Skipped, SkipReason
from sekisho.detect.indicators.refusal import Refusals
from sekisho.schema.indicators import INDICATORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sekisho.core.address import IPNetwork
    from sekisho.detect.indicators.model import Entry

FILE_OCTETS_LIMIT = 256 << 20
"""Largest file read: the largest public lists have a tenth of it."""

INDICATORS_LIMIT = 1_000_000
"""Indicators held at most, 200 octets each; what comes after is counted under ``limit``."""

EXPECTED = "a list of addresses, CSV with a header, MISP JSON or STIX 2.1"

_JSON = re.compile(r"\s*(\{|\[\s*[\[{])")
"""A list of plain addresses may begin with a bracket as well: ``[2001:db8::1]:443``."""
_SIGN = 1 << 63


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What became of a file.

    Attributes:
        name: as it was given.
        taken: indicators.
        skipped: entries that are none, by reason.
        example: the first of them; None where there is none.
    """

    name: str
    taken: int
    skipped: Mapping[SkipReason, int]
    example: Skipped | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicators:
    """All that was read.

    Attributes:
        table: rows of ``INDICATORS``.
        reports: one a file.
    """

    table: pa.Table
    reports: tuple[FileReport, ...]

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def for_lines(self, lines: Sequence[int], at_ms: int) -> pa.Table:  # noqa: ARG002 - what every input is asked
        """The same for every line and time: the statement compares the times itself."""
        return self.table


def read_indicators(paths: Iterable[Path], *, is_ours: Callable[[IPNetwork], bool]) -> Indicators:
    """Read files of any format, in the order given.

    Args:
        paths: files; a MISP feed is given by its ``manifest.json``, and its events are read from beside it.
        is_ours: whether a network lies in the operator's own prefixes.

    Raises:
        InputError: a file that cannot be read or that has no usable entry.
    """
    refusals = Refusals(is_ours)
    taken: list[Indicator] = []
    reports = []
    for path in paths:
        before, skipped, example = len(taken), Counter[SkipReason](), None
        for entry in _judged(_entries(path), refusals):
            if isinstance(entry, Indicator) and len(taken) < INDICATORS_LIMIT:
                taken.append(entry)
                continue
            skip = entry if isinstance(entry, Skipped) else _beyond_limit(entry)
            skipped[skip.reason] += 1
            example = example or skip
        report = FileReport(name=str(path), taken=len(taken) - before, skipped=dict(skipped), example=example)
        _require_some(path, report)
        reports.append(report)
    return Indicators(table=table_of(taken), reports=tuple(reports))


def table_of(indicators: Sequence[Indicator]) -> pa.Table:
    """Rows of ``INDICATORS``."""
    ranges = [_range(indicator.network) for indicator in indicators]
    columns: dict[str, list[Any]] = {
        "indicator": list(range(len(indicators))),
        "network": [_key(hi, lo) for hi, _, lo, _ in ranges],
        "hi_first": [row[0] for row in ranges],
        "hi_last": [row[1] for row in ranges],
        "lo_first": [row[2] for row in ranges],
        "lo_last": [row[3] for row in ranges],
        "port": [indicator.port for indicator in indicators],
        "protocol": [indicator.protocol for indicator in indicators],
        "valid_from_ms": [indicator.valid_from_ms for indicator in indicators],
        "valid_until_ms": [indicator.valid_until_ms for indicator in indicators],
        "sinkhole": [int(indicator.is_sinkhole) for indicator in indicators],
        "label": [indicator.label for indicator in indicators],
        "source": [indicator.source for indicator in indicators],
    }
    arrays = [
        pa.array(columns[c.name], pa.string() if c.name in {"label", "source"} else None) for c in INDICATORS.columns
    ]
    cast = [array.cast(c.type.arrow) for array, c in zip(arrays, INDICATORS.columns, strict=True)]
    return pa.Table.from_arrays(cast, schema=INDICATORS.arrow_schema())


def _judged(entries: Iterable[Entry], refusals: Refusals) -> Iterator[Entry]:
    for entry in entries:
        if isinstance(entry, Indicator):
            try:
                refusals.require_usable(entry.network)
            except SkipError as skip:
                yield skip.at(entry.source)
                continue
        yield entry


def _beyond_limit(indicator: Indicator) -> Skipped:
    expected = f"at most {INDICATORS_LIMIT:,} indicators"
    return SkipError(SkipReason.LIMIT, expected=expected, found=indicator.network).at(indicator.source)


def _require_some(path: Path, report: FileReport) -> None:
    if report.taken:
        return
    counts = ", ".join(f"{count} {reason.value}" for reason, count in report.skipped.items())
    example = f"; {report.example}" if report.example else ""
    raise InputError(path, f"expected {EXPECTED}, found no usable indicator ({counts or 'no entry at all'}{example})")


def _entries(path: Path) -> Iterator[Entry]:
    text = _text(path)
    if not _JSON.match(text):
        yield from (delimited if delimited.header_of(text) is not None else plain).read(text, path.name)
        return
    document = _document(path, text)
    if misp.is_manifest(document):
        for event in sorted(document):
            yield from _feed_event(path, event)
        return
    yield from _of_document(path, document)


def _feed_event(manifest: Path, event: str) -> Iterator[Entry]:
    path = manifest.parent / f"{event}.json"
    if path.parent != manifest.parent or path.name != f"{event}.json":
        raise InputError(manifest, f"expected identifiers of events, found {event!r}")
    yield from misp.read(_document(path, _text(path)), path.name)


def _of_document(path: Path, document: Any) -> Iterator[Entry]:
    from sekisho.detect.indicators import stix  # its parser takes a fifth of a second to load

    if misp.is_misp(document):
        yield from misp.read(document, path.name)
    elif stix.is_stix(document):
        yield from stix.read(document, path.name)
    else:
        raise InputError(path, f"expected {EXPECTED}, found other JSON")


def _document(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(path, f"expected JSON, found: {error.msg}", line=error.lineno) from error
    except RecursionError as error:
        raise InputError(path, "expected JSON, found brackets in brackets without end") from error


def _text(path: Path) -> str:
    try:
        if (size := path.stat().st_size) > FILE_OCTETS_LIMIT:
            raise InputError(path, f"expected at most {FILE_OCTETS_LIMIT >> 20} MiB, found {size >> 20} MiB")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(path, f"expected a file that can be read, found: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(path, f"expected UTF-8 text, found another octet at {error.start}") from error


def _range(network: IPNetwork) -> tuple[int, int, int, int]:
    """Least and greatest upper word, least and greatest lower word, of a network of /48 or longer (IPv4: any)."""
    hi_first, lo_first = to_words(network.network_address)
    hi_last, lo_last = to_words(network.broadcast_address)
    if hi_first != hi_last or (lo_first, lo_last) == (0, -1):
        # Every lower word lies in it; as signed numbers they run from the least to the greatest there is.
        return hi_first, hi_last, -_SIGN, _SIGN - 1
    return hi_first, hi_last, lo_first, lo_last


def _key(hi: int, lo: int) -> int:
    """The network key that ``detector.NETWORK`` computes in SQL."""
    return lo & -256 if hi == 0 else hi & -65_536
