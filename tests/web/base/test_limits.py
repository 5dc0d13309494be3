"""The rate limiter: a bound by key, over a sliding time, in bounded memory."""

from __future__ import annotations

import pytest

from sekisho.web.base.limits import RateLimiter, network_of

HOUR_MS = 3_600_000


class Clock:
    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


def test_the_limit_is_exact_and_slides() -> None:
    """Twenty wrong tries are looked at, the next waits until the first of them is an hour old."""
    clock = Clock()
    limiter = RateLimiter(20, HOUR_MS, clock=clock)
    for number in range(20):
        assert limiter.wait_s("a") == 0, number
        limiter.note("a")
        clock.ms += 1000
    assert limiter.wait_s("a") == 3600 - 20
    assert limiter.wait_s("b") == 0
    clock.ms += 3_579_999
    assert limiter.wait_s("a") == 1
    clock.ms += 1
    assert limiter.wait_s("a") == 0
    limiter.note("a")
    assert limiter.wait_s("a") > 0


def test_what_went_right_is_forgotten() -> None:
    """A subscriber who mistyped and then got in begins anew."""
    limiter = RateLimiter(1, HOUR_MS, clock=Clock())
    limiter.note("a")
    limiter.forget("a")
    assert limiter.wait_s("a") == 0


def test_the_number_of_keys_is_bounded() -> None:
    """The one that has been silent longest goes first."""
    limiter = RateLimiter(1, HOUR_MS, clock=Clock(), keys_at_most=3)
    for key in ("a", "b", "c", "a", "d"):
        limiter.note(key)
    assert len(limiter) == 3
    assert [limiter.wait_s(key) > 0 for key in "abcd"] == [True, False, True, True]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_subscriber_is_a_64(address: str, network: str) -> None:
    """Whoever has 2^64 addresses has as many tries as whoever has one."""
    assert network_of(address) == network
