"""The configuration: every key of the contract is understood, every mistake is one sentence that names its place."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from sekisho.core.config import Config, Exporter, Role, Sees, load_config
from sekisho.core.config_layers import Origin, read_layers
from sekisho.core.errors import ConfigError, InputError

CONTRACT = """
[network]
prefixes = ["100.72.0.0/16", "2001:db8::/32"]
tunnel_endpoints = ["2001:db8:ffff::1"]

[[exporter]]
address = "192.0.2.1"
name = "bng-1"
active_timeout_s = 60
inactive_timeout_s = 15
sampling_default = 1000
boundary = "access"
role = "subscriber"
sees = "both"

[[exporter.interface]]
match = "ge-0/0/.*"
role = "core"
link = "uplink-1"
capacity_bps = 10e9

[[exporter.vrf]]
id = 7
realm = "shop"

[detect.udp_flood]
act_pps = 2000

[files]
lines = ["assignments.csv", "/srv/lines.csv"]
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "sekisho.toml"
    path.write_text(CONTRACT)
    return path


def test_every_key_of_the_contract(path):
    """The file of the contract is understood key by key."""
    config = load_config(path, {})
    (exporter,) = config.exporter
    assert config.network.prefixes == (ip_network("100.72.0.0/16"), ip_network("2001:db8::/32"))
    assert config.network.tunnel_endpoints == (ip_address("2001:db8:ffff::1"),)
    assert (exporter.address, exporter.name, exporter.boundary) == (ip_address("192.0.2.1"), "bng-1", "access")
    assert (exporter.active_timeout_s, exporter.inactive_timeout_s, exporter.longest_timeout_s) == (60, 15, 60)
    assert (exporter.sampling_default, exporter.sampling_forced) == (1000, None)
    assert (exporter.role, exporter.sees) == (Role.SUBSCRIBER, Sees.BOTH)
    assert (exporter.interface[0].match, exporter.interface[0].capacity_bps) == ("ge-0/0/.*", 10e9)
    assert (exporter.vrf[0].id, exporter.vrf[0].realm) == (7, "shop")
    assert config.detect.overrides == {"udp_flood": {"act_pps": 2000}}


def test_relative_paths_stand_beside_the_file(path):
    """A relative path is taken from the directory of the file, an absolute one as it stands."""
    assert load_config(path, {}).files.lines == (path.parent / "assignments.csv", Path("/srv/lines.csv"))


def test_without_a_file_the_defaults_hold():
    """No file and no variable give the defaults."""
    assert load_config(None, {}) == Config()


