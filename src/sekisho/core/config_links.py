"""``sekisho.toml``, the part about the network's links: what they carry at most, and where their load is counted."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, Strict

from sekisho.core.config_fields import File, Rate, Section, Text


class LinkKind(StrEnum):
    """What a link leads to."""

    NTE = "nte"
    GWR = "gwr"
    BNG = "bng"
    CORE = "core"
    BORDER = "border"
    CGN = "cgn"


class Link(Section):
    """``[[link]]``: a place where traffic of many lines shares a capacity."""

    name: Text
    """As ``[[exporter.interface]]`` and the lines file name it."""
    kind: LinkKind
    """``nte`` termination at the handover, ``gwr`` gateway router, ``bng``, ``core``, ``border`` or ``cgn``."""
    capacity_bps: Rate | None = None
    """Bits a second that it carries in one direction."""
    capacity_pps: Rate | None = None
    """Packets a second that it carries in one direction."""
    capacity_sessions: Rate | None = None
    """Sessions that a ``cgn`` holds."""
    mark: Annotated[float, Strict(), Field(gt=0, le=1)] = 0.8
    """Share of its capacity; minutes above it are counted."""
    under: Text | None = None
    """The next link towards the core: what is said of this link's lines holds for that one, too."""


def _label(text: str) -> str:
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", text):
        raise ValueError("a name of letters, digits and _, such as ifIndex")
    return text


def _server(text: str) -> str:
    parts = urlsplit(text)
    if parts.hostname is None or parts.scheme not in {"http", "https"} or parts.username is not None:
        raise ValueError("an address that begins with http:// or https://, without a user name")
    return text


Label = Annotated[str, Strict(), AfterValidator(_label)]


class Prometheus(Section):
    """``[impact.prometheus]``: a server that scrapes the routers' interface counters, such as by snmp_exporter."""

    url: Annotated[str, Strict(), AfterValidator(_server)]
    """Where its HTTP API begins; plain http is allowed, since counters are no personal data."""
    match: Text | None = None
    """Further label matchers, such as ``job="snmp"``."""
    exporter_label: Label = "instance"
    """Label that holds the router's address or its ``[[exporter]]`` name; a port behind it is left out."""
    interface_label: Label = "ifIndex"
    """Label that holds the ifIndex."""
    in_octets: Label = "ifHCInOctets"
    """Metric of octets that came in."""
    out_octets: Label = "ifHCOutOctets"
    """Metric of octets that left."""
    in_packets: Label = "ifHCInUcastPkts"
    """Metric of packets that came in."""
    out_packets: Label = "ifHCOutUcastPkts"
    """Metric of packets that left."""
    in_discards: Label = "ifInDiscards"
    """Metric of packets that came in and were dropped."""
    out_discards: Label = "ifOutDiscards"
    """Metric of packets that were to leave and were dropped."""
    token_file: File | None = None
    """Bearer token for it."""
    ca_file: File | None = None
    """Certificates that it is checked with; without it, those of the system."""
    timeout_s: Annotated[float, Strict(), Field(gt=0, le=60)] = 10.0
    """How long it may take to answer."""


class Impact(Section):
    """``[impact]``: what the load of links is measured with, beside what exporters send by themselves."""

    counters: tuple[File, ...] = ()
    """Interface counters over time (CSV or Parquet): ifHCInOctets and the like."""
    prometheus: Prometheus | None = None
    """Server to ask for interface counters."""
    conditions: tuple[File, ...] = ()
    """How links fared over time (CSV or Parquet): round-trip time, loss, sessions."""


def problem_of(links: tuple[Link, ...]) -> str:
    """What is wrong with the links together; "" where nothing is."""
    under = {link.name: link.under for link in links}
    if len(under) < len(links):
        return "each link once"
    for name, above in under.items():
        if above is not None and above not in under:
            return f"under = the name of a link, not {above!r}"
        if _is_under_itself(name, under):
            return f"links that lead to the core, not {name!r} under itself"
    return ""


def _is_under_itself(name: str, under: dict[str, str | None]) -> bool:
    seen: set[str] = set()
    at: str | None = name
    while at is not None and at not in seen:
        seen.add(at)
        at = under.get(at)
    return at == name
