"""The demo's household and the restart of an infected stand-in, in network namespaces."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from sekisho.checkup.demo import stand_ins
from sekisho.checkup.demo.household import HOSTS, build, check_from
from sekisho.checkup.demo.lan import Host, Lan
from sekisho.checkup.spoken import Note, Step, say
from sekisho.core.errors import Refused
from sekisho.measures.model import Language
from sekisho.measures.report import schema
from tools import needs

if TYPE_CHECKING:
    from pathlib import Path

RUN = "from sekisho.cli.checkup import app; app()"


def root() -> None:
    needs("ip")
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")


def actions(report: dict[str, Any]) -> dict[str, set[str]]:
    return {
        device["addresses"][0]: {f"{f['check']}.{f['outcome']}" for f in device["findings"] if f["verdict"] == "ACTION"}
        for device in report["devices"]
    }


def test_without_root_the_demo_explains(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence that says what it needs."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Refused, match="root"), Lan():
        pass


def test_every_stand_in_of_the_household_exists() -> None:
    """Roles and household agree."""
    assert set(HOSTS) <= set(stand_ins.ROLES)


@pytest.mark.prove
def test_the_demo_finds_what_its_stand_ins_are(tmp_path: Path) -> None:
    """Exactly these actions on these devices; another router in front; the report follows its schema."""
    root()
    with Lan(prefix="192.168.81") as lan:
        report = check_from(lan, build(lan), str(tmp_path))
    jsonschema.Draft202012Validator(schema()).validate(report)
    assert actions(report) == {
        "192.168.81.1": {"c2.2.opening_device", "c2.3.firewall_off", "c3.support_ended"},
        "192.168.81.20": {"c1.1.open_page", "c1.1.open_stream"},
        "192.168.81.30": {"c1.2.telnet_clear", "c2.1.telnet"},
        "192.168.81.40": {"c1.3.first_setup"},
        "192.168.81.50": set(),
    }
    router = next(d for d in report["devices"] if d["kind"] == "router")
    assert "double_router" in {f["outcome"] for f in router["findings"]}


class InfectedHome:
    """A home with one camera that the tests unplug, infect and mend."""

    def __init__(self, lan: Lan, state: Path) -> None:
        self.lan, self.state = lan, state
        lan.add("router", 1)
        self.camera = lan.add("camera", 20, mac="00:00:5e:00:53:20")
        self.computer = lan.add("computer", 2)

    def start(self, role: str) -> None:
        words = (sys.executable, "-m", "sekisho.checkup.demo.stand_ins", role, self.camera.address)
        self.lan.start(self.camera, *words)

    def restart(self, *, then: str) -> dict[str, Any]:
        """What a person does: unplug when told to, plug in when it is off."""
        words = ("restart", self.camera.address, "--consent", "t", "--state", str(self.state), "--format", "json")
        assistant = subprocess.Popen(
            ["ip", "netns", "exec", self.computer.namespace, sys.executable, "-c", RUN, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert assistant.stderr is not None
        for line in assistant.stderr:
            match line.strip():
                case said if said == say(Step.UNPLUG, Language.JA):
                    self.lan.unplug(self.camera)
                case said if said == say(Step.PLUG_IN, Language.JA):
                    self.lan.plug_in(self.camera)
                    self.start(then)
                case said if said == say(Step.CHECKING, Language.JA):
                    break
        out, err = assistant.communicate()
        assert assistant.returncode == 0, err
        report: dict[str, Any] = json.loads(out)
        return report


@pytest.mark.prove
def test_a_restart_is_proven_and_not_finished_until_the_way_in_is_closed(tmp_path: Path) -> None:
    """The shell in memory is gone, the open page is named; with a password it is finished."""
    root()
    with Lan(prefix="192.168.82", length=27) as lan:
        home = InfectedHome(lan, tmp_path)
        home.start("infected")
        first = home.restart(then="open_page")
        assert first["restart"]["proof"] == "strong"
        assert first["restart"]["signals"][0]["signal"] == "services_vanished_and_returned"
        assert first["finished"] is False
        assert actions(first) == {home.camera.address: {"c1.1.open_page"}}
        second = home.restart(then="closed_page")
        assert second["finished"] is True
        assert second["not_finished_because"] == []
        assert len(second["compared"]["closed"]) == 1
        jsonschema.Draft202012Validator(schema()).validate(second)


LIAR = """
import asyncio, sys
address, kind = sys.argv[1:]
async def serve(reader, writer):
    try:
        if kind == 'hang': await asyncio.sleep(3600)
        while True:
            if kind == 'drip': writer.write(b'x'); await asyncio.sleep(1)
            elif kind == 'endless': writer.write(b'HTTP/1.1 200 OK\\r\\n\\r\\n' + b'x' * 65536)
            elif kind == 'bomb':
                writer.write(b'HTTP/1.1 200 OK\\r\\n\\r\\n<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb">]>'
                             b'<root xmlns="urn:schemas-upnp-org:device-1-0">&b;</root>'); writer.close(); return
            elif kind == 'loop':
                writer.write(b'HTTP/1.1 302 x\\r\\nLocation: http://203.0.113.1/\\r\\n\\r\\n'); writer.close(); return
            elif kind == 'markup':
                writer.write(b'HTTP/1.1 200 OK\\r\\n\\r\\n<title>\\x1b[31m<script>x</script></title>')
                writer.close(); return
            await writer.drain()
    except (ConnectionError, OSError): pass
