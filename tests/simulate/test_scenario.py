"""Scenarios as files."""

from __future__ import annotations

import pytest

from sekisho.core.errors import ConfigError, InputError
from sekisho.simulate.scenario import load, shipped
from small_scenarios import attack, exporter, scenario


@pytest.mark.parametrize("name", ["bench", "demo", "quick"])
def test_shipped_scenarios_load(name):
    """Every scenario of the package is valid and has a title."""
    assert load(name).title == shipped()[name]


def test_the_demo_is_what_the_readme_says():
    """The demo has 2,000 lines, 20 minutes and twelve infected lines."""
    demo = load("demo")
    assert (demo.lines.total, demo.duration_s, len(demo.attack)) == (2000, 1200, 12)


def test_an_unknown_name_lists_those_there_are():
    """A wrong name is answered with the names that exist, and exit status 2."""
    with pytest.raises(InputError, match=r"bench, demo, quick") as caught:
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
        ({"attack": [attack()] * 9}, "fewer pppoe lines than attacks"),
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
