"""Sources that are followed while a run goes on: what they tell decides the next flow, late words take cases back."""

from __future__ import annotations

import socket
from contextlib import closing, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cases.documents import T0_MS
from export_builders import v5, v5_record
from sekisho.attribution.history.settling import Settled
from sekisho.attribution.outcome import Attributed, Unattributed
from sekisho.cases.database import writing
from sekisho.cases.read import find_cases
from sekisho.cases.record import record
from sekisho.cases.settling import NotSettled, OtherLine, SameLine, settled
from sekisho.collect.exporters import Exporters
from sekisho.core.alarms import Alarms, Condition
from sekisho.core.config import load_config
from sekisho.core.errors import ConfigError, InputError
from sekisho.core.metrics import BY_NAME
from sekisho.core.reasons import UnattributedReason
from sekisho.pipeline.analysis import document_of
from sekisho.pipeline.batch import compose
from sekisho.pipeline.checkpoint import Checkpoint
from sekisho.pipeline.live import Live
from sekisho.pipeline.settling import resolver
from sekisho.query.duckdb import DuckDBEngine
from sekisho.serve.sources import Sources, following
from sekisho.wire.datagrams import Datagrams

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME, ELSEWHERE = "203.0.113.7", "203.0.113.8"
MINUTE_MS = 60_000


def accounting(status: str, line: str, address: str, at_s: int, *, session: str, late_s: int = 0) -> str:
    """A record of a ``detail`` file, seconds after T0; it arrives so many seconds later."""
    at = T0_MS // 1000 + at_s
    values = {
        "Acct-Status-Type": status,
        "NAS-IP-Address": "192.0.2.1",
        "Acct-Session-Id": f'"{session}"',
        "User-Name": f'"{line}"',
        "Framed-IP-Address": address,
        "Event-Timestamp": at,
        "Timestamp": at + late_s,
    }
    return "Tue Nov 24 12:00:00 2026\n" + "".join(f"\t{name} = {value}\n" for name, value in values.items()) + "\n"


CONFIG = """
[network]
prefixes = ["203.0.113.0/24", "198.51.100.0/24", "100.64.0.0/10"]
[[exporter]]
address = "127.0.0.1"
sampling_forced = 1
active_timeout_s = 10
inactive_timeout_s = 10
role = "subscriber"
[attribution]
history = "history.db"
inside_realm = "cgn"
[cases]
url = "sqlite:///cases.db"
"""
DETAIL = '[[source]]\nkind = "radius_detail"\nname = "aaa"\nfile = "detail"\n'


class Network:
    """A configuration, its run and its sources, at a time of our own."""

    def __init__(self, folder: Path, sources: str = DETAIL) -> None:
        self.folder, self.now_ms = folder, T0_MS
        (folder / "sekisho.toml").write_text(CONFIG + sources)
        self.config = load_config(folder / "sekisho.toml", {})
        self.attributor, followed = following(self.config, clock=lambda: self.now_ms)
        assert followed is not None
        self.sources: Sources = followed
        self.sources.open()
        self.attributor.start()

    def tell(self, *records: str, name: str = "detail") -> None:
        with (self.folder / name).open("a") as file:
            file.writelines(records)
        self.step()

    def step(self) -> None:
        for _ in range(3):
            self.sources.step()
            self.sources.take()

    def who(self, address: str, at_s: float, *, port: int = 443) -> str | UnattributedReason:
        at_ms = T0_MS + round(at_s * 1000)
        answer = self.attributor.resolve(
            realm="", address=ip_address(address), port=port, protocol=17, start_ms=at_ms, end_ms=at_ms
        )
        return answer.line_id if isinstance(answer, Attributed) else answer.reason

    def alarms(self) -> dict[str, str]:
        alarms = Alarms(lambda: self.now_ms)
        self.sources.look(alarms)
        return {alarm.condition: alarm.text("en") for alarm in alarms}

    def samples(self) -> dict[tuple[str, tuple[str, ...]], float]:
        return {(sample.name, sample.labels): sample.value for sample in self.sources.samples()}


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    network = Network(tmp_path)
    yield network
    network.sources.close()


