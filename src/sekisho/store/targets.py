"""What a hunt looks for: addresses and small networks, matched against columns of flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from sekisho.core.address import to_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from sekisho.core.address import IPAddress

_V4_NETWORK, _V6_NETWORK = -256, -65_536
"""Masks of the network key of ``schema.indicators``: /24 of an IPv4 address, /48 of an IPv6 address."""

_NUMBERS = (
    "network", "hi_first", "hi_last", "lo_first", "lo_last", "port", "protocol", "valid_from_ms", "valid_until_ms",
)  # fmt: skip


class Matches(NamedTuple):
    """Pairs of a row and an indicator that it matches, ordered by row."""

    row: NDArray[np.int64]
    indicator: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Least and greatest words of the destinations of a row group; signed, as the columns are."""

    hi_first: int
    hi_last: int
    lo_first: int
    lo_last: int


class Targets:
    """Indicators, ready to be looked for.

    Args:
        numbers: columns of ``schema.indicators.INDICATORS`` that are numbers.
        labels: indicator -> what its feed calls it.
    """

    def __init__(self, numbers: Mapping[str, NDArray[np.int64]], labels: Sequence[str]) -> None:
        order = np.argsort(numbers["network"], kind="stable")
        self._number = order.astype(np.int64)
        self._of = {name: numbers[name][order] for name in _NUMBERS}
        self._networks = np.unique(self._of["network"])
        self.labels = tuple(labels)

    @classmethod
    def of_indicators(cls, table: pa.Table) -> Self:
        """Rows of ``INDICATORS``."""
        return cls({name: table[name].to_numpy() for name in _NUMBERS}, table["label"].to_pylist())

    @classmethod
    def of_address(cls, address: IPAddress) -> Self:
        """One address, any port and protocol, at any time."""
        hi, lo = to_words(address)
        network = lo & _V4_NETWORK if hi == 0 else hi & _V6_NETWORK
        one = (network, hi, hi, lo, lo, 0, 0, -(1 << 62), 1 << 62)
        numbers = {name: np.array([number]) for name, number in zip(_NUMBERS, one, strict=True)}
        return cls(numbers, [str(address)])

    def __len__(self) -> int:
        return len(self._number)

    @property
    def networks(self) -> NDArray[np.int64]:
        """Keys of the networks in which any of them lies, ascending."""
        return self._networks

    def may_be_within(self, bounds: Bounds) -> bool:
        """Whether a row of these bounds could match at all."""
        of = self._of
        return bool(
            (
                (of["hi_first"] <= bounds.hi_last)
                & (of["hi_last"] >= bounds.hi_first)
                & (of["lo_first"] <= bounds.lo_last)
                & (of["lo_last"] >= bounds.lo_first)
            ).any()
        )

    def near(self, dst_hi: NDArray[np.int64], dst_lo: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows whose destination lies in the network of some indicator: few, and everything else is not looked at."""
        key = np.where(dst_hi == 0, dst_lo & _V4_NETWORK, dst_hi & _V6_NETWORK)
        if len(self._networks) == 1:
            return np.flatnonzero(key == self._networks[0])
        place = np.minimum(np.searchsorted(self._networks, key), len(self._networks) - 1)
        return np.flatnonzero(self._networks[place] == key)

    def match(self, columns: Mapping[str, NDArray[Any]]) -> Matches:
        """Every pair of a row and an indicator: address, port and protocol agree, and the flow began while it held.

        Args:
            columns: ``dst_hi``, ``dst_lo``, ``dst_port``, ``protocol``, ``flow_start`` of rows that are near.
        """
        hi, lo = columns["dst_hi"], columns["dst_lo"]
        key = np.where(hi == 0, lo & _V4_NETWORK, hi & _V6_NETWORK)
        first = np.searchsorted(self._of["network"], key, side="left")
        count = np.searchsorted(self._of["network"], key, side="right") - first
        row = np.repeat(np.arange(len(key)), count)
        # The indicators of a network stand side by side: the n-th pair of a row is the n-th of them.
        at = np.repeat(first - (np.cumsum(count) - count), count) + np.arange(len(row))
        of = {name: values[at] for name, values in self._of.items()}
        start = columns["flow_start"][row]
        fits = (
            (hi[row] >= of["hi_first"])
            & (hi[row] <= of["hi_last"])
            & (lo[row] >= of["lo_first"])
            & (lo[row] <= of["lo_last"])
            & ((of["port"] == 0) | (of["port"] == columns["dst_port"][row]))
            & ((of["protocol"] == 0) | (of["protocol"] == columns["protocol"][row]))
            & (start >= of["valid_from_ms"])
            & (start < of["valid_until_ms"])
        )
        return Matches(row=row[fits], indicator=self._number[at[fits]])
