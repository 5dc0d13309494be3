"""What goes wrong or differs between routers and collector."""

from __future__ import annotations

import struct
import tomllib

import numpy as np
import pytest

from sekisho.core.address import V4_MAPPED
from sekisho.core.config import load_config
from sekisho.simulate import flow_cache as fc
from sekisho.simulate.run import configuration, simulate, truth
from sekisho.simulate.simulation import Simulation
from simulated_records import decoded
from small_scenarios import attack, exporter, run, scenario

PROTOCOLS = ("v5", "v9", "ipfix")
BORDER = {"name": "border-1", "address": "192.0.2.9", "boundary": "border"}


def finished(chosen, seed=1):
    simulation = Simulation(chosen, seed=seed)
    datagrams = list(simulation.datagrams())
    return simulation, datagrams


@pytest.mark.parametrize(("active_s", "inactive_s"), [(10, 10), (60, 15), (60, 60), (1800, 15)])
def test_timeouts_bound_the_records(active_s, inactive_s):
    """No record is longer than the active timeout and a step; a quiet flow leaves after the inactive one."""
    part = exporter(active_timeout_s=active_s, inactive_timeout_s=inactive_s)
    simulation, datagrams = finished(scenario(exporter=[part], duration_s=150, attack=[]))
    rows = np.concatenate([d.rows for d in datagrams])
    assert (rows[:, fc.LAST_MS] - rows[:, fc.FIRST_MS]).max() <= active_s * 1000 + 1000
    before_the_end = [d for d in datagrams if d.at_ms < simulation.scenario.end_ms]
    ages = np.concatenate([d.at_ms - d.rows[:, fc.LAST_MS] for d in before_the_end])
    assert ages.max() <= inactive_s * 1000 + 2000


def test_the_border_sees_the_same_packets_again():
    """Unsampled, access and border report the same packets and octets of an attack; the truth counts them once."""
    chosen = scenario(exporter=[exporter(), exporter(**BORDER)])
    simulation, datagrams = finished(chosen)
    (entry,) = truth(simulation)["attacks"]
    for number in (0, 1):
        rows = np.concatenate([d.rows for d in datagrams if d.exporter == number])
        assert rows[rows[:, fc.ATTACK] == 0][:, fc.PACKETS].sum() == entry["packets"]
    assert entry["sampled_packets_by_exporter"] == {"bng-1": entry["packets"], "border-1": entry["packets"]}


def test_access_and_border_sample_by_themselves():
    """Two routers that sample the same packets choose different ones."""
    chosen = scenario(exporter=[exporter(sampling_interval=10), exporter(**BORDER, sampling_interval=10)])
    _, datagrams = finished(chosen)
    times = [
        set(np.concatenate([d.rows[d.rows[:, fc.ATTACK] == 0, fc.FIRST_MS] for d in datagrams if d.exporter == n]))
        for n in (0, 1)
    ]
    assert len(times[0]) > 200
    assert len(times[0] & times[1]) < len(times[0]) / 4


