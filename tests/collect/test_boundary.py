"""Boundaries, realms and configured sampling: what a record gets from the place at which it was observed."""

from __future__ import annotations

import pytest

from sekisho.collect import interfaces as module
from sekisho.collect.boundary import LEAVE_OUT, Boundaries
from sekisho.collect.exporters import Exporters
from sekisho.core.config import Exporter, Role
from sekisho.schema.batch import FlowBatch

BASE = {"received_at": 1_700_000_000_000, "direction": -1}


class Setup:
    """Boundaries over some exporters, and batches of rows given by what differs from zero."""

    def __init__(self, *configured, default_realm="", seen=("198.51.100.9",)):
        self.exporters = Exporters([Exporter(**settings) for settings in configured])
        self.exporters.texts.extend(seen)
        self.names = {}
        self.realms = [""]
        self.boundaries = Boundaries(
            self.exporters, realms=self.realms, interface_names=self.names, default_realm=default_realm
        )
        self.boundaries.start()

    def annotate(self, *rows):
        """The annotated rows, as (boundary name or None, realm, sampling interval)."""
        batch = FlowBatch(exporters=self.exporters.texts, realms=self.realms)
        batch.length = len(rows)
        for row, values in enumerate(rows):
            for name, value in {**BASE, **values}.items():
                batch.column(name)[row] = value
        self.boundaries.annotate(batch)
        names = {LEAVE_OUT: None, **dict(enumerate(self.boundaries.names))}
        return [
            (names[int(boundary)], self.realms[int(realm)], float(interval))
            for boundary, realm, interval in zip(
                batch.column("boundary"), batch.column("realm"), batch.column("sampling_interval"), strict=True
            )
        ]

    def boundary(self, **values):
        return self.annotate(values)[0][0]

    def realm(self, **values):
        return self.annotate(values)[0][1]


BNG = {"address": "192.0.2.1"}


def test_a_named_boundary_has_one_code():
    """Exporters of one boundary share it, in every direction; another name is another boundary."""
    setup = Setup(
        {"address": "192.0.2.1", "boundary": "access"},
        {"address": "192.0.2.2", "boundary": "border"},
        {"address": "192.0.2.3", "boundary": "access"},
    )
    rows = setup.annotate({"exporter": 0}, {"exporter": 1, "direction": 1}, {"exporter": 2, "direction": 0})
    assert [row[0] for row in rows] == ["access", "border", "access"]
    assert (setup.boundaries.names, setup.boundaries.are_derived) == (["access", "border"], False)


def test_without_a_name_each_exporter_and_direction_is_its_own():
    """Derived boundaries are named after exporter and direction, and it is told that they are derived."""
    setup = Setup({"address": "192.0.2.1", "boundary": "access"}, seen=("198.51.100.9", "2001:db8::9"))
    rows = setup.annotate(
        {"exporter": 1, "direction": 0},
        {"exporter": 1, "direction": 1},
        {"exporter": 0, "direction": 1},
        {"exporter": 2},
        {"exporter": 1, "direction": 0},
    )
    derived = ["198.51.100.9 ingress", "198.51.100.9 egress", "access", "2001:db8::9", "198.51.100.9 ingress"]
    assert [row[0] for row in rows] == derived
    assert {setup.boundaries.names[code] for code in setup.boundaries.derived} == set(derived) - {"access"}
    assert setup.boundaries.are_derived


def test_codes_stay_across_batches():
    """A boundary derived in one batch has the same code in the next."""
    setup = Setup()
    assert [setup.boundary(direction=d) for d in (1, 0, 1)] == [
        "198.51.100.9 egress",
        "198.51.100.9 ingress",
        "198.51.100.9 egress",
    ]
    assert len(setup.boundaries.names) == 2


def test_an_empty_batch():
    """A batch without rows is no special case."""
    assert Setup().annotate() == []


