"""The policy: shipped it does nothing; a wrong value is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from cases.documents import T0_MS
from cases.sending import policy
from sekisho.cases.policy import HOUR_MS, Mode, Policy, QuietHours, load_policy
from sekisho.cases.roles import ROLES, Action, Role, require
from sekisho.core.errors import ConfigError, Refused


def test_what_is_shipped_only_observes() -> None:
    """No mode, two kinds off, two signals, no walled garden."""
    shipped = load_policy(None)
    assert (shipped.mode, shipped.walled_garden) == (Mode.OBSERVE, False)
    assert set(shipped.kinds_off) == {"c2_contact", "volume_anomaly"}
    assert shipped.signals.needed("udp_flood") == 2
    assert {p.code for p in shipped.purposes} >= {
        "own_network_protection",
        "necessity",
        "third_party_report",
        "consent",
    }


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('mode = "launch"', ("mode", "observe")),
        ("walled_garden = true", ("walled_garden = false",)),
        ("daily_cup = 5", ("daily_cup", "daily_cap?")),
        ("[signals]\nautomatic = 1", ("signals.automatic", "2")),
        ("[signals]\nby_kind = { scan = 1 }", ("signals.by_kind.scan",)),
        ("[recovery]\ncontinuous_hours = 24", ("recovery.continuous_hours", "72")),
        ('[quiet_hours]\nstart = "25:00"', ("quiet_hours.start",)),
        ('[[ladder]]\nchannel = "mail"\nafter_days = 3', ("after_days = 0",)),
        ('[roles]\napprover = ["x"]', ("roles", "sekisho users add")),
    ],
)
def test_a_wrong_value_is_one_sentence(tmp_path: Path, text: str, parts: tuple[str, ...]) -> None:
    """File, key, expected, found."""
    file = tmp_path / "policy.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_policy(file)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert all(part in sentence for part in (str(file), *parts))


@pytest.mark.parametrize(("hour", "quiet"), [(8, True), (9, False), (19, False), (20, True), (23, True), (0, True)])
def test_quiet_hours_are_japanese_and_cross_midnight(hour: int, *, quiet: bool) -> None:
    """T0 is noon in Japan."""
    assert QuietHours().hold(T0_MS + (hour - 12) * HOUR_MS) is quiet


def test_a_rehearsal_may_be_as_short_as_one_likes() -> None:
    """Nothing else may: what pauses over a weekend is not over."""
    short = {"rehearsal": True, "continuous_hours": 0.01, "flood_hours": 0.01}
    assert policy(recovery=short, digest_hours=0).recovery.flood_hours == 0.01
    for change in ({"recovery": {"flood_hours": 71.9}}, {"digest_hours": 0}):
        with pytest.raises(ValidationError, match="at least"):
            policy(**change)


@pytest.mark.parametrize("action", Action)
def test_an_auditor_reads_and_changes_nothing(action: Action) -> None:
    """Neither does support see destinations."""
    assert (Role.AUDITOR in ROLES[action]) == (action in {Action.LOOK, Action.WATCH, Action.EXPORT, Action.AUDIT})
    if action in {Action.WATCH, Action.WHO, Action.REVEAL, Action.APPROVE, Action.ERASE}:
        with pytest.raises(Refused, match=action.value):
            require(action, frozenset({Role.SUPPORT}), "tanaka")


def test_purposes_of_the_operator_replace_the_shipped_ones() -> None:
    """Counsel decides which there are."""
    own = policy(purpose=[{"code": "own", "ja": "独自", "en": "own"}])
    assert [p.code for p in own.purposes] == ["own"]
    assert isinstance(own, Policy)