def test_what_is_told_decides_the_next_flow(network: Network):
    """A session, its end, the next holder; a length of prefix that was never seen makes the index new."""
    assert network.who(HOME, 60) is UnattributedReason.NO_ASSIGNMENT
    network.tell(accounting("Start", "a", HOME, 0, session="1"))
    while network.who(HOME, 60) != "a":
        network.step()
    assert network.sources.rebuilt == 1
    network.tell(accounting("Stop", "a", HOME, 30, session="1"), accounting("Start", "b", HOME, 40, session="2"))
    assert (network.who(HOME, 20), network.who(HOME, 60)) == ("a", "b")
    assert network.who(HOME, 35) is UnattributedReason.NO_ASSIGNMENT
    assert network.sources.rebuilt == 1
    assert all(BY_NAME[name] for name, _ in network.samples())
    assert network.samples()["source_events_total", ("aaa",)] == 3


def test_a_restart_goes_on_where_it_was(tmp_path: Path):
    """Position and sessions are in the history; nothing is read twice."""
    first = Network(tmp_path)
    first.tell(accounting("Start", "a", HOME, 0, session="1"))
    first.sources.close()
    second = Network(tmp_path)
    assert second.who(HOME, 60) == "a"
    second.tell(accounting("Stop", "a", HOME, 30, session="1"))
    assert second.who(HOME, 60) is UnattributedReason.NO_ASSIGNMENT
    assert second.samples()["source_events_total", ("aaa",)] == 1
    second.sources.close()


def test_silence_and_wrong_clocks_are_told(network: Network):
    """Nothing for an hour; nine hours off: what was told counts for nothing, and that is said."""
    network.tell(*(accounting("Start", f"l{n}", f"203.0.113.{n}", 0, session=str(n)) for n in range(20, 25)))
    while network.who("203.0.113.20", 60) != "l20":
        network.step()
    assert not network.alarms()
    late = (accounting("Start", f"m{n}", f"203.0.113.{n}", 0, session=str(n), late_s=9 * 3600) for n in range(30, 50))
    network.tell(*late)
    assert "+32,400 s off" in network.alarms()[Condition.SOURCE_QUARANTINED]
    while network.who("203.0.113.20", 60) is not UnattributedReason.NO_ASSIGNMENT:
        network.step()
    network.now_ms += 3600 * 1000
    assert "aaa has told nothing" in network.alarms()[Condition.SOURCE_SILENT]


def test_confirmations_that_stay_away_end_certainty(tmp_path: Path):
    """Nobody tells it: the watermark of the others does."""
    network = Network(tmp_path, DETAIL + "interim_s = 60\n")
    network.tell(accounting("Start", "a", HOME, 0, session="1"), accounting("Start", "b", ELSEWHERE, 0, session="2"))
    while network.who(HOME, 100) != "a":
        network.step()
    network.tell(accounting("Interim-Update", "b", ELSEWHERE, 200, session="2"))
    network.now_ms += MINUTE_MS
    network.step()
    assert network.who(HOME, 100) is UnattributedReason.NO_ASSIGNMENT
    assert network.who(ELSEWHERE, 180) == "b"
    network.sources.close()


