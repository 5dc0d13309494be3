"""What keeps mail from arriving is told before it is sent."""

from __future__ import annotations

import base64
from pathlib import Path

import dns.resolver
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from typer.testing import CliRunner

from sekisho.cli.config import app
from sekisho.core.config_delivery import Mail
from sekisho.core.errors import InputError, Unavailable
from sekisho.notices.mail_check import dns_warnings, key_warnings, txt_records

PEM = serialization.Encoding.PEM
PLAIN = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
RSA = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
PUBLIC = base64.b64encode(
    RSA.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
GOOD = {
    "s1._domainkey.isp.example": [f"v=DKIM1; k=rsa; p={PUBLIC}"],
    "_dmarc.isp.example": ["v=DMARC1; p=reject"],
}


def mail(folder: Path, pem: bytes, mode: int = 0o600) -> Mail:
    file = folder / "dkim.pem"
    file.write_bytes(pem)
    file.chmod(mode)
    return Mail(
        host="mx.isp.example",
        from_address="abuse@mail.isp.example",
        return_path="b@mail.isp.example",
        dkim_domain="isp.example",
        dkim_selector="s1",
        dkim_key_file=file,
    )


def small(bits: int) -> bytes:
    return rsa.generate_private_key(public_exponent=65_537, key_size=bits).private_bytes(PEM, *PLAIN)


def test_a_good_key_is_silent(tmp_path: Path) -> None:
    """RSA of 2048 bits that nobody else can read."""
    assert key_warnings(mail(tmp_path, RSA.private_bytes(PEM, *PLAIN))) == []


def test_a_risky_key_is_told(tmp_path: Path) -> None:
    """RFC 8301 section 3.2: too small for receivers; readable by others."""
    warnings = key_warnings(mail(tmp_path, small(1024), 0o644))
    assert ["1024 bits" in warnings[0], "read by others" in warnings[1]] == [True, True]


@pytest.mark.parametrize(
    ("pem", "expected"),
    [
        (b"no key", "in PEM without a password"),
        (RSA.private_bytes(PEM, PLAIN[0], serialization.BestAvailableEncryption(b"x")), "without a password"),
        (ec.generate_private_key(ec.SECP256R1()).private_bytes(PEM, *PLAIN), "expected an RSA key"),
    ],
)
def test_what_cannot_sign_is_refused(tmp_path: Path, pem: bytes, expected: str) -> None:
    """At the check, not at the first notice."""
    with pytest.raises(InputError, match=expected):
        key_warnings(mail(tmp_path, pem))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"s1._domainkey.isp.example": []}, ["no TXT record"]),
        ({"s1._domainkey.isp.example": ["v=DKIM1; p=AAAA"]}, ["another key"]),
        ({"s1._domainkey.isp.example": [f"v=DKIM1; p={PUBLIC[:200]} {PUBLIC[200:]}"]}, []),
        ({"mail.isp.example": []}, ["no SPF record"]),
        ({"mail.isp.example": ["v=spf1 -all", "v=spf1 mx -all"]}, ["2 SPF records"]),
        ({"_dmarc.isp.example": []}, ["no DMARC record"]),
        ({"_dmarc.isp.example": [], "_dmarc.mail.isp.example": ["v=DMARC1; p=none"]}, []),
    ],
)
def test_what_the_dns_says(tmp_path: Path, changes: dict[str, list[str]], expected: list[str]) -> None:
    """RFC 6376 section 3.6.2, RFC 7208 section 4.5, RFC 7489 section 6.6.3: each wrong record is one sentence."""
    records = {**GOOD, "mail.isp.example": ["v=spf1 mx -all"], **changes}
    settings = mail(tmp_path, RSA.private_bytes(PEM, *PLAIN))
    warnings = dns_warnings(settings, lambda name: records.get(name, []))
    assert len(warnings) == len(expected)
    for warning, words in zip(warnings, expected, strict=True):
        assert words in warning


def test_a_resolver_that_is_silent_is_not_an_empty_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """No record and no answer are told apart."""

    def raises(error: Exception) -> None:
        def resolve(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(dns.resolver, "resolve", resolve)

    raises(dns.resolver.NXDOMAIN())
    assert txt_records("x.isp.example") == []
    raises(dns.resolver.LifetimeTimeout(timeout=1, errors=[]))
    with pytest.raises(Unavailable, match=r"no answer about x\.isp\.example"):
        txt_records("x.isp.example")


def test_config_check_looks_at_the_key(tmp_path: Path) -> None:
    """Without --dns nobody is asked."""
    mail(tmp_path, small(1024))
    file = tmp_path / "sekisho.toml"
    file.write_text(
        '[mail]\nhost = "mx.isp.example"\nfrom_address = "a@isp.example"\n'
        'dkim_domain = "isp.example"\ndkim_selector = "s1"\ndkim_key_file = "dkim.pem"\n',
        encoding="utf-8",
    )
    result = CliRunner().invoke(app, ["check", str(file)], env={})
    assert result.exit_code == 0, result.output
    assert "dkim_key_file has 1024 bits" in result.stderr