@pytest.mark.parametrize(
    ("direction", "ingress_if", "egress_if", "is_left_out"),
    [
        (0, 9, 1, True),
        (0, 1, 9, False),
        (1, 1, 9, True),
        (1, 9, 1, False),
        (-1, 9, 1, True),
        (-1, 1, 9, False),
        (-1, 0, 9, True),
        (0, 0, 9, True),
        (1, 9, 0, True),
        (-1, 0, 0, False),
    ],
)
def test_records_observed_at_an_ignored_interface_are_left_out(direction, ingress_if, egress_if, is_left_out):
    """The interface decides at which the record was observed: where it came in unless the direction is egress."""
    setup = Setup({**BNG, "boundary": "access", "interface": ({"index": 9, "role": "ignore"}, {"default": True})})
    found = setup.boundary(direction=direction, ingress_if=ingress_if, egress_if=egress_if)
    assert (found is None) == is_left_out
    assert setup.boundaries.ignored_records == is_left_out


def test_the_role_of_the_exporter_holds_where_no_interface_has_one():
    """An entry without a role takes the exporter's, and so does an interface without an entry."""
    setup = Setup({**BNG, "role": "ignore", "interface": ({"index": 1, "role": "core"}, {"index": 2})})
    assert [setup.boundary(ingress_if=interface) is None for interface in (1, 2, 3)] == [False, True, True]


def test_entries_are_chosen_by_index_then_name_then_default():
    """The more exact way of naming an interface wins, whatever the order in the file."""
    setup = Setup(
        {
            **BNG,
            "interface": (
                {"default": True, "realm": "default"},
                {"match": "ge-0/0/.*", "realm": "name"},
                {"match": "ge-.*", "realm": "later name"},
                {"index": 1, "realm": "index"},
            ),
        }
    )
    setup.names.update({(0, 1): "ge-0/0/1", (0, 2): "ge-0/0/2", (0, 3): "ge-1/0/3", (0, 4): "xe-ge-0/0/4"})
    assert [setup.realm(ingress_if=n) for n in range(1, 6)] == ["index", "name", "later name", "default", "default"]


def test_names_may_come_later():
    """An interface is unknown until the exporter tells its name, and falls under its entry from then on."""
    setup = Setup({**BNG, "interface": ({"match": "ppp.*", "realm": "shop"},)})
    assert setup.realm(ingress_if=5) == ""
    assert setup.boundaries.interfaces.unknown == {(0, 5)}
    setup.names[0, 5] = "ppp5"
    assert setup.realm(ingress_if=5) == "shop"
    assert setup.boundaries.interfaces.unknown == set()


@pytest.mark.parametrize(("later_ms", "realm"), [(module.NAMES_CHECK_MS - 1, "a"), (module.NAMES_CHECK_MS, "b")])
def test_a_renamed_interface_is_noticed_in_stream_time(later_ms, realm):
    """After a reboot an ifIndex may belong to another interface; that counts within ten seconds of stream time."""
    setup = Setup({**BNG, "interface": ({"match": "a", "realm": "a"}, {"match": "b", "realm": "b"})})
    setup.names[0, 5] = "a"
    assert setup.realm(ingress_if=5) == "a"
    setup.names[0, 5] = "b"
    assert setup.realm(ingress_if=5, received_at=BASE["received_at"] + later_ms) == realm


def test_unknown_interfaces_are_counted():
    """Records at interfaces that no entry names are counted, and the interfaces listed once."""
    setup = Setup({**BNG, "interface": ({"index": 1},)}, BNG | {"address": "192.0.2.2"})
    setup.annotate({"ingress_if": 7}, {"ingress_if": 7}, {"ingress_if": 1, "egress_if": 8}, {"ingress_if": 0})
    setup.annotate({"ingress_if": 7, "exporter": 1}, {"ingress_if": 7, "exporter": 2})
    assert setup.boundaries.unknown_interface_records == 2
    assert setup.boundaries.interfaces.unknown == {(0, 7), (0, 8)}