def test_blocks_follow_the_holder_of_their_inside_address(tmp_path: Path):
    """A translator's log by UDP, from its own address only; a late session behind it renames the block."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "hand-over.csv").write_text(
        "contract,prefix,from,to\nold,100.64.0.1/32,2026-11-24T00:00:00Z,2026-11-24T03:00:30Z\n"
    )
    network = Network(
        tmp_path,
        f'[[source]]\nkind = "cgnat_syslog_udp"\nlisten = "127.0.0.1:{port}"\nsenders = ["127.0.0.1"]\n'
        f'[[source]]\nkind = "ipoe"\nfile = "hand-over.csv"\nrealm = "cgn"\n',
    )
    message = "<14>1 2026-11-24T03:00:10Z cgn-1 - A VRF 0 INT 100.64.0.1 EXT 198.51.100.1:1024-1535"
    for sender in ("127.0.0.9", "127.0.0.1"):
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as syslog:
            syslog.bind((sender, 0))
            syslog.sendto(message.encode(), ("127.0.0.1", port))
    while network.who("198.51.100.1", 20, port=1100) != "old":
        network.step()
    assert network.who("198.51.100.1", 60, port=1100) is UnattributedReason.PORT_OUTSIDE_SET
    assert network.who("198.51.100.1", 60, port=0) is UnattributedReason.NEEDS_PORT
    assert network.samples()["source_dropped_total", (f"cgnat_syslog_udp 127.0.0.1:{port}", "unknown_sender")] == 1
    with (tmp_path / "hand-over.csv").open("a") as file:
        file.write("new,100.64.0.1/32,2026-11-24T03:00:30Z,\n")
    while network.who("198.51.100.1", 60, port=1100) != "new":
        network.step()
    network.sources.close()


def test_a_file_that_is_not_there_is_an_alarm_and_not_the_end(tmp_path: Path):
    """The others go on; when it comes it is read."""
    network = Network(tmp_path, DETAIL + '[[source]]\nkind = "ipoe"\nfile = "hand-over.csv"\n')
    network.tell(accounting("Start", "a", HOME, 0, session="1"))
    assert "no such file" in network.alarms()[Condition.SOURCE_UNREADABLE]
    (tmp_path / "hand-over.csv").write_text(f"contract,prefix,from,to\nc,{ELSEWHERE},2026-11-24T00:00:00Z,\n")
    while network.who(ELSEWHERE, 60) != "c" or network.who(HOME, 60) != "a":
        network.step()
    assert Condition.SOURCE_UNREADABLE not in network.alarms()
    network.sources.close()


def test_a_mistake_of_ours_is_not_kept_quiet(network: Network, monkeypatch: pytest.MonkeyPatch):
    """The collector ends with what ended the thread."""
    monkeypatch.setattr(network.sources, "step", lambda: 1 / 0)
    network.sources.start()
    with suppress(TimeoutError):
        for thread in network.sources._threads:
            thread.join()
    assert isinstance(network.sources.failed, ZeroDivisionError)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ('kind = "radius_detail"', "file, which kind = 'radius_detail' needs"),
        ('kind = "kea"\nfile = "x"\nzone = "+09:00"', "no zone, which kind = 'kea' has not"),
        ('kind = "radius_listen"\nlisten = "127.0.0.1:1813"', "secret_file and senders, which"),
        ('kind = "kea"\nfile = "x"\n[[source]]\nkind = "kea"\nfile = "x"', "each source once"),
        ('kind = "dhcp"', "'radius_detail', "),
    ],
)
def test_a_source_has_what_its_kind_needs(tmp_path: Path, more: str, expected: str):
    """One sentence names what is missing, foreign, doubled or unknown."""
    (tmp_path / "sekisho.toml").write_text(f"{CONFIG}\n[[source]]\n{more}\n")
    with pytest.raises(ConfigError, match=expected):
        load_config(tmp_path / "sekisho.toml", {})


def test_sources_need_a_history_and_a_free_port(tmp_path: Path):
    """What they tell has to be kept; a port that somebody has is an error at the start."""
    (tmp_path / "sekisho.toml").write_text(DETAIL)
    with pytest.raises(ConfigError, match="history, where what the sources tell is kept"):
        load_config(tmp_path / "sekisho.toml", {})
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        more = f'[[source]]\nkind = "cgnat_syslog_tcp"\nlisten = "127.0.0.1:{port}"\nsenders = ["127.0.0.1"]\n'
        with pytest.raises(InputError, match="expected an address to listen at"):
            Network(tmp_path, more)


class Flood:
    """A live run that records its cases at every tick, as the collector does."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.url = str(network.config.cases.url)
        exporters = Exporters(network.config.exporter, accept_unconfigured=False)
        exporters.start()
        run = compose(network.config, exporters, attributor=network.attributor, engine=DuckDBEngine())
        self.live = Live(
            run,
            checkpoint=Checkpoint(network.folder / "state.db"),
            segments=None,
            store=None,
            clock=lambda: network.now_ms,
            on_tick=self.on_tick,
        )
        self.live.start()

    def on_tick(self, at_ms: int) -> None:
        report = self.live.run.detect.report()
        with writing(self.url) as connection:
            record(connection, document_of(self.live.run, {}, report), now_ms=at_ms)

    def second(self, at_s: int, source: str = HOME) -> None:
        """One second of a flood of 40,000 packets from the address, which ends then."""
        at_ms = T0_MS + at_s * 1000
        self.network.now_ms = at_ms
        sent = v5_record(
            src=int(ip_address(source)),
            dst=0xC0000209,
            packets=40_000,
            octets=40_000_000,
            first=999_000,
            last=1_000_000,
        )
        datagram = v5([sent], sequence=at_s, export_s=at_ms // 1000, uptime_ms=1_000_000)
        self.network.sources.take()
        self.live.receive(Datagrams.of([(at_ms, 0, 50_000, datagram)]))

    def cases(self) -> dict[str, Any]:
        with writing(self.url) as connection:
            return {case.line_id: case for case in find_cases(connection)}

    def answers(self) -> dict[str, Any]:
        """What whoever approves or sends is told of each case."""
        resolve = resolver(self.network.config)
        return {line: settled(line, case.evidence, resolve) for line, case in self.cases().items()}


CHANGE_S, FLOOD_S, END_S = 60, 65, 260
"""The address changes its holder, the new one floods at once; the accounting of the change comes two minutes late."""


def test_a_change_of_holder_told_two_minutes_late_notifies_nobody_else(network: Network):
    """While Stop and Start are under way the flood is the old line's, which has another address meanwhile.

    Its case can never lead to a notice: first the sources have not told enough, and then it was another's. The new
    holder's case, of what came after, can.
    """
    network.tell(
        accounting("Start", "innocent", HOME, -3600, session="1"),
        accounting("Start", "other", "203.0.113.99", -3600, session="9"),
    )
    while network.who(HOME, 0) != "innocent":
        network.step()
    flood = Flood(network)
    network.tell(accounting("Start", "innocent", ELSEWHERE, CHANGE_S - 5, session="2"))
    for at_s in range(FLOOD_S, END_S):
        if at_s == CHANGE_S + 120:
            held = {hold["prefix"] for hold in flood.cases()["innocent"].evidence[0].held}
            assert held == {f"{HOME}/32", f"{ELSEWHERE}/32"}
            assert isinstance(flood.answers()["innocent"], NotSettled)
            network.tell(
                accounting("Stop", "innocent", HOME, CHANGE_S, session="1", late_s=120),
                accounting("Start", "guilty", HOME, CHANGE_S + 1, session="3", late_s=120),
            )
        flood.second(at_s)
    flood.live.run.finish()
    flood.on_tick(network.now_ms)
    assert set(flood.cases()) == {"innocent", "guilty"}
    assert all(isinstance(answer, NotSettled) for answer in flood.answers().values())
    network.tell(accounting("Interim-Update", "other", "203.0.113.99", END_S + 1200, session="9"))
    answers = flood.answers()
    assert isinstance(answers["innocent"], OtherLine)
    assert isinstance(answers["guilty"], SameLine)


def test_a_line_that_comes_back_on_another_address_stays_the_line(network: Network):
    """One flood over two sessions; soon its first address is another's, who is not meant and takes nothing back."""
    network.tell(accounting("Start", "guilty", HOME, -3600, session="1"))
    while network.who(HOME, 0) != "guilty":
        network.step()
    flood = Flood(network)
    for at_s in range(CHANGE_S + 60):
        if at_s == CHANGE_S - 2:
            network.tell(accounting("Start", "guilty", ELSEWHERE, CHANGE_S - 5, session="2"))
        if at_s == CHANGE_S + 1:
            network.tell(accounting("Stop", "guilty", HOME, CHANGE_S, session="1"))
        if at_s == CHANGE_S + 20:
            network.tell(accounting("Start", "innocent", HOME, at_s, session="3"))
        flood.second(at_s, HOME if at_s < CHANGE_S - 2 else ELSEWHERE)
    flood.live.run.finish()
    flood.on_tick(network.now_ms)
    (evidence,) = flood.cases()["guilty"].evidence
    assert evidence.last_seen_ms >= T0_MS + (CHANGE_S + 30) * 1000, "the next holder is there before it is over"
    assert {hold["prefix"] for hold in evidence.held} == {f"{HOME}/32", f"{ELSEWHERE}/32"}
    network.tell(accounting("Interim-Update", "innocent", HOME, END_S + 1200, session="3"))
    assert flood.answers() == {"guilty": SameLine()}


def test_a_flood_from_a_partners_address_says_who_knows(tmp_path: Path):
    """Nobody here held it: the desk sees whom to ask, and there is no case."""
    network = Network(tmp_path, DETAIL + '[[partner]]\nname = "VNE"\nprefixes = ["203.0.113.0/24"]\n')
    flood = Flood(network)
    for at_s in range(40):
        flood.second(at_s)
    flood.live.run.finish()
    (found,) = document_of(flood.live.run, {})["unattributed_detections"]
    assert (found["source"], found["reason"]) == (HOME, "held_by_partner")
    assert not flood.cases()
    network.sources.close()


def test_the_history_settles_what_the_sources_told(network: Network):
    """The history that the sources write is what notices rest on."""
    network.tell(accounting("Start", "a", HOME, 0, session="1"), accounting("Start", "b", ELSEWHERE, 1800, session="2"))
    while network.who(HOME, 60) != "a":
        network.step()
    known = Settled(network.attributor, network.sources._history, clock_margin_ms=2000)
    answer = known.resolve(
        realm="", address=ip_address(HOME), port=0, protocol=17, start_ms=T0_MS + 60_000, end_ms=T0_MS + 60_000
    )
    assert not isinstance(answer, Unattributed)