@pytest.mark.parametrize(
    ("old", "new", "key", "expected"),
    [
        ("active_timeout_s = 60", "active_timeout_s = '60'", "exporter[0].active_timeout_s", "valid number"),
        ("active_timeout_s = 60", "active_timeout_s = true", "exporter[0].active_timeout_s", "valid number"),
        ("active_timeout_s = 60", "active_timeout_s = 0", "exporter[0].active_timeout_s", "greater than 0"),
        ("active_timeout_s = 60", "active_timeout_s = 60000000", "exporter[0].active_timeout_s", "86400"),
        ("active_timeout_s = 60", "actve_timeout_s = 60", "exporter[0].actve_timeout_s", "active_timeout_s?"),
        ('"192.0.2.1"', '"192.0.2.300"', "exporter[0].address", "an IP address"),
        ('"192.0.2.1"', "1", "exporter[0].address", "an IP address"),
        ('address = "192.0.2.1"', "", "exporter[0].address", "a value"),
        ("100.72.0.0/16", "100.72.0.1/16", "network.prefixes[0]", "without host bits"),
        ('role = "core"', 'role = "kore"', "exporter[0].interface[0].role", "'core'"),
        ("ge-0/0/.*", "ge-0/0/(", "exporter[0].interface[0].match", "a regular expression"),
        ('match = "ge-0/0/.*"', "", "exporter[0].interface[0]", "exactly one of index, match, default"),
        ('match = "ge-0/0/.*"', "index = 1\ndefault = true", "exporter[0].interface[0]", "exactly one of"),
        ("sampling_default = 1000", "sampling_default = 0.5", "exporter[0].sampling_default", "greater than or equal"),
        ("sampling_default = 1000", "sampling_default = 2\nsampling_forced = 3", "exporter[0]", "one of sampling_"),
        ('lines = ["assignments.csv", "/srv/lines.csv"]', 'lines = "a.csv"', "files.lines", "a list"),
        ("act_pps = 2000", 'act_pps = "many"', "detect.udp_flood.act_pps", "valid number"),
        ("[network]", "[netwrk]", "netwrk", "network?"),
    ],
)
def test_a_wrong_value_is_one_sentence(path, old, new, key, expected):
    """Each mistake names the file, the key, what was expected and what was found."""
    path.write_text(CONTRACT.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    assert str(caught.value).startswith(f"{path}: {key}: expected ")
    assert expected in caught.value.expected
    assert caught.value.exit_status == 2


def test_two_default_interfaces_are_refused():
    """Two entries for "every other interface" contradict each other."""
    with pytest.raises(ValueError, match="at most one interface"):
        Exporter(address="192.0.2.1", interface=({"default": True}, {"default": True}))


def test_a_syntax_error_names_its_line(path):
    """A file that is no TOML is refused with the line."""
    path.write_text("[network]\nprefixes = [\n]]\n")
    with pytest.raises(InputError, match=r"sekisho.toml, line 3: expected TOML"):
        load_config(path, {})


@pytest.mark.parametrize(("octets", "found"), [(None, "No such file"), (b"\xff\xfe", "expected UTF-8 text")])
def test_an_unreadable_file_is_refused(path, octets, found):
    """No file and no UTF-8 text are each one sentence."""
    path.unlink() if octets is None else path.write_bytes(octets)
    with pytest.raises(InputError, match=found):
        load_config(path, {})


def test_the_environment_overrides_the_file(path):
    """A variable wins over the file, in any section; text that is no TOML value needs no quotes."""
    environ = {
        "SEKISHO_DETECT__UDP_FLOOD__ACT_PPS": "3000",
        "SEKISHO_DETECT__SCAN__PEERS": "20",
        "SEKISHO_PRIVACY__KEY_FILE": "/run/secrets/key",
        "SEKISHO_NETWORK__PREFIXES": '["198.18.0.0/15"]',
        "SEKISHO_CACHE_DIR": "/var/cache/sekisho",
        "HOME": "/root",
    }
    config = load_config(path, environ)
    assert config.detect.overrides == {"udp_flood": {"act_pps": 3000}, "scan": {"peers": 20}}
    assert config.privacy.key_file == Path("/run/secrets/key")
    assert config.network.prefixes == (ip_network("198.18.0.0/15"),)
    assert config.network.tunnel_endpoints == (ip_address("2001:db8:ffff::1"),)


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("SEKISHO_ATTRIBUTION__CLOCK_MARGIN_S", "soon", "SEKISHO_ATTRIBUTION__CLOCK_MARGIN_S"),
        ("SEKISHO_NETWORK__PREFIXES", '["x"]', "SEKISHO_NETWORK__PREFIXES"),
        ("SEKISHO_EXPORTER__NAME", "x", "SEKISHO_EXPORTER__NAME"),
        ("SEKISHO_NO__SUCH", "1", "SEKISHO_NO"),
    ],
)
def test_a_wrong_variable_is_named(path, name, value, key):
    """A mistake in the environment names the variable, not the file."""
    with pytest.raises(ConfigError) as caught:
        load_config(path, {name: value})
    assert (caught.value.file, caught.value.key) == ("environment", key)


def test_a_variable_below_a_value_is_refused():
    """One variable cannot set a key inside what another sets to a number."""
    with pytest.raises(ConfigError, match="SEKISHO_DETECT__SCAN__PEERS"):
        load_config(None, {"SEKISHO_DETECT__SCAN": "1", "SEKISHO_DETECT__SCAN__PEERS": "2"})


def test_each_value_knows_its_origin(path):
    """Default, file and environment are told apart for every key."""
    layers = read_layers(path, {"SEKISHO_ATTRIBUTION__CLOCK_MARGIN_S": "3"})
    assert layers.origin(("attribution", "clock_margin_s")) is Origin.ENVIRONMENT
    assert layers.origin(("exporter", 0, "interface", 0, "role")) is Origin.FILE
    assert layers.origin(("exporter", 0, "realm")) is Origin.DEFAULT
    assert layers.origin(("exporter", 1)) is Origin.DEFAULT


def test_collectors_that_share_need_a_database(tmp_path: Path) -> None:
    """By it they agree who reports which exporter."""
    file = tmp_path / "sekisho.toml"
    file.write_text("[serve]\nshares = true\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"a url under \[cases\]"):
        load_config(file, {})
