"""How much the check-up may send and wait; a configuration may tighten these and never loosen them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from sekisho.core.errors import Refused

NEVER_WRITE_PORTS = range(9100, 9108)
"""Printers print whatever arrives on these ports, so a connection there never carries an octet of ours."""

SWEEP_LIMIT = 1024
"""Largest number of addresses that is greeted one by one; a household's prefix is a /24, a school's perhaps a /22."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Upper bounds of one run.

    Attributes:
        connections_per_s: new connections and single datagrams a second, whole LAN.
        connections_per_device_per_s: the same for one address.
        connect_timeout_s: until a connection counts as silent; a LAN answers within milliseconds.
        exchange_timeout_s: whole life of a connection, however slowly the device drips.
        answer_octets: octets read from one connection; the rest of a longer answer is not fetched.
        answers: datagrams collected after one multicast question.
        jobs_per_device: jobs of one device in one run, against devices that grow new pages for ever.
        failures_per_account: failed logins of one account within a day (documented pairs only).
        attempts_per_device: logins tried on one device within a day.
        attempt_gap_s: shortest time between two logins anywhere.
    """

    connections_per_s: float = 20.0
    connections_per_device_per_s: float = 2.0
    connect_timeout_s: float = 2.0
    exchange_timeout_s: float = 6.0
    answer_octets: int = 65_536
    answers: int = 512
    jobs_per_device: int = 160
    failures_per_account: int = 2
    attempts_per_device: int = 3
    attempt_gap_s: float = 30.0

    def tightened(self, **changes: float) -> Limits:
        """The same limits with some of them tighter.

        Raises:
            Refused: a change would allow more, or names no limit.
        """
        present = asdict(self)
        for name, value in changes.items():
            if name not in present:
                raise Refused(f"{name} is no limit of the check-up")
            looser = value < present[name] if name == "attempt_gap_s" else value > present[name]
            if looser or value <= 0:
                raise Refused(f"{name} may be tightened from {present[name]}, not set to {value}")
        return replace(self, **changes)  # type: ignore[arg-type]
