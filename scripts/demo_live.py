#!/usr/bin/env python3
"""Run everything for four minutes in real time: routers that export, cases, approval, notices, recovery.

The policy is a rehearsal: hours of silence become seconds, and notices go to a folder alone. Approvals come from here,
a few seconds after each draft, unless ``--hands-off`` leaves them to whoever signs in at the console.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from demo import OPERATOR

SCENARIO = "demo-live"
PERSON = "demo"
APPROVE_AFTER_S = 4.0
LONGEST_S = 600.0

POLICY = """mode = "propose"
digest_hours = 0

[quiet_hours]
start = "00:00"
end = "00:00"

[[ladder]]
channel = "drop"
after_days = 0

[recovery]
rehearsal = true
begins_minutes = 1
continuous_hours = 0.015
flood_hours = 0.015
"""

CONFIGURATION = """
[receive]
listen = ["127.0.0.1:{exports}"]
buffer_octets = 4194304

[files]
lines = ["assignments.csv", "lines.csv"]
map_e = ["map-e.toml"]

[store]
directory = "flows"
floor_octets = 0

[serve]
directory = "state"
metrics = "127.0.0.1:{metrics}"

[cases]
url = "sqlite:///cases.db"
policy = "policy.toml"

[contacts]
book = "contacts.book"
key_file = "contacts.key"

[drop]
directory = "notices"

[portal]
listen = "127.0.0.1:{portal}"

[console]
listen = "127.0.0.1:{console}"
"""

TELEPHONE = "00-0000-0123"
"""Nobody's; its last four digits are the fact that the portal asks for."""


