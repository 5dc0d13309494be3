"""The default-pair check never locks a device, over restarts and crashes, and never shows a secret."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from sekisho.checkup.consent import CheckClass, Consent, OutOfScope, Scope
from sekisho.checkup.credentials.ledger import DAY_MS, AttemptLedger
from sekisho.checkup.credentials.login import PairCheck
from sekisho.checkup.credentials.pairs import Accepted, NotAccepted, Pair, Stopped, StopReason, read_pairs
from sekisho.checkup.device import Device, mac_trait
from sekisho.checkup.gate import Gate
from sekisho.checkup.jobs import Job
from sekisho.core.errors import ConfigError, InputError, Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sekisho.checkup.limits import Limits
    from sekisho.checkup.network import LocalNetwork

HOST = "127.0.0.20"
NOW_MS = 1_790_000_000_000
SECRET = "Zq-secret-7"
CAMERA = Device(id="cam", addresses=(HOST,), traits=frozenset({mac_trait("00:00:5e:00:53:09")}))


def pair(number: int, *, user: str = "admin", password: str = "wrong", lock_after: int = 0) -> Pair:
    return Pair(
        id=f"manual-{number}",
        maker="Example",
        model="EX-1000",
        username=user,
        password=f"{password}{number}" if password == "wrong" else password,
        source="manual page 12",
        lock_after=lock_after,
    )


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = NOW_MS
        self.slept: list[float] = []

    def __call__(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += int(seconds * 1000)


class LockingCamera:
    """Locks for good at the third failure of one account, and counts every login."""

    def __init__(self, *, accepts: str = "", locked_answer: bytes = b"423 Locked") -> None:
        self.accepts, self.locked_answer = accepts, locked_answer
        self.failures: dict[str, int] = {}
        self.logins: list[str] = []

    @property
    def locked(self) -> bool:
        return any(count >= 3 for count in self.failures.values())

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        writer.write(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n" % self.answer(head) + b"Connection: close\r\n\r\n")
        await writer.drain()

    def answer(self, head: str) -> bytes:
        challenge = b'401 Unauthorized\r\nWWW-Authenticate: Basic realm="cam"'
        given = re.search(r"Authorization: Basic (\S+)", head)
        if given is None:
            return challenge
        user, _, password = base64.b64decode(given[1]).decode().partition(":")
        self.logins.append(user)
        if password == self.accepts:
            return b"200 OK"
        self.failures[user] = self.failures.get(user, 0) + 1
        return self.locked_answer if self.locked else challenge


@pytest.fixture
def attempt(gate: Gate, tmp_path: Path, serve: Callable[..., Any]) -> Callable[..., Any]:
    clock = Clock()

    def run(camera: LockingCamera, *pairs: Pair) -> Any:
        async def use(port: int) -> Any:
            ledger = AttemptLedger(tmp_path / "attempts.jsonl", gate.limits)
            check = PairCheck(gate=gate, ledger=ledger, pairs=list(pairs), now_ms=clock, sleep=clock.sleep)
            return await check.run(CAMERA, "Example", "EX 1000", Job("http", HOST, port, "/"))

        return serve(camera, use)

    run.clock = clock  # type: ignore[attr-defined]
    return run


def test_a_pair_that_is_accepted_is_named_by_its_id(attempt: Callable[..., Any]) -> None:
    """401 without, 2xx with: proven."""
    assert attempt(LockingCamera(accepts=SECRET), pair(1, password=SECRET)) == Accepted("manual-1", "manual page 12")


def test_why_nothing_more_is_tried_is_told(attempt: Callable[..., Any]) -> None:
    """After a pair was accepted, after the tries were used up, and after a lock: each is another sentence."""
    open_camera = LockingCamera(accepts=SECRET)
    attempt(open_camera, pair(1, password=SECRET))
    assert attempt(open_camera, pair(1, password=SECRET)) == Stopped(StopReason.WAS_ACCEPTED)
    assert open_camera.logins == ["admin"]


def test_not_accepted_is_not_ok(attempt: Callable[..., Any]) -> None:
    """It says which pairs were tried, no more."""
    assert attempt(LockingCamera(), pair(1), pair(2)) == NotAccepted(("manual-1", "manual-2"))


def test_a_locking_device_is_never_locked_however_often_it_is_run(attempt: Callable[..., Any]) -> None:
    """Ten runs in one day, each a new process reading the same ledger: two failures of an account, no more."""
    camera = LockingCamera()
    results = [attempt(camera, *(pair(n) for n in range(1, 6))) for _ in range(10)]
    assert camera.failures == {"admin": 2}
    assert not camera.locked
    assert results[1] == Stopped(StopReason.HAD_TRIES)
    assert all(isinstance(result, Stopped) for result in results[1:])


def test_three_tries_a_device_a_day_over_all_accounts(attempt: Callable[..., Any]) -> None:
    """Different accounts do not add up to more; after a day there are tries again."""
    camera = LockingCamera()
    pairs = [pair(n, user=f"user{n}") for n in range(1, 6)]
    for _ in range(3):
        attempt(camera, *pairs)
    assert len(camera.logins) == 3
    attempt.clock.now += DAY_MS  # type: ignore[attr-defined]
    attempt(camera, *pairs)
    assert len(camera.logins) == 6


def test_half_of_a_published_lock_limit_is_the_limit(attempt: Callable[..., Any]) -> None:
    """A maker that locks at three gets one try, one that locks at one gets none."""
    camera = LockingCamera()
    attempt(camera, pair(1, lock_after=3), pair(2, lock_after=3))
    assert camera.failures == {"admin": 1}
    other = LockingCamera()
    attempt(other, pair(3, user="root", lock_after=1))
    assert other.logins == []


def test_tries_are_thirty_seconds_apart(attempt: Callable[..., Any]) -> None:
    """Between two tries anywhere, and across runs."""
    camera = LockingCamera()
    attempt(camera, pair(1), pair(2, user="root"))
    slept = attempt.clock.slept  # type: ignore[attr-defined]
    assert slept[0] == 0
    assert slept[1] == pytest.approx(30, abs=0.01)


def test_a_try_uses_a_challenge_of_its_own_time(gate: Gate, tmp_path: Path, serve: Callable[..., Any]) -> None:
    """The half minute passes before the challenge is asked for: one of half a minute ago would be stale."""
    events: list[str] = []

    class Told(LockingCamera):
        def answer(self, head: str) -> bytes:
            events.append("login" if "Authorization" in head else "challenge")
            return super().answer(head)

    clock = Clock()

    async def sleep(seconds: float) -> None:
        events.append(f"wait {seconds:.0f}")
        await clock.sleep(seconds)

    async def use(port: int) -> Any:
        ledger = AttemptLedger(tmp_path / "a.jsonl", gate.limits)
        check = PairCheck(gate=gate, ledger=ledger, pairs=[pair(1), pair(2)], now_ms=clock, sleep=sleep)
        return await check.run(CAMERA, "Example", "EX-1000", Job("http", HOST, port, "/"))

    serve(Told(), use)
    assert events == ["wait 0", "challenge", "login", "wait 30", "challenge", "login"]


@pytest.mark.parametrize("answer", [b"423 Locked", b"429 Too Many Requests", b"503 Busy", b"403 Forbidden"])
def test_a_sign_of_a_lock_stops_at_once_and_for_the_day(attempt: Callable[..., Any], answer: bytes) -> None:
    """Statuses that mean "stop": no further try, not even of another account."""
    camera = LockingCamera(locked_answer=answer)
    camera.failures["admin"] = 2
    result = attempt(camera, pair(1), pair(2, user="root"))
    assert isinstance(result, Stopped)
    assert camera.logins == ["admin"]
    assert attempt(camera, pair(2, user="root")) == Stopped(StopReason.SHOWED_LOCK)
    assert camera.logins == ["admin"]


def test_a_try_is_on_disk_before_it_is_made(gate: Gate, tmp_path: Path, serve: Callable[..., Any]) -> None:
    """A crash in the middle counts as a failure: the ledger is read while the device still thinks."""
    path = tmp_path / "attempts.jsonl"
    seen: list[int] = []

    class Watcher(LockingCamera):
        def answer(self, head: str) -> bytes:
            if "Authorization" in head:
                seen.append(path.read_text().count('"try"'))
            return super().answer(head)

    clock = Clock()

    async def use(port: int) -> Any:
        ledger = AttemptLedger(path, gate.limits)
        check = PairCheck(gate=gate, ledger=ledger, pairs=[pair(1)], now_ms=clock, sleep=clock.sleep)
        return await check.run(CAMERA, "Example", "EX-1000", Job("http", HOST, port, "/"))

    serve(Watcher(), use)
    assert seen == [1]


def test_a_device_is_recognised_in_the_ledger_by_any_trait(tmp_path: Path, fast_limits: Limits) -> None:
    """A new address does not give it new tries, nor does a new id."""
    ledger = AttemptLedger(tmp_path / "a.jsonl", fast_limits)
    for number in (1, 2):
        ledger.begin(CAMERA, pair(number), NOW_MS)
    moved = Device(id="other", addresses=("127.0.0.99",), traits=CAMERA.traits)
    with pytest.raises(Refused):
        ledger.begin(moved, pair(3), NOW_MS)
    ledger.begin(Device(id="new", addresses=("127.0.0.50",)), pair(3), NOW_MS)


def test_a_clock_that_is_set_back_gives_no_new_tries(tmp_path: Path, fast_limits: Limits) -> None:
    """Rows from the future count as recent."""
    ledger = AttemptLedger(tmp_path / "a.jsonl", fast_limits)
    for number in (1, 2):
        ledger.begin(CAMERA, pair(number), NOW_MS)
    with pytest.raises(Refused):
        ledger.begin(CAMERA, pair(3), NOW_MS - 10 * DAY_MS)


def test_secrets_stand_nowhere(attempt: Callable[..., Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Not in the ledger, not in what was printed, not in the text of the values."""
    tried = pair(1, user="operator-name", password=SECRET)
    result = attempt(LockingCamera(accepts=SECRET), tried)
    out, err = capfd.readouterr()
    encoded = base64.b64encode(f"operator-name:{SECRET}".encode()).decode()
    for text in ((tmp_path / "attempts.jsonl").read_text(), repr(result), repr(tried), out, err):
        assert SECRET not in text
        assert encoded not in text
        assert "operator-name" not in text


