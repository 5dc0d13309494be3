"""Files of sources read into a history, each from where it was left to its present end."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from ipaddress import IPv4Network
from itertools import chain
from typing import TYPE_CHECKING

from sekisho.attribution.history.history import DAY_MS, History
from sekisho.attribution.sources.cgnat.block import Realms
from sekisho.attribution.sources.deterministic_nat import KIND, DeterministicNat
from sekisho.attribution.sources.ipoe import read_hand_over
from sekisho.attribution.sources.kea import KeaFile
from sekisho.attribution.sources.listed import Listed
from sekisho.attribution.sources.lw4o6 import binding_events
from sekisho.attribution.sources.radius.detail import DetailFile
from sekisho.attribution.sources.radius.radacct import is_radacct, read_radacct
from sekisho.attribution.sources.radius.records import Rules
from sekisho.attribution.sources.translator_log import log_file
from sekisho.attribution.sources.zones import zone_of
from sekisho.core.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sekisho.attribution.sources.events import Source
    from sekisho.core.config import Attribution
    from sekisho.core.reasons import SourceReason


def read_history(
    settings: Attribution,
    *,
    radius: Sequence[Path],
    kea: Sequence[Path],
    cgnat: Sequence[Path] = (),
    lw4o6: Sequence[Path] = (),
    ipoe: Sequence[Path] = (),
    now_ms: int,
) -> History:
    """The history of the configuration, or one in memory, with what the files tell.

    Raises:
        InputError: a file that is not there, that tells nothing, or whose times are off.
    """
    history = History(settings.history, margin_ms=round(settings.clock_margin_s * 1000))
    try:
        for path, source in chain(_sources(settings, radius, kea), _behind_translators(settings, cgnat, lw4o6, ipoe)):
            _read(history, path, source, now_ms)
        rules = computed_translations(settings)
        for gone in [name for name in history.feeds if name.startswith(KIND)]:
            if gone not in {rule.source for rule in rules}:
                # A rule that is no longer configured was never true: what it computed is no record of anything.
                history.forget_source(gone)
        for rule in rules:
            history.apply(rule.source, rule.events_until(now_ms))
    except BaseException:
        history.close()
        raise
    if settings.history is not None:
        history.forget(now_ms - round(settings.retention_days * DAY_MS))
    return history


def _sources(settings: Attribution, radius: Sequence[Path], kea: Sequence[Path]) -> Iterator[tuple[Path, Source]]:
    interim_s = settings.radius_interim_s
    rules = Rules(
        line=settings.radius_line,
        realm=settings.default_realm,
        confirm_every_ms=None if interim_s is None else round(interim_s * 1000),
    )
    zone = None if settings.radius_zone is None else zone_of(settings.radius_zone)
    for path in radius:
        if not is_radacct(path):
            yield path, DetailFile(path, name=f"radius {path.resolve()}", rules=rules, zone=zone)
        elif zone is None:
            raise InputError(path, "expected [attribution] radius_zone, since the export tells no zone, found none")
        else:
            yield path, Listed(path=path, kind="radacct", read=partial(read_radacct, path, zone=zone, rules=rules))
    for path in kea:
        line, realm = settings.kea_line, settings.default_realm
        yield path, KeaFile(path, name=f"kea {path.resolve()}", line=line, realm=realm)


def _behind_translators(
    settings: Attribution, cgnat: Sequence[Path], lw4o6: Sequence[Path], ipoe: Sequence[Path]
) -> Iterator[tuple[Path, Source]]:
    realm = settings.default_realm
    realms = Realms(inside=settings.inside_realm, outside=realm)
    zone = None if settings.cgnat_zone is None else zone_of(settings.cgnat_zone)
    for path in cgnat:
        with closing(log_file(path, zone=zone, realms=realms)) as log:
            yield path, log
    for path in lw4o6:
        yield path, Listed(path=path, kind="lw4o6", read=partial(binding_events, path, realm=realm))
    for path in ipoe:
        yield path, Listed(path=path, kind="ipoe", read=partial(read_hand_over, path, realm=realm))


def computed_translations(settings: Attribution) -> tuple[DeterministicNat, ...]:
    """The translators of the configuration that compute their ports.

    Raises:
        ConfigError: prefixes or ports that no translator can work with.
    """
    rules = []
    for configured in settings.deterministic_nat:
        inside, outside = configured.inside, configured.outside
        key = "attribution.deterministic_nat"
        if not isinstance(inside, IPv4Network) or not isinstance(outside, IPv4Network):
            raise ConfigError("configuration", key, expected="IPv4 prefixes", found=f"{inside} and {outside}")
        try:
            rule = DeterministicNat(
                inside=inside,
                outside=outside,
                reserved_ports=configured.reserved_ports,
                dynamic_ports=configured.dynamic_ports,
                inside_realm=settings.inside_realm,
                outside_realm=settings.default_realm,
            )
        except ValueError as error:
            raise ConfigError(
                "configuration", key, expected=f"a rule that works ({error})", found=str(inside)
            ) from None
        rules.append(rule)
    return tuple(rules)


def _read(history: History, path: Path, source: Source, now_ms: int) -> None:
    if not path.is_file():
        raise InputError(path, "expected a file that exists")
    known = history.feeds.get(source.name)
    source.position = known.position if known is not None else ""
    while True:
        before = source.position, sum(source.dropped.values())
        events = source.poll(now_ms)
        history.apply(source.name, events, position=source.position)
        source.committed()
        if not events and before == (source.position, sum(source.dropped.values())):
            break
    feed = history.feeds[source.name]
    if not feed.watermark_ms:
        raise InputError(path, f"expected records of who held what, found none{_left_out(source.dropped)}")
    if source.name in history.quarantined():
        off_s = feed.delay_ms / 1000
        raise InputError(
            path,
            f"expected times that fit their receipt, found them {off_s:g} s off: is [attribution] radius_zone right?",
        )


def _left_out(dropped: Counter[SourceReason]) -> str:
    counts = ", ".join(f"{reason.value} {count}" for reason, count in (+dropped).most_common())
    return f" ({counts})" if counts else ""