@dataclass(slots=True)
class Demo:
    """One run in a folder.

    Attributes:
        ports: of this machine, by what is answered there.
        password: of the person at the console.
        told: what has been said of each case and notice.
    """

    folder: Path
    ports: dict[str, int]
    password: str
    hands_off: bool
    started_s: float = field(default_factory=time.monotonic)
    told: dict[str, str] = field(default_factory=dict)
    drafted: dict[int, float] = field(default_factory=dict)

    def prepare(self) -> None:
        """Everything that an operator would have: the network's files, a policy, contacts, somebody who may sign in."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.sekisho("simulate", *scenario(), "-o", str(self.folder))
        with (self.folder / "sekisho.toml").open("a", encoding="utf-8") as file:
            site = f"127.0.0.1:{self.ports['portal']}"
            file.write(CONFIGURATION.format(**self.ports) + OPERATOR.replace("www.isp.example", site))
        (self.folder / "policy.toml").write_text(POLICY)
        header = "line_id,name,mail,telephone,postal_code,address,language,channel"
        rows = [
            f"{line},見本（回線 {line}）,,{TELEPHONE},,,{lang},"
            for line, lang in zip(self.infected(), ("ja", "en", "ja"), strict=True)
        ]
        (self.folder / "contacts.csv").write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
        self.sekisho("contacts", "key", str(self.folder / "contacts.key"))
        self.sekisho("contacts", "import", str(self.folder / "contacts.csv"), "--config", self.config)
        roles = [part for role in ("operator", "approver", "admin") for part in ("--role", role)]
        # Who runs this approves on the command line where nobody does it at the console.
        for name in dict.fromkeys((pwd.getpwuid(os.getuid()).pw_name.lower(), PERSON)):
            self.sekisho("users", "add", name, *roles, "--config", self.config, given=self.password + "\n")

    def infected(self) -> list[str]:
        """The lines that the scenario infects."""
        truth = json.loads((self.folder / "truth.json").read_text(encoding="utf-8"))
        return [attack["line_id"] for attack in truth["attacks"]]

    @property
    def config(self) -> str:
        """The configuration file."""
        return str(self.folder / "sekisho.toml")

    def greet(self) -> None:
        """Where to look; for programs in a file, too."""
        where = {"ports": self.ports, "person": PERSON, "password": self.password, "digits": TELEPHONE[-4:]}
        (self.folder / "demo.json").write_text(json.dumps(where, indent=1), encoding="utf-8")
        print(
            f"\nconsole   http://127.0.0.1:{self.ports['console']}/   sign in as {PERSON} with {self.password}\n"
            f"portal    http://127.0.0.1:{self.ports['portal']}/   the code of a notice, and the digits "
            f"{TELEPHONE[-4:]}\n"
            f"health    http://127.0.0.1:{self.ports['metrics']}/health\n"
            f"notices   {self.folder / 'notices'}\n",
            flush=True,
        )

    def look(self) -> bool:
        """Say what is new, approve what waits; whether everything is over."""
        cases = json.loads(self.sekisho("cases", "list", *self.every_state(), "--config", self.config) or "[]")
        for case in sorted(cases, key=lambda case: case["case"]):
            kinds = ", ".join(found["kind"] for found in case["detections"])
            closing = f" ({case['closing']})" if case["closing"] else ""
            self.say(f"case {case['case']}", f"{case['state']}{closing}: line {case['line_id']}, {kinds}")
        notices = [row.split("\t") for row in self.sekisho("cases", "outbox", "--config", self.config).splitlines()]
        for number, case, kind, channel, state, *_ in notices:
            self.say(f"notice {number}", f"{state}: {kind} of case {case} by {channel}")
            if state == "draft":
                self.approve(int(number))
        self.show_codes()
        closed = {case for _, case, kind, _, state, *_ in notices if (kind, state) == ("closing", "sent")}
        return len(cases) >= len(self.infected()) and closed == {str(case["case"]) for case in cases}

    def approve(self, number: int) -> None:
        """As the person would, after a moment in which somebody else may."""
        since = self.drafted.setdefault(number, time.monotonic())
        if not self.hands_off and time.monotonic() - since >= APPROVE_AFTER_S:
            self.sekisho("cases", "approve", str(number), "--config", self.config, check=False)

    def show_codes(self) -> None:
        """What subscribers received."""
        for file in sorted((self.folder / "notices").glob("*/notice.json")):
            notice = json.loads(file.read_text(encoding="utf-8"))
            self.say(
                f"received {file.parent.name[:6]}…",
                f"{notice['kind']} to {notice['line_id']}, code {notice['case_code']}",
            )

    def say(self, about: str, what: str) -> None:
        """Once for each change."""
        if self.told.get(about) != what:
            self.told[about] = what
            print(f"{time.monotonic() - self.started_s:6.0f} s  {about:<16} {what}", flush=True)

    @staticmethod
    def every_state() -> tuple[str, ...]:
        """Of the command that lists cases."""
        states = ("open", "notified", "acknowledged", "observing", "escalated", "relapsed", "resolved", "withdrawn")
        return (*(part for state in states for part in ("--state", state)), "--format", "json")

    def sekisho(self, *arguments: str, given: str | None = None, check: bool = True) -> str:
        """Standard output of a command."""
        done = subprocess.run([program(), *arguments], input=given, capture_output=True, text=True, check=False)
        if check and done.returncode and "expected a case database" not in done.stderr:
            sys.exit(f"sekisho {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("demo-live"))
    parser.add_argument("--until-done", action="store_true", help="end when every case is closed; else stay")
    parser.add_argument("--hands-off", action="store_true", help="approve nothing from here")
    arguments = parser.parse_args()
    demo = Demo(
        folder=arguments.folder.resolve(),
        ports=dict(zip(("exports", "metrics", "portal", "console"), free_ports(4), strict=True)),
        password=secrets.token_urlsafe(12),
        hands_off=arguments.hands_off,
    )
    demo.prepare()
    with running([program(), "serve", "--config", demo.config], demo.folder / "serve.log"):
        wait_until_healthy(demo)
        demo.greet()
        demo.started_s = time.monotonic()
        to = ("--to", f"127.0.0.1:{demo.ports['exports']}")
        with running(
            [program(), "simulate", *scenario(), "-o", str(demo.folder / "sent"), *to], demo.folder / "sent.log"
        ):
            return follow(demo, until_done=arguments.until_done)


def scenario() -> tuple[str, ...]:
    """The same network each time it is asked for, with routers whose clocks are right."""
    return SCENARIO, "--set", f"start={datetime.now(UTC).isoformat(timespec='seconds')}"


def follow(demo: Demo, *, until_done: bool) -> int:
    """Say what happens until it is over, or somebody has seen enough."""
    try:
        while time.monotonic() - demo.started_s < LONGEST_S or not until_done:
            if demo.look():
                print("\nEvery case is closed by what the traffic showed.", flush=True)
                if until_done:
                    return 0
                print("The pages stay until Ctrl-C.", flush=True)
                signal.pause()
            time.sleep(2)
    except KeyboardInterrupt:
        return 0
    print(f"not done within {LONGEST_S:.0f} s; see {demo.folder / 'serve.log'}", file=sys.stderr)
    return 1


def wait_until_healthy(demo: Demo) -> None:
    """The first start compiles."""
    end_s = time.monotonic() + 300
    while time.monotonic() < end_s:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{demo.ports['metrics']}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.5)
    sys.exit(f"not healthy: {(demo.folder / 'serve.log').read_text()[-2000:]}")


@contextmanager
def running(command: Sequence[str], log: Path) -> Iterator[None]:
    """A process that ends with this one."""
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            yield
        finally:
            process.terminate()


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody uses now."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports: list[int] = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def program() -> str:
    return str(Path(sys.executable).with_name("sekisho"))


if __name__ == "__main__":
    sys.exit(main())
