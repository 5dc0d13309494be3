"""What is never an indicator, whoever lists it: it would accuse everybody, or nobody."""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from importlib.resources import files
from ipaddress import collapse_addresses, ip_network
from typing import TYPE_CHECKING

from sekisho.core.address import SPECIAL_USE
from sekisho.detect.indicators.model import SkipError, SkipReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sekisho.core.address import IPNetwork

NARROWEST = {4: 24, 6: 48}
"""Shortest prefix taken: a wider one holds the neighbours' servers as well, up to ``0.0.0.0/0``, which is everybody."""

MULTICAST = (ip_network("224.0.0.0/4"), ip_network("ff00::/8"))


class Refusals:
    """Looks at networks that feeds list.

    Args:
        is_ours: whether a network lies in the operator's own prefixes.
    """

    def __init__(self, is_ours: Callable[[IPNetwork], bool]) -> None:
        self._is_ours = is_ours
        self._special = _Networks((*SPECIAL_USE, *MULTICAST))
        self._services = {name: _Networks(prefixes) for name, prefixes in public_services().items()}

    def require_usable(self, network: IPNetwork) -> None:
        """Let a network pass, or say why not.

        Raises:
            SkipError: it is too wide, special, ours, or a service that everybody uses.
        """
        if network.prefixlen < (narrowest := NARROWEST[network.version]):
            raise SkipError(SkipReason.TOO_WIDE, expected=f"a prefix of /{narrowest} or longer", found=network)
        if self._special.overlap(network):
            expected = "an address of the public Internet"
            raise SkipError(SkipReason.SPECIAL_USE, expected=expected, found=network)
        for name, prefixes in self._services.items():
            if prefixes.overlap(network):
                expected = f"an address that not everybody uses ({name})"
                raise SkipError(SkipReason.PUBLIC_SERVICE, expected=expected, found=network)
        if self._is_ours(network):
            raise SkipError(SkipReason.OURS, expected="an address outside our own prefixes", found=network)


def public_services() -> dict[str, list[IPNetwork]]:
    """Name of a service that everybody uses -> its addresses, as ``public_services.toml`` has them."""
    text = files(__package__).joinpath("public_services.toml").read_text(encoding="utf-8")
    return {
        service["name"]: [ip_network(prefix) for prefix in service["prefixes"]]
        for service in tomllib.loads(text)["service"]
    }


class _Networks:
    """Networks of both versions, to ask whether another overlaps one of them."""

    def __init__(self, networks: Iterable[IPNetwork]) -> None:
        networks = list(networks)
        self._ranges = {version: self._merged(networks, version) for version in (4, 6)}

    def overlap(self, network: IPNetwork) -> bool:
        first, last = int(network.network_address), int(network.broadcast_address)
        firsts, lasts = self._ranges[network.version]
        at = bisect_right(firsts, last)
        return at > 0 and lasts[at - 1] >= first

    @staticmethod
    def _merged(networks: list[IPNetwork], version: int) -> tuple[list[int], list[int]]:
        # mypy cannot know that one version is left, which is what collapse_addresses asks for.
        merged = list(collapse_addresses(n for n in networks if n.version == version))  # type: ignore[type-var]
        return [int(n.network_address) for n in merged], [int(n.broadcast_address) for n in merged]