def test_the_configuration_names_the_boundaries(tmp_path):
    """The written configuration is valid, and keeps access and border apart."""
    simulate(scenario(exporter=[exporter(), exporter(**BORDER)], duration_s=3), tmp_path)
    config = load_config(tmp_path / "sekisho.toml", {})
    assert [(e.boundary, e.role) for e in config.exporter] == [("access", "subscriber"), ("border", "border")]
    assert tomllib.loads((tmp_path / "sekisho.toml").read_text()) == configuration(
        scenario(exporter=[exporter(), exporter(**BORDER)])
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_lost_datagrams_leave_gaps(protocol):
    """One datagram in five does not arrive: the sequence numbers of the others show how many units are missing."""
    part = exporter(protocol=protocol, loss=0.2)
    simulation, datagrams = finished(scenario(exporter=[part]))
    (told,) = truth(simulation)["exporters"]
    assert told["datagrams"] == len(datagrams) + told["lost_datagrams"]
    assert told["lost_datagrams"] == pytest.approx(0.2 * told["datagrams"], rel=0.35)
    assert told["records"] == sum(len(d.rows) for d in datagrams) + told["lost_records"]
    lost, expected = 0, None
    for datagram in datagrams:
        sequence, units = sequence_of(protocol, datagram)
        if expected is not None:
            lost += sequence - expected
        expected = sequence + units
    # What is lost before the first and after the last datagram shows nowhere.
    assert 0 < lost <= {"v9": told["lost_datagrams"]}.get(protocol, told["lost_records"] + 8)


def sequence_of(protocol, datagram):
    if protocol == "v9":
        return struct.unpack_from("!I", datagram.octets, 12)[0], 1
    if protocol == "v5":
        return struct.unpack_from("!I", datagram.octets, 16)[0], len(datagram.rows)
    options = {302: 1, 303: 3}.get(struct.unpack_from("!H", datagram.octets, 16)[0], 0)
    return struct.unpack_from("!I", datagram.octets, 8)[0], len(datagram.rows) + options


def test_the_truth_says_what_arrived_of_an_attack():
    """Packets of an attack in lost records are sampled but not received."""
    simulation, datagrams = finished(scenario(exporter=[exporter(loss=0.3)]))
    (entry,) = truth(simulation)["attacks"]
    rows = np.concatenate([d.rows for d in datagrams])
    assert entry["received_packets"] == rows[rows[:, fc.ATTACK] == 0][:, fc.PACKETS].sum()
    assert 0 < entry["received_packets"] < entry["sampled_packets"] == entry["packets"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("skew_ms", [-90_000, 7_300])
def test_a_wrong_clock_shifts_its_times_and_no_arrival(protocol, skew_ms):
    """Header and record times are off by the skew, arrivals are not; the corrected times are the true ones."""
    chosen = scenario(
        exporter=[exporter(protocol=protocol, clock_skew_ms=skew_ms, access=["pppoe"])], lines={"pppoe": 8}
    )
    _, datagrams = finished(chosen)
    data = next(d for d in datagrams if len(d.rows))
    clock_s = struct.unpack_from("!I", data.octets, 4 if protocol == "ipfix" else 8)[0]
    assert clock_s * 1000 == pytest.approx(data.at_ms + skew_ms, abs=1000)
    columns, rows = decoded(chosen, datagrams)
    # v9 has whole seconds, IPFIX's export time too.
    assert np.abs(columns["flow_start"] - rows[:, fc.FIRST_MS]).max() <= 1000


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_change_of_the_sampling_is_announced_in_time(protocol):
    """Each record is decoded with the interval that its packets were sampled by, before and after the change."""
    part = exporter(protocol=protocol, sampling_interval=2, sampling_changes=[{"at_s": 9, "interval": 8}])
    flood = attack(start_s=0.0, duration_s=20, pps=4000)
    chosen = scenario(exporter=[part], attack=[flood])
    simulation, datagrams = finished(chosen)
    columns, rows = decoded(chosen, datagrams)
    change_ms = chosen.start_ms + 9000
    expected = np.where(rows[:, fc.FIRST_MS] < change_ms, 2.0, 8.0)
    assert (columns["sampling_interval"] == expected).all()
    assert (rows[:, fc.LAST_MS] < change_ms)[expected == 2].all()
    (entry,) = truth(simulation)["attacks"]
    estimate = (columns["packets"] * columns["sampling_interval"])[rows[:, fc.ATTACK] == 0].sum()
    assert estimate == pytest.approx(entry["packets"], rel=0.05)


@pytest.mark.parametrize("protocol", ["v9", "ipfix"])
def test_a_wrong_announcement_is_what_the_collector_reads(protocol):
    """A thousandfold announcement reaches the records; the truth and the configuration know the real interval."""
    part = exporter(protocol=protocol, sampling_interval=10, announced_times=1000)
    chosen = scenario(exporter=[part])
    simulation, datagrams = finished(chosen)
    columns, _ = decoded(chosen, datagrams)
    assert set(columns["sampling_interval"].tolist()) == {10_000.0}
    assert truth(simulation)["exporters"][0]["sampling_interval"] == 10
    assert configuration(chosen)["exporter"][0]["sampling_default"] == 10.0


def test_v5_refuses_what_its_header_cannot_say():
    """Fourteen bits hold no interval above 16,383."""
    with pytest.raises(ValueError, match="14 bits"):
        scenario(exporter=[exporter(protocol="v5", sampling_interval=4096, announced_times=1000)])


def test_every_access_kind_is_metered_at_the_access():
    """A border router alone is no place to know a line from."""
    with pytest.raises(ValueError, match="no exporter meters the pppoe lines"):
        scenario(exporter=[exporter(**BORDER)])


def test_records_know_their_lines():
    """The lines of a row are those that hold its addresses: what a decoded record is compared with."""
    simulation, records = run(scenario(lines={"fixed": 5, "ipoe": 5}, attack=[]))
    lines = simulation.lines
    out = records[records[:, fc.OUTBOUND] == 1]
    fixed = out[out[:, fc.SRC_HI] == 0]
    assert (fixed[:, fc.SRC_LO] >> 32 == V4_MAPPED >> 32).all()
    assert ((fixed[:, fc.SRC_LO] - lines.fixed_v4[fixed[:, fc.SRC_LINE]]) // 8 == 0).all()
    native = out[out[:, fc.SRC_HI] != 0]
    assert (native[:, fc.SRC_HI] >> 8 == lines.prefix_hi[native[:, fc.SRC_LINE]] >> 8).all()
    assert (out[:, fc.DST_LINE] == -1).all()
