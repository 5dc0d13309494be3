"""c3: known vulnerabilities, newest firmware, support end and contact, by maker and model.

Without maker and model nothing is looked up, and nothing found is never OK: lists are incomplete by nature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.data.advisory import Concern
from sekisho.checkup.data.version import version_key
from sekisho.checkup.identify.match import NO_MAKER, Identity
from sekisho.checkup.outcomes import Observation
from sekisho.core.time import iso, to_datetime

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.checkup.data.advisory import Advisory
    from sekisho.checkup.data.models import ModelRecord
    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.situation import Situation

_OUTCOMES = {
    Concern.EXPLOITED: "c3.known_exploited",
    Concern.AFFECTED: "c3.affected",
    Concern.LISTED: "c3.listed",
}
_SHOWN = 5


def jobs(_: Device, __: Seen, ___: Situation) -> Iterable[Job]:
    """No packet: the identity comes from the other checks' answers."""
    return ()


def fold(device: Device, _: Seen, situation: Situation) -> Iterator[Observation]:
    """Identity first; then vulnerabilities, firmware, support and contact."""
    parts = situation.identities.get(device.id, {})
    if situation.answers.about(device).get("maker", "").lower() in NO_MAKER:
        yield Observation("c3.no_maker", {}, "stated by the owner")
        return
    if not Identity(parts, situation.kind(device)).model_known:
        known = ", ".join(fact.value for fact in parts.values())
        evidence = _told({"known": known, "favicon": device.fact("http", "favicon")})
        yield Observation("c3.identity_unknown" if known else "c3.nothing_known", evidence, "identify")
        return
    maker, model = parts["maker"].value, parts["model"].value
    firmware = parts["firmware"].value if "firmware" in parts else ""
    yield from _known(situation, maker, model, firmware)
    record = situation.record_of(device)
    general = situation.knowledge.models.of_maker(maker)
    yield _firmware(record or general, firmware)
    automatic = situation.answers.about(device).get("auto_update", False)
    yield Observation(
        "c3.auto_update_on" if automatic else "c3.auto_update_ask",
        {},
        "stated by the owner" if automatic else "nobody was asked yet",
    )
    yield _support(record, device, situation)
    yield _contact(record, general, maker, situation)


def _known(situation: Situation, maker: str, model: str, firmware: str) -> Iterator[Observation]:
    knowledge = situation.knowledge
    if not knowledge.advisories:
        yield Observation("c3.no_data", {}, "no data directory was given")
        return
    found = knowledge.concerning(maker=maker, model=model, firmware=firmware)
    for how, advisories in found.items():
        evidence = _told({"cves": _cves(advisories), "date": knowledge.date, "firmware": firmware})
        yield Observation(_OUTCOMES[how], evidence, ", ".join(sorted({a.source for a in advisories})))
    if not found:
        names = ", ".join(source.name for source in knowledge.sources)
        yield Observation("c3.no_match", {"date": knowledge.date, "sources": names}, names)


def _firmware(record: ModelRecord | None, firmware: str) -> Observation:
    page = record.firmware_page if record else ""
    latest = record.latest_firmware if record else ""
    now, newest = version_key(firmware), version_key(latest)
    if record is None or now is None or newest is None:
        evidence = _told({"firmware": firmware, "page": page})
        return Observation("c3.firmware_ask" if page else "c3.firmware_unknown", evidence, "models")
    outcome = "c3.firmware_old" if now < newest else "c3.firmware_current"
    return Observation(outcome, {"firmware": firmware, "latest": latest, "date": record.recorded}, record.source)


def _support(record: ModelRecord | None, device: Device, situation: Situation) -> Observation:
    profile = situation.profile_of(device)
    if profile is not None and not profile.is_supported:
        evidence = {"page": profile.url, "date": profile.last_update[:10]}
        return Observation("c3.support_withdrawn", evidence, profile.url)
    ended = record.ended(to_datetime(situation.now_ms)) if record else None
    if record is None or ended is None:
        return Observation("c3.support_unknown", {}, "models")
    evidence = {"until": record.until, "page": record.source, "date": record.recorded}
    return Observation("c3.support_ended" if ended else "c3.supported", evidence, record.source)


def _contact(record: ModelRecord | None, general: ModelRecord | None, maker: str, situation: Situation) -> Observation:
    for row in (record, general):
        if row is not None and row.contact:
            return Observation("c3.contact", {"page": row.contact, "date": row.recorded}, row.source)
    if stated := situation.knowledge.contact(maker, situation.now_ms):
        return Observation("c3.contact", {"page": stated, "date": iso(situation.now_ms)[:10]}, "security.txt")
    return Observation("c3.contact_unknown", {"maker": maker}, "models")


def _told(evidence: dict[str, str]) -> dict[str, str]:
    """The evidence without what is not known."""
    return {name: value for name, value in evidence.items() if value}


def _cves(advisories: list[Advisory]) -> str:
    names = sorted({a.cve for a in advisories}, reverse=True)
    return ", ".join(names[:_SHOWN]) + (f" (+{len(names) - _SHOWN})" if len(names) > _SHOWN else "")
