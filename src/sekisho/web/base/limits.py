"""How often something may go wrong from one place before it is made to wait."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS_AT_MOST = 50_000
"""Some ten megabytes. Beyond it the key that has been silent longest is forgotten: whoever has so many addresses has a
number of tries for each anyway."""

IPV6_NETWORK_BITS = 64
"""A subscriber holds at least so much (RFC 6177), and may use a new address for every try."""


class RateLimiter:
    """Counts what went wrong by key over a sliding time; in memory, so a restart forgets it.

    Args:
        limit: so often within the period; the next has to wait.
        period_ms: length of the period, milliseconds.
        clock: milliseconds; set back, it makes everybody wait for so much longer.
        keys_at_most: keys that are kept.
    """

    def __init__(
        self, limit: int, period_ms: int, *, clock: Callable[[], int], keys_at_most: int = KEYS_AT_MOST
    ) -> None:
        self._limit, self._period_ms, self._clock, self._keys_at_most = limit, period_ms, clock, keys_at_most
        self._times: OrderedDict[str, deque[int]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, key: str) -> int:
        """Seconds until the next try is looked at; 0 where it is now."""
        with self._lock:
            times = self._recent(key)
            if len(times) < self._limit:
                return 0
            return max(1, -(-(times[0] + self._period_ms - self._clock()) // 1000))

    def note(self, key: str) -> None:
        """One more that went wrong."""
        with self._lock:
            times = self._recent(key)
            times.append(self._clock())
            self._times[key] = times
            self._times.move_to_end(key)
            while len(self._times) > self._keys_at_most:
                self._times.popitem(last=False)

    def forget(self, key: str) -> None:
        """It went right: what was wrong before counts no longer."""
        with self._lock:
            self._times.pop(key, None)

    def __len__(self) -> int:
        """Keys that are kept at present."""
        return len(self._times)

    def _recent(self, key: str) -> deque[int]:
        times = self._times.get(key)
        if times is None:
            return deque(maxlen=self._limit)
        since = self._clock() - self._period_ms
        while times and times[0] <= since:
            times.popleft()
        return times


def network_of(address: str) -> str:
    """What one subscriber has to himself: an IPv4 address, an IPv6 /64; text that is no address stays as it is."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        host_bits = 128 - IPV6_NETWORK_BITS
        return f"{IPv6Address(int(parsed) >> host_bits << host_bits)}/{IPV6_NETWORK_BITS}"
    return str(parsed)
