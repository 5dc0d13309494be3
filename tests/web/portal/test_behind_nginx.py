"""The portal behind nginx, set up as the page for operators has it."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from ports import free_port
from sekisho.cases.code import SPECIMEN
from sekisho.core.config_web import Portal
from sekisho.web.base.server import WebServer
from sekisho.web.portal.entrance import WRONG_BY_ADDRESS
from tools import needs
from web.base.test_server import certificate
from web.portal.conftest import World, form_of

pytestmark = pytest.mark.tool("nginx")

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "portal.md"
WAIT_S = 10.0


def configuration(folder: Path, port: int, portal: int) -> str:
    """The page's own, with a port, a name and a certificate of this test."""
    chain, key = certificate(folder)
    found = re.search(r"```nginx\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    server = found[1]
    for ours, theirs in (
        ("443 ssl", f"127.0.0.1:{port} ssl"), ("www.isp.example", "localhost"),
        ("/etc/sekisho/portal.pem", str(chain)), ("/etc/sekisho/portal.key", str(key)),
        ("127.0.0.1:8080", f"127.0.0.1:{portal}"),
    ):  # fmt: skip
        assert ours in server
        server = server.replace(ours, theirs)
    places = " ".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # Started as root, its workers would be somebody who may not write here.
    as_root = "user root; " if os.getuid() == 0 else ""
    return (
        f"{as_root}daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; {places}\n{server}}}\n"
    )


def answers_at(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_the_configuration_of_the_page_works(world: World, tmp_path: Path) -> None:
    """Cookies travel over TLS alone, and each client is limited by itself, whatever it claims about its address."""
    nginx = needs("nginx")
    server = WebServer(world.app, Portal.model_validate({"listen": "127.0.0.1:0", "proxies": ["127.0.0.1/32"]}))
    server.start()
    port = free_port(socket.SOCK_STREAM)
    (tmp_path / "nginx.conf").write_text(configuration(tmp_path, port, server.port), encoding="utf-8")
    command = [nginx, "-p", tmp_path, "-c", tmp_path / "nginx.conf", "-e", tmp_path / "error.log"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + WAIT_S
        while not answers_at(port):
            assert time.monotonic() < until, (tmp_path / "error.log").read_text()
            time.sleep(0.05)
        trust = ssl.create_default_context(cafile=str(tmp_path / "chain.pem"))
        with httpx.Client(base_url=f"https://localhost:{port}", verify=trust) as browser:
            door = browser.get("/")
            assert "Secure" in door.headers["set-cookie"]
            assert "strict-transport-security" in door.headers
            data = {"code": SPECIMEN, "fact": "0000", "form": form_of(door)}
            answers = [
                browser.post("/", data=data, headers={"X-Forwarded-For": f"198.51.100.{number}"}).status_code
                for number in range(WRONG_BY_ADDRESS + 1)
            ]
            assert answers == [403] * WRONG_BY_ADDRESS + [429]
            answer = browser.post("/case/report", files={"report": b"x" * (1050 << 10)})
            assert (answer.status_code, "0120-000-000" in answer.text) == (413, True)
    finally:
        process.terminate()
        process.wait()
        server.close()
