"""Consent and scope: who allowed what, on which network and devices, until when; and which packets that admits.

The consent of the person who manages the devices is the only basis of the check-up, so every packet asks the scope
first, and a scope exists only together with a consent that is valid for the network that the computer is on now.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from sekisho.checkup.network import LocalNetwork, NetworkIdentity
from sekisho.checkup.state import append_line, read_lines
from sekisho.core.errors import Refused
from sekisho.core.time import iso

if TYPE_CHECKING:
    from pathlib import Path

    from sekisho.core.address import IPAddress

CONSENT_LIFE_MS = 24 * 3600 * 1000
"""A consent is for today's check-up; tomorrow somebody else may be the guest on this network."""


class CheckClass(StrEnum):
    """Classes of check that a person consents to, each by itself."""

    DISCOVER = "discover"
    SERVICES = "services"
    ROUTER = "router"
    DEFAULT_PAIRS = "default_pairs"
    OWNER_LOGIN = "owner_login"


SHIPPED_CLASSES = frozenset({CheckClass.DISCOVER, CheckClass.SERVICES, CheckClass.ROUTER})
"""Trying a documented default pair, and reading with the owner's own login, are off unless asked for."""


class OutOfScope(Refused):
    """A packet that the consent does not cover was about to be sent; it was not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One recorded consent.

    Attributes:
        person: who is responsible for the devices, in their own words.
        devices: addresses it is limited to; empty means every device of the network.
    """

    person: str
    network: NetworkIdentity
    classes: frozenset[CheckClass] = SHIPPED_CLASSES
    devices: frozenset[str] = field(default_factory=frozenset)
    given_at_ms: int
    expires_at_ms: int

    def check(self, network: NetworkIdentity, now_ms: int) -> None:
        """Refuse to go on when the consent does not hold here and now.

        Raises:
            OutOfScope: another network, a gateway without a known MAC, or the time is over.
        """
        if not network.gateway_mac:
            raise OutOfScope("the gateway's MAC is not known, so this network cannot be told from another one")
        if network != self.network:
            raise OutOfScope(f"consent was given for {self.network.prefix}, this is another network: {network.prefix}")
        if not self.given_at_ms <= now_ms < self.expires_at_ms:
            raise OutOfScope(f"the consent of {self.person} ended at {iso(self.expires_at_ms)}")


class ConsentBook:
    """The consents on disk; every one is kept, the last one for a network counts."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def record(self, consent: Consent) -> None:
        """Keep a consent."""
        row = asdict(consent) | {"classes": sorted(consent.classes), "devices": sorted(consent.devices)}
        append_line(self._path, row)

    def valid(self, network: NetworkIdentity, now_ms: int) -> Consent | None:
        """The last consent for this network, if it still holds."""
        for row in reversed(read_lines(self._path)):
            consent = _from_row(row)
            if consent.network == network:
                return consent if consent.given_at_ms <= now_ms < consent.expires_at_ms else None
        return None


@dataclass(frozen=True, slots=True)
class Scope:
    """Which packets may leave: a network and the consent for it."""

    network: LocalNetwork
    consent: Consent

    def admit(self, address: IPAddress, check_class: CheckClass) -> None:
        """Let a packet to this address pass, or refuse it.

        Raises:
            OutOfScope: off the local link, not among the devices, or a class that was not consented to.
        """
        if check_class not in self.consent.classes:
            raise OutOfScope(f"{check_class} was not consented to")
        if not self.network.on_link(address):
            raise OutOfScope(f"{address} is not on the link of {self.network.interface}")
        if self.consent.devices and str(address) not in self.consent.devices:
            raise OutOfScope(f"{address} is not among the devices that were consented to")

    def admit_group(self, check_class: CheckClass) -> None:
        """Let a multicast question to the whole link pass.

        Raises:
            OutOfScope: a class that was not consented to, or a consent limited to some devices.
        """
        if check_class not in self.consent.classes:
            raise OutOfScope(f"{check_class} was not consented to")
        if self.consent.devices:
            raise OutOfScope("the consent is limited to some devices, so the whole link is not asked")


def _from_row(row: dict[str, object]) -> Consent:
    network = row["network"]
    assert isinstance(network, dict)
    return Consent(
        person=str(row["person"]),
        network=NetworkIdentity(**network),
        classes=frozenset(CheckClass(name) for name in _strings(row["classes"])),
        devices=frozenset(_strings(row["devices"])),
        given_at_ms=int(str(row["given_at_ms"])),
        expires_at_ms=int(str(row["expires_at_ms"])),
    )


def _strings(value: object) -> list[str]:
    assert isinstance(value, list)
    return [str(item) for item in value]
