"""Small scenarios by their parameters: the cells of an evaluation, hundreds of which are made by code."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from sekisho.simulate.look_alikes import LOOK_ALIKES
from sekisho.simulate.scenario import Scenario

ACCESS = ("pppoe", "map_e", "ipoe", "fixed")

START = datetime(2026, 11, 1, 20, 0, tzinfo=timezone(timedelta(hours=9)))
"""An evening in Japan; a seed decides everything else."""

_EXPORTER_V4, _BORDER_V4 = "192.0.2.1", "192.0.2.9"


def attack_cell(
    kind: str,
    *,
    access: str = "pppoe",
    pps: float | None = None,
    attack_s: float = 120.0,
    infected: int = 1,
    attack: dict[str, Any] | None = None,
    **conditions: Any,
) -> Scenario:
    """Infected lines among ordinary ones.

    Args:
        kind: of ``attack_kinds.ATTACK_KINDS``.
        access: access kind of the infected lines.
        pps: packets that each infected line sends a second; by default what is usual for the kind.
        attack_s: how long.
        infected: how many lines do the same.
        attack: further values of ``[[attack]]``, such as ``{"service": "ntp"}`` or ``{"on_s": 10, "off_s": 20}``.
        conditions: as for ``cell``.
    """
    values = {"kind": kind, "access": access, "start_s": 40.0, "duration_s": attack_s, **(attack or {})}
    if pps is not None:
        values["pps"] = pps
    attacks = [values | {"name": f"{kind} {number + 1}"} for number in range(infected)]
    duration_s = int(values["start_s"] + attack_s) + 60
    return cell(f"{kind}-{access}", **{"duration_s": duration_s, **conditions, "attack": attacks})


def look_alike_cell(name: str, *, access: str | None = None, lines_with_it: int = 1, **conditions: Any) -> Scenario:
    """A look-alike (of ``look_alikes.LOOK_ALIKES``) among ordinary lines; ``conditions`` as for ``cell``."""
    part = {"name": name, "access": access or LOOK_ALIKES[name].access[0], "lines": lines_with_it}
    return cell(f"{name}-{part['access']}", **{**conditions, "look_alike": [part]})


def cell(
    name: str,
    *,
    protocol: str = "v9",
    sampling_interval: int = 1,
    sees: str = "both",
    loss: float = 0.0,
    active_timeout_s: int = 60,
    inactive_timeout_s: int = 15,
    border: bool = False,
    lines_each: int = 10,
    activity: float = 1.0,
    between_lines: float = 0.0,
    duration_s: int = 180,
    exporter: dict[str, Any] | None = None,
    attack: list[dict[str, Any]] | None = None,
    look_alike: list[dict[str, Any]] | None = None,
) -> Scenario:
    """One router, a few lines of each access kind, and what is to be seen or not to be seen.

    Args:
        name: of the scenario.
        protocol: ``v5``, ``v9`` or ``ipfix``; v5 carries no IPv6, so that nothing is seen of ``ipoe`` lines.
        sampling_interval: 1 in N packets.
        sees: ``both``, ``outbound`` or ``inbound``.
        loss: share of the datagrams that do not arrive.
        active_timeout_s: longest time in the router's cache.
        inactive_timeout_s: longest time there without a packet.
        border: a second router meters the same packets again, at a boundary of its own.
        lines_each: lines of each access kind.
        activity: factor on what people do; 0 leaves only ``attack`` and ``look_alike``.
        between_lines: share of the conversations whose peer is another line.
        duration_s: of the observation.
        exporter: further values of ``[[exporter]]``, such as ``{"clock_skew_ms": 5000}``.
        attack: rows of ``[[attack]]``.
        look_alike: rows of ``[[look_alike]]``.
    """
    router = {
        "name": "bng-1",
        "address": _EXPORTER_V4,
        "protocol": protocol,
        "sampling_interval": sampling_interval,
        "sees": sees,
        "loss": loss,
        "active_timeout_s": active_timeout_s,
        "inactive_timeout_s": inactive_timeout_s,
        "access": ACCESS,
        # Where datagrams are lost, templates must not be missing for a minute.
        "template_refresh_s": 20 if loss else 60,
        **(exporter or {}),
    }
    second = {"name": "border-1", "address": _BORDER_V4, "boundary": "border"}
    return Scenario.model_validate(
        {
            "name": name,
            "title": f"{name}, {protocol}, 1 in {sampling_interval}, sees {sees}, loss {loss:g}",
            "start": START,
            "duration_s": duration_s,
            "lines": {**dict.fromkeys(ACCESS, lines_each), "activity": activity, "between_lines": between_lines},
            "exporter": [router, router | second] if border else [router],
            "attack": attack or [],
            "look_alike": look_alike or [],
        }
    )
