"""What reporters mean, in our words: which of our kinds a report supports, and which measures it asks for.

A category is no verdict. A report that names a kind counts as a second, independent signal for that kind only.
"""

from __future__ import annotations

import re
from enum import StrEnum

from sekisho.measures.model import MeasureId


class Category(StrEnum):
    """What a third party says that a line does or has."""

    INFECTED = "infected"
    OPEN_SERVICE = "open_service"
    VULNERABLE = "vulnerable"
    FLOOD = "flood"
    SCANNING = "scanning"
    GUESSING = "guessing"
    SPAM = "spam"
    COMPROMISED = "compromised"
    LISTED = "listed"
    OTHER = "other"

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of detection that such a report speaks for."""
        return _MEANINGS[self][0]

    @property
    def measures(self) -> tuple[MeasureId, ...]:
        """Measures that it asks for, the first one first."""
        return _MEANINGS[self][1]


_FLOODS = (
    "udp_flood",
    "tcp_syn_flood",
    "tcp_flood",
    "icmp_flood",
    "gre_flood",
    "fragment_flood",
    "http_flood",
    "dns_flood",
)
_CLEAN = (MeasureId.REBOOT, MeasureId.CREDENTIALS, MeasureId.VULNERABILITIES, MeasureId.SETTINGS)

_MEANINGS: dict[Category, tuple[tuple[str, ...], tuple[MeasureId, ...]]] = {
    Category.INFECTED: (("c2_contact",), _CLEAN),
    Category.OPEN_SERVICE: (("reflection",), (MeasureId.CONNECTIONS, MeasureId.SETTINGS)),
    Category.VULNERABLE: ((), (MeasureId.VULNERABILITIES, MeasureId.CONNECTIONS)),
    Category.FLOOD: (_FLOODS, _CLEAN),
    Category.SCANNING: (("scan",), _CLEAN),
    Category.GUESSING: (("brute_force",), _CLEAN),
    Category.SPAM: (("spam",), (MeasureId.CREDENTIALS, MeasureId.VULNERABILITIES)),
    Category.COMPROMISED: ((), (MeasureId.VULNERABILITIES, MeasureId.CREDENTIALS)),
    Category.LISTED: ((), ()),
    Category.OTHER: ((), ()),
}

_SHADOWSERVER = (
    (r"sinkhole|botnet|drone|infected|special|cyclops", Category.INFECTED),
    (r"honeypot_brute|brute_force", Category.GUESSING),
    (r"honeypot_ddos|ddos_participant", Category.FLOOD),
    (r"honeypot_.*scan|darknet|scanners", Category.SCANNING),
    (r"spam", Category.SPAM),
    (r"compromised|synfulknock|malware_url|phish|sandbox", Category.COMPROMISED),
    (r"blocklist|blacklist", Category.LISTED),
    (r"vulnerable|freak|poodle|exchange|cisco_smart_install", Category.VULNERABLE),
    (r"scan|population|openresolver|device_id", Category.OPEN_SERVICE),
)
"""Shadowserver's report names, the narrower one first."""

_XARF = {
    ("connection", "ddos"): Category.FLOOD,
    ("connection", "infected_host"): Category.INFECTED,
    ("connection", "login_attack"): Category.GUESSING,
    ("connection", "port_scan"): Category.SCANNING,
    ("connection", "reconnaissance"): Category.SCANNING,
    ("connection", "vulnerability_scan"): Category.SCANNING,
    ("infrastructure", "botnet"): Category.INFECTED,
    ("infrastructure", "compromised_server"): Category.COMPROMISED,
    ("messaging", "spam"): Category.SPAM,
    ("messaging", "bulk_messaging"): Category.SPAM,
    ("vulnerability", "open_service"): Category.OPEN_SERVICE,
    ("vulnerability", "cve"): Category.VULNERABLE,
    ("vulnerability", "misconfiguration"): Category.VULNERABLE,
    ("reputation", "blocklist"): Category.LISTED,
    ("reputation", "threat_intelligence"): Category.LISTED,
}
"""XARF's (category, type); what is said of content and copyright is for other desks."""


_XARF_3 = {
    "botnet": Category.INFECTED,
    "ddos": Category.FLOOD,
    "loginattack": Category.GUESSING,
    "portscan": Category.SCANNING,
    "spam": Category.SPAM,
}
"""ReportType of XARF 3."""


def of_shadowserver(name: str) -> Category:
    """The category of a report by its name; ``OTHER`` where the name says nothing."""
    return next((category for pattern, category in _SHADOWSERVER if re.search(pattern, name.lower())), Category.OTHER)


def of_xarf(category: str, kind: str) -> Category:
    """The category of a XARF report."""
    return _XARF.get((category, kind), Category.OTHER)


def of_xarf_3(kind: str) -> Category:
    """The category of a report in XARF 3."""
    return _XARF_3.get(kind.lower().replace("_", ""), Category.OTHER)
