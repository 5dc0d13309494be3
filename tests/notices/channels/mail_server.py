"""A real mail server (Exim) of our own: loopback, a high port, STARTTLS and a login, bounces into a Maildir."""

from __future__ import annotations

import grp
import os
import pwd
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tools import needs

CONFIG = """
primary_hostname = mx.isp.example
exim_user = {user}
exim_group = {group}
never_users =
trusted_users = {user}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
keep_environment =
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
host_lookup =
rfc1413_query_timeout = 0s
smtp_receive_timeout = 20s
tls_certificate = {folder}/cert.pem
tls_privatekey = {folder}/cert.key
tls_advertise_hosts = {tls}
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
acl_smtp_rcpt = rcpt
acl_smtp_data = data
message_size_limit = 20M
dsn_from = Mail Delivery System <mailer-daemon@isp.example>
bounce_return_size_limit = 100K
queue_run_in_order
begin acl
rcpt:
  warn control = dkim_disable_verify
  deny message = not authenticated
       !authenticated = *
  defer message = greylisted
       local_parts = later
  deny message = no such user here
       local_parts = nobody
  accept
data:
  accept
begin routers
bounces:
  driver = accept
  local_parts = bounces : mailer-daemon
  transport = bounces
gone:
  driver = redirect
  local_parts = gone
  allow_fail
  data = :fail: 550 5.1.1 mailbox unavailable
all:
  driver = accept
  transport = taken
begin transports
bounces:
  driver = appendfile
  user = {user}
  group = {group}
  directory = {folder}/bounces
  maildir_format
taken:
  driver = appendfile
  user = {user}
  group = {group}
  directory = {folder}/taken
  maildir_format
begin retry
* * F,1h,1h
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{notices}}}}{{eq{{$auth3}}{{correct horse}}}}}}{{1}}{{0}}}}
  server_set_id = $auth2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    folder: Path
    port: int

    @property
    def ca_file(self) -> Path:
        return self.folder / "cert.pem"

    def taken(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted((self.folder / "taken" / "new").glob("*"))]

    def wait_for(self, maildir: str, count: int) -> list[Path]:
        deadline = monotonic() + 15
        while len(found := sorted((self.folder / maildir / "new").glob("*"))) < count:
            if monotonic() > deadline:
                logs = "".join(path.read_text() for path in (self.folder / "log").glob("*"))
                raise AssertionError(f"{count} mails expected in {maildir}, found {len(found)}: {logs}")
            sleep(0.02)
        return found


@contextmanager
def mail_server(*, tls: bool = True) -> Iterator[MailServer]:
    program = needs("exim4")
    # Exim delivers nothing as root, and its own user may not enter the folders of pytest.
    account = pwd.getpwnam("Debian-exim") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    with TemporaryDirectory(prefix="sekisho-exim-") as name:
        folder = Path(name)
        for inner in ("spool", "log", "bounces", "taken"):
            (folder / inner).mkdir()
        _certificate(folder)
        port, group = _free_port(), grp.getgrgid(account.pw_gid).gr_name
        config = folder / "exim.conf"
        values = {"folder": folder, "port": port, "user": account.pw_name, "group": group, "tls": "*" if tls else ""}
        config.write_text(CONFIG.format_map(values))
        config.chmod(0o644)
        for path in {folder, *folder.iterdir()} - {config}:
            os.chown(path, account.pw_uid, account.pw_gid)
        with _running(program, config, port):
            yield MailServer(folder=folder, port=port)


@contextmanager
def _running(program: str, config: Path, port: int) -> Iterator[None]:
    folder = config.parent
    with (folder / "stderr").open("wb") as errors:
        process = subprocess.Popen([program, "-C", str(config), "-bdf"], stdout=errors, stderr=errors)
        try:
            _wait_until_it_listens(port, process, folder / "stderr")
            yield
        finally:
            process.terminate()
            process.wait(timeout=10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_listens(port: int, process: subprocess.Popen[bytes], errors: Path) -> None:
    deadline = monotonic() + 15
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, errors.read_text()
            assert monotonic() < deadline, "the mail server does not listen"
            sleep(0.02)
        else:
            return


def _certificate(folder: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.isp.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "cert.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "cert.key").chmod(0o600)
    ssl.create_default_context(cafile=folder / "cert.pem")
