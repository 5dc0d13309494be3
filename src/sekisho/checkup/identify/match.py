r"""From facts to identity: matchers are rows in ``matchers/<source>.toml``, each with an example that it must match.

A row reads one fact (``field``), by a regular expression (``pattern``), and sets parts of the identity: constants, or
groups of the pattern as ``\g<name>``. The owner's label wins over everything that a device says about itself.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from sekisho.measures.order import DeviceKind
from sekisho.measures.report import Fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sekisho.checkup.device import Device, RawFact

PARTS = ("maker", "model", "hardware", "firmware")
MAKER_CONFIDENCE = 0.4
NO_MAKER = ("none", "なし")
"""What an owner enters where the label names no maker."""
SOURCES = ("upnp", "onvif", "tr064", "snmp", "wsd", "dns_sd", "http", "rtsp", "ssh", "ssdp", "dhcp", "mac")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One row of a matcher file."""

    source: str
    field: str
    pattern: re.Pattern[str]
    sets: Mapping[str, str]
    kind: DeviceKind | None
    confidence: float
    example: str

    def parts(self, value: str) -> dict[str, str] | None:
        """Parts of the identity that a value gives, None where it does not match."""
        found = self.pattern.fullmatch(value)
        if found is None:
            return None
        return {part: text for part, template in self.sets.items() if (text := found.expand(template).strip())}


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known of a device."""

    parts: Mapping[str, Fact]
    kind: DeviceKind

    @property
    def model_known(self) -> bool:
        """Whether maker and model are known; less than that supports no verdict on vulnerabilities.

        The vendor of a MAC is not enough for the maker: it made the network part, often not the device.
        """
        maker = self.parts.get("maker")
        return maker is not None and maker.confidence >= MAKER_CONFIDENCE and "model" in self.parts


@cache
def matchers() -> tuple[Matcher, ...]:
    """Every row of every file."""
    return tuple(matcher for source in SOURCES for matcher in _read(source))


@cache
def maker_names() -> Mapping[str, str]:
    """Spelling in lower case -> the one name that data sets and texts use."""
    tables = tomllib.loads(files(__package__).joinpath("matchers", "makers.toml").read_text("utf-8"))
    return {spelling.lower(): name for name, spellings in tables.items() for spelling in (name, *spellings)}


def maker_name(text: str) -> str:
    """The one name of a maker, or the text itself where the table does not know it."""
    bare = re.sub(r"[,.]?\s*(?:inc|co|ltd|corp|corporation|gmbh|limited|株式会社)\b\.?", "", text, flags=re.IGNORECASE)
    known = maker_names()
    return known.get(text.lower(), known.get(bare.strip(" ,.").lower(), text))


def identify(device: Device, label: Mapping[str, Any], vendors: Iterable[str], *, gateway: bool) -> Identity:
    """The identity of a device.

    Args:
        device: with the facts of every answer.
        label: what the owner typed from the label on the unit.
        vendors: vendors of its MACs, as the IEEE registered them.
        gateway: whether it is the network's default gateway, which is a router whatever else it says.
    """
    best: dict[str, Fact] = {}
    kinds: list[tuple[float, DeviceKind]] = [(0.9, DeviceKind.ROUTER)] if gateway else []
    for fact, matcher in _matches(device.facts + _vendor_facts(vendors)):
        for part, value in (matcher.parts(fact.value) or {}).items():
            text = maker_name(value) if part == "maker" else value
            if part not in best or best[part].confidence < matcher.confidence:
                best[part] = Fact(value=text, source=fact.source, confidence=matcher.confidence)
        if matcher.kind is not None:
            kinds.append((matcher.confidence, matcher.kind))
    best |= {p: Fact(value=_stated(p, label[p]), source="label", confidence=1.0) for p in PARTS if label.get(p)}
    if label.get("maker", "").lower() in NO_MAKER:
        del best["maker"]
    kind = max(kinds, key=lambda row: row[0])[1] if kinds else DeviceKind.OTHER
    return Identity({part: best[part] for part in PARTS if part in best}, kind)


def _matches(facts: tuple[RawFact, ...]) -> Iterator[tuple[RawFact, Matcher]]:
    for fact in facts:
        for matcher in matchers():
            if (matcher.source, matcher.field) == (fact.source, fact.name) and matcher.pattern.fullmatch(fact.value):
                yield fact, matcher


def _stated(part: str, text: str) -> str:
    return maker_name(text) if part == "maker" else text


def _vendor_facts(vendors: Iterable[str]) -> tuple[RawFact, ...]:
    from sekisho.checkup.device import RawFact

    return tuple(RawFact("mac", "vendor", vendor) for vendor in vendors)


def _read(source: str) -> Iterator[Matcher]:
    tables = tomllib.loads(files(__package__).joinpath("matchers", f"{source}.toml").read_text("utf-8"))
    for row in tables["matcher"]:
        yield Matcher(
            source=source,
            field=row["field"],
            pattern=re.compile(row["pattern"], re.IGNORECASE),
            sets={part: row[part] for part in PARTS if part in row},
            kind=DeviceKind(row["kind"]) if "kind" in row else None,
            confidence=row["confidence"],
            example=row["example"],
        )
