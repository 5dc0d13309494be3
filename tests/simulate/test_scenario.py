"""Scenarios as files."""

from __future__ import annotations

import pytest

from sekisho.core.errors import ConfigError, InputError
from sekisho.simulate.attack_kinds import ATTACK_KINDS
from sekisho.simulate.look_alikes import LOOK_ALIKES
from sekisho.simulate.scenario import load, shipped
from small_scenarios import attack, exporter, scenario


@pytest.mark.parametrize("name", ["attacks", "bench", "demo", "demo-live", "look-alikes", "quick"])
def test_shipped_scenarios_load(name):
    """Every scenario of the package is valid and has a title."""
    assert load(name).title == shipped()[name]


def test_the_demo_is_what_the_readme_says():
    """The demo has 2,000 lines, 20 minutes and twelve infected lines."""
    demo = load("demo")
    assert (demo.lines.total, demo.duration_s, len(demo.attack)) == (2000, 1200, 12)


def test_an_unknown_name_lists_those_there_are():
    """A wrong name is answered with the names that exist, and exit status 2."""
    with pytest.raises(InputError, match=r"attacks, bench, demo, demo-live, look-alikes, quick") as caught:
        load("nosuch")
    assert caught.value.exit_status == 2


def test_a_file_is_taken_by_its_path(tmp_path):
    """A TOML file is as good as a shipped scenario; its name is that of the file."""
    path = tmp_path / "mine.toml"
    path.write_text(
        'title = "t"\nstart = 2026-11-01T20:00:00+09:00\nduration_s = 5\n[lines]\nipoe = 2\n[[exporter]]\nname = "e"\n'
        'address = "192.0.2.9"\nprotocol = "ipfix"\naccess = ["ipoe"]\n'
    )
    assert load(str(path)).name == "mine"
    path.write_text("title = \n")
    with pytest.raises(InputError, match="TOML"):
        load(str(path))
    path.write_text('title = "t"\n')
    with pytest.raises(ConfigError, match="start"):
        load(str(path))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"exporter": [exporter(), exporter()]}, "named twice"),
        ({"exporter": [exporter(access=["ipoe"])]}, "no exporter meters the pppoe lines"),
        ({"attack": [attack()] * 9}, "fewer pppoe lines than attacks and look-alikes"),
        ({"attack": [attack(access="ipoe")]}, "must be an IPv6 prefix"),
        ({"attack": [attack(target="2001:db8::/64")]}, "must be an IPv4 prefix"),
        ({"attack": [attack(access="fixed", reconnects_at_s=[1.0])]}, "only a pppoe line"),
        ({"start": "2026-11-01T20:00:00"}, "zone"),
        ({"nonsense": 1}, "Extra inputs"),
    ],
)
def test_what_cannot_be_is_refused(changes, problem):
    """Scenarios that contradict themselves are errors that say why."""
    with pytest.raises(ValueError, match=problem):
        scenario(**changes)


def test_every_kind_and_look_alike_is_in_a_shipped_scenario():
    """Two scenarios hold all kinds of attack, and all look-alikes."""
    assert {attack.kind for attack in load("attacks").attack} == set(ATTACK_KINDS)
    assert [part.name for part in load("look-alikes").look_alike] == list(LOOK_ALIKES)


def test_overrides_reach_all_of_a_table_or_one_by_name():
    """A key of a table changes all its rows; with a name in between, the row of that name; the rest stays."""
    quick = load("quick")
    changed = quick.with_overrides(
        {"duration_s": 9, "lines.ipoe": 60, "exporter.sampling_interval": 7, "exporter.gateway-1.loss": 0.5}
    )
    assert (changed.duration_s, changed.lines.ipoe, changed.lines.pppoe) == (9, 60, quick.lines.pppoe)
    assert [(e.sampling_interval, e.loss) for e in changed.exporter] == [(7, 0.0), (7, 0.5)]
    assert changed.attack == quick.attack


@pytest.mark.parametrize("key", ["nosuch", "exporter", "exporter.bng-1", "exporter.nosuch.loss", "lines.pppoe.x"])
def test_an_override_of_nothing_is_refused(key):
    """A key that leads nowhere, or to a whole table, is an error that names it."""
    with pytest.raises(ConfigError):
        load("quick").with_overrides({key: 1})
