"""The checks, one file each: ``jobs()`` says what to ask, ``fold()`` what the answers mean.

``jobs()`` is called again after each round of answers and may ask for more, until it asks for nothing new; ``fold()``
is called once at the end. Neither sends anything, keeps anything or looks at a clock.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.outcomes import Observation
    from sekisho.checkup.situation import Situation

CHECKS = {
    "c1.1": "open_without_login",
    "c1.2": "login_in_clear",
    "c1.3": "first_setup",
    "c1.4": "label_question",
    "c1.5": "own_password",
    "c1.6": "default_pairs",
    "c1.7": "user_list",
    "c2.1": "services",
    "c2.2": "router_openings",
    "c2.2b": "double_router",
    "c2.3": "ipv6_firewall",
    "c2.4": "upnp_on",
    "c2.5": "stated_needs",
    "c2.6": "unused",
    "c2.7": "outside_view",
    "c3": "vulnerabilities",
    "c4": "drifted",
    "c5": "restarted",
    "maker": "maker_sheet",
}
"""Id of a check -> its module, in the order of the report."""


class Check(Protocol):
    """The two functions of a check's module."""

    def jobs(self, device: Device, seen: Seen, situation: Situation) -> Iterable[Job]:
        """What to ask, given the answers so far."""

    def fold(self, device: Device, seen: Seen, situation: Situation) -> Iterable[Observation]:
        """What the answers mean."""


def check(name: str) -> Check:
    """The module of one check.

    Raises:
        KeyError: no such check.
    """
    module: Check = import_module(f"{__package__}.{CHECKS[name]}")
    return module