def test_only_pairs_of_the_identified_model_are_tried(attempt: Callable[..., Any]) -> None:
    """Another model's pair is not even a candidate."""
    camera = LockingCamera()
    other = Pair(id="x", maker="Example", model="EX-2000", username="a", password="b", source="m")
    assert attempt(camera, other) is None
    assert camera.logins == []


def test_without_this_class_of_consent_nothing_is_tried(
    network: LocalNetwork, consent: Consent, fast_limits: Limits, tmp_path: Path
) -> None:
    """Refused before a packet leaves."""
    from dataclasses import replace

    narrower = replace(consent, classes=consent.classes - {CheckClass.DEFAULT_PAIRS})
    gate = Gate(Scope(network, narrower), fast_limits, still_here=lambda: None)
    check = PairCheck(gate=gate, ledger=AttemptLedger(tmp_path / "a", fast_limits), pairs=[pair(1)])
    with pytest.raises(OutOfScope):
        asyncio.run(check.run(CAMERA, "Example", "EX-1000", Job("http", HOST, 80, "/")))
    assert gate.sent.total() == 0


def test_a_catalogue_is_read_and_its_mistakes_are_named_without_values(tmp_path: Path) -> None:
    """The sentence names row and key; a secret that stands in the wrong place is not repeated."""
    path = tmp_path / "pairs.toml"
    row = '[[pair]]\nid="a"\nmaker="Example"\nmodel="EX-1000"\nusername="admin"\nsource="manual"\n'
    path.write_text(row + f'password="{SECRET}"\nlock_after=5\n')
    (found,) = read_pairs(path)
    assert found.lock_after == 5
    path.write_text(row + f'pasword="{SECRET}"\n')
    with pytest.raises(ConfigError, match="pair 1, password") as raised:
        read_pairs(path)
    assert SECRET not in str(raised.value)
    path.write_text("[[pair")
    with pytest.raises(InputError):
        read_pairs(path)


def test_the_ledger_holds_no_name_of_an_account(tmp_path: Path, fast_limits: Limits) -> None:
    """Accounts are told apart by a digest."""
    path = tmp_path / "a.jsonl"
    AttemptLedger(path, fast_limits).begin(CAMERA, pair(1, user="operator"), NOW_MS)
    row = json.loads(path.read_text())
    assert "operator" not in json.dumps(row)
    assert row["account"]