async def main():
    for port in (80, 443, 554, 1883, 22, 23, 21):
        await asyncio.start_server(serve, address, port)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.mark.prove
def test_devices_that_lie_hang_or_flood_cost_the_others_nothing(tmp_path: Path) -> None:
    """Six liars beside one honest recorder: it gets its findings, and nothing leaves the link."""
    root()
    with Lan(prefix="192.168.83", length=27) as lan:
        lan.add("router", 1)
        for number, kind in enumerate(("hang", "drip", "endless", "bomb", "loop", "markup"), 10):
            host = lan.add(kind, number)
            lan.start(host, sys.executable, "-c", LIAR, host.address, kind)
        honest = lan.add("recorder", 20)
        lan.start(honest, sys.executable, "-m", "sekisho.checkup.demo.stand_ins", "recorder", honest.address)
        report = check_from(lan, lan.add("computer", 2), str(tmp_path))
    found = actions(report)
    assert len(report["devices"]) == 8
    assert found[honest.address] == {"c1.2.telnet_clear", "c2.1.telnet"}
    assert "\x1b" not in json.dumps(report, ensure_ascii=False)
    assert not [note for note in report["unreachable"] if note.startswith(Note.CUT_SHORT)]
    assert "any" not in {f["check"] for d in report["devices"] for f in d["findings"]}


@pytest.mark.prove
def test_a_full_home_of_thirty_devices_is_checked(tmp_path: Path) -> None:
    """A /24 with 30 devices: each is listed with its findings (the time is printed, never asserted)."""
    root()
    with Lan(prefix="192.168.84") as lan:
        lan.add("router", 1)
        hosts: list[Host] = []
        for number in range(29):
            host = lan.add(f"d{number}", 10 + number)
            role = ("camera", "recorder", "fresh", "quiet")[number % 4]
            lan.start(host, sys.executable, "-m", "sekisho.checkup.demo.stand_ins", role, host.address)
            hosts.append(host)
        report = check_from(lan, lan.add("computer", 2), str(tmp_path))
    found = actions(report)
    assert len(found) == 30
    assert found[hosts[0].address] == {"c1.1.open_page", "c1.1.open_stream"}
    assert found[hosts[1].address] == {"c1.2.telnet_clear", "c2.1.telnet"}


LOGIN = """
import asyncio, base64, sys
address, pair = sys.argv[1:]
expected = 'Basic ' + base64.b64encode(pair.encode()).decode()
async def serve(reader, writer):
    try:
        head = (await reader.readuntil(b'\\r\\n\\r\\n')).decode()
        inside = f'Authorization: {expected}' in head
        status = '200 OK' if inside else '401 Unauthorized\\r\\nWWW-Authenticate: Basic realm="camera"'
        writer.write(f'HTTP/1.1 {status}\\r\\nContent-Length: 2\\r\\n\\r\\nhi'.encode())
        await writer.drain()
        writer.close()
    except (ConnectionError, OSError, EOFError): pass
async def main():
    await asyncio.start_server(serve, address, 80)
    await asyncio.Event().wait()
asyncio.run(main())
"""
USER, PASSWORD, COMMUNITY = "factory-user", "Zq-factory-7", "Zq-community-8"


@pytest.mark.prove
def test_a_default_pair_that_is_found_and_logins_that_were_given_stand_nowhere(tmp_path: Path) -> None:
    """Not in what is printed, in the report in any form, in the ledger, or in any other file that a run leaves."""
    root()
    given, left = tmp_path / "given", tmp_path / "left"
    given.mkdir()
    left.mkdir()
    with Lan(prefix="192.168.85", length=27) as lan:
        lan.add("router", 1)
        camera, computer = lan.add("camera", 20), lan.add("computer", 2)
        lan.start(camera, sys.executable, "-c", LOGIN, camera.address, f"{USER}:{PASSWORD}")
        label = 'maker = "Example"\nmodel = "EX-1000"\n'
        pair = f'id = "page-12"\n{label}username = "{USER}"\npassword = "{PASSWORD}"\nsource = "manual"\n'
        login = f'username = "{USER}"\npassword = "{PASSWORD}"\ncommunity = "{COMMUNITY}"\n'
        (given / "pairs.toml").write_text(f"[[pair]]\n{pair}")
        (given / "answers.toml").write_text(f'[device."{camera.address}"]\n{label}')
        (given / "logins.toml").write_text(f'[device."{camera.address}"]\n{login}')
        words = ["run", "--consent", "t", "--state", str(left), "--format", "json", "--html", str(left / "report.html")]
        words += ["--default-pairs", str(given / "pairs.toml"), "--answers", str(given / "answers.toml")]
        words += ["--logins", str(given / "logins.toml"), "--pdf", str(left / "report.pdf")]
        done = lan.run(computer, sys.executable, "-c", RUN, *words)
    assert done.returncode == 0, done.stderr.decode()
    assert "c1.6.accepted" in actions(json.loads(done.stdout))[camera.address]
    files = [path for path in left.rglob("*") if path.is_file()]
    assert {"attempts.jsonl", "consents.jsonl", "report.html", "report.pdf"} <= {path.name for path in files}
    encoded = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    for octets in (done.stdout, done.stderr, *(path.read_bytes() for path in files)):
        for secret in (USER, PASSWORD, COMMUNITY, encoded):
            assert secret.encode() not in octets