def test_interfaces_beyond_the_limit_are_unknown_ones(monkeypatch):
    """One ifIndex a session: at the limit nothing more is remembered, and records still get a boundary."""
    monkeypatch.setattr(module, "INTERFACES_LIMIT", 10)
    setup = Setup({**BNG, "boundary": "access", "interface": ({"index": 30, "role": "ignore"},)})
    rows = setup.annotate(*({"ingress_if": n} for n in range(1, 41)))
    assert {row[0] for row in rows} == {"access"}
    assert len(setup.boundaries.interfaces.unknown) == 10
    assert setup.boundaries.unknown_interface_records == 40


def test_the_realm_of_an_interface_wins_over_vrf_and_exporter():
    """Interface, then VRF, then exporter, then the default realm."""
    setup = Setup(
        {
            **BNG,
            "realm": "exporter",
            "vrf": ({"id": 7, "realm": "vrf"},),
            "interface": ({"index": 1, "realm": "interface"}, {"default": True}),
        },
        {"address": "192.0.2.2"},
        default_realm="home",
    )
    assert setup.realm(ingress_if=1, ingress_vrf=7) == "interface"
    assert setup.realm(ingress_if=2, egress_if=1, ingress_vrf=7) == "interface"
    assert setup.realm(ingress_if=2, egress_if=3, ingress_vrf=7) == "vrf"
    assert setup.realm(ingress_if=2, egress_if=3, egress_vrf=7) == "vrf"
    assert setup.realm(ingress_if=2, egress_if=3, egress_vrf=8) == "exporter"
    assert setup.realm(exporter=1, ingress_vrf=7) == "home"
    assert setup.realm(exporter=2) == "home"


def test_the_subscriber_side_names_the_realm():
    """A record towards a subscriber has the subscriber's realm, though it was observed at the other side."""
    interfaces = (
        {"index": 1, "role": "subscriber", "realm": "homes"},
        {"index": 2, "role": "nat_inside", "realm": "shared"},
        {"index": 3, "role": "border", "realm": "outside"},
    )
    setup = Setup({**BNG, "interface": interfaces})
    assert setup.realm(ingress_if=3, egress_if=1) == "homes"
    assert setup.realm(ingress_if=1, egress_if=3) == "homes"
    assert setup.realm(ingress_if=3, egress_if=2) == "shared"
    assert setup.realm(ingress_if=1, egress_if=2) == "homes"
    assert setup.realm(ingress_if=1, egress_if=2, direction=1) == "shared"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, [0, 50]), ({"sampling_default": 1000}, [1000, 50]), ({"sampling_forced": 1}, [1, 1])],
)
def test_configured_sampling(settings, expected):
    """A default fills what is unknown, a forced rate replaces what the exporter says."""
    setup = Setup({**BNG, **settings})
    rows = setup.annotate({"sampling_interval": 0.0}, {"sampling_interval": 50.0})
    assert [row[2] for row in rows] == expected


def test_the_entry_of_an_interface_can_be_asked_for():
    """Link, capacity and role are kept for those who need them."""
    setup = Setup({**BNG, "interface": ({"index": 1, "role": "border", "link": "ix-1", "capacity_bps": 1e10},)})
    entry = setup.boundaries.interface(0, 1)
    assert (entry.role, entry.link, entry.capacity_bps) == (Role.BORDER, "ix-1", 1e10)
    assert setup.boundaries.interface(1, 1) is None


def test_a_whole_batch_is_annotated():
    """Many rows of many kinds are the same as each alone."""
    setup = Setup({**BNG, "interface": ({"index": 3, "role": "ignore"}, {"index": 4, "realm": "a"}, {"default": True})})
    rows = [{"exporter": n % 2, "ingress_if": n % 5, "egress_if": n % 7, "direction": n % 3 - 1} for n in range(500)]
    together = setup.annotate(*rows)
    assert together == [setup.annotate(row)[0] for row in rows]
