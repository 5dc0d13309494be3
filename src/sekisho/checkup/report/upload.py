"""What leaves the home when a person sends a report to the provider's portal, and the sending; nothing by itself.

The report is cut down first: the provider needs to know what was found on which kind of device, and needs neither the
names that people gave to devices or users, nor MACs, nor what pages and greetings say.
"""

from __future__ import annotations

import json
from http.client import HTTPException
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from sekisho.core.errors import Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SCHEMA = "sekisho.checkup-upload/1"
UPLOAD_OCTETS = 1 << 20
"""A report of a full /24 takes some hundred KiB; what is larger is no household's report."""
TIMEOUT_S = 20.0
_CODE_LENGTH = 64

_NOT_SENT = frozenset({"c1.7/users", "c1.7/users_stated", "c4/user_added", "c4/device_gone"})
"""Findings that consist of names that people gave."""
_FREE_TEXT = frozenset({"title", "banner", "text", "description", "realm"})
"""Evidence in a device's own words; it may hold the name of a person or a place."""


class _NoRedirect(HTTPRedirectHandler):
    """A report goes where the person said and nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Refuse to follow."""


def body(report: Mapping[str, Any], case_code: str) -> bytes:
    """Exactly the octets that are sent.

    Raises:
        Refused: no case code, or a report that is too large.
    """
    if not case_code.strip().isprintable() or not 0 < len(case_code.strip()) <= _CODE_LENGTH:
        raise Refused("the case code of the provider's notice is needed")
    document = {"schema": SCHEMA, "case": case_code.strip(), "report": shared(report)}
    octets = json.dumps(document, ensure_ascii=False, indent=1).encode()
    if len(octets) > UPLOAD_OCTETS:
        raise Refused(f"the report has {len(octets)} octets, {UPLOAD_OCTETS} are the limit")
    return octets


def shared(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report as it may leave; it still follows the schema of reports."""
    ids = {device["id"]: f"d{number}" for number, device in enumerate(report["devices"], 1)}
    devices = [_device(device, ids[device["id"]]) for device in report["devices"]]
    sent = {finding["key"] for device in devices for finding in device["findings"]}
    cut = dict(report) | {
        "network": {"gateway_mac": "", "prefix": report["network"]["prefix"]},
        "devices": devices,
        "not_finished_because": list(_keys(report["not_finished_because"], ids, sent)),
        "to_do": list(_keys(report["to_do"], ids, sent)),
        "compared": None,
    }
    if "restart" in report:
        cut["restart"] = dict(report["restart"]) | {"device": ids.get(report["restart"]["device"], "")}
    # A finding on the router names the device that an opening leads to.
    text = json.dumps(cut, ensure_ascii=False)
    for before, after in zip(report["devices"], devices, strict=True):
        text = text.replace(_inside(before["name"]), _inside(after["name"]))
    named: dict[str, Any] = json.loads(text)
    return named


def send(url: str, octets: bytes) -> int:
    """POST the octets; the status of a portal that took them.

    Raises:
        Refused: not HTTPS, or the portal refused.
        Unavailable: no answer, or the portal cannot take it now.
    """
    _check(url)
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "sekisho-checkup"}
    request = Request(url, data=octets, headers=headers, method="POST")  # noqa: S310 # the scheme was checked
    try:
        with build_opener(_NoRedirect).open(request, timeout=TIMEOUT_S) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        if error.code >= 500:  # RFC 9110, section 15.6
            raise Unavailable(f"the portal answered {error.code}; try again later") from error
        raise Refused(f"the portal did not take the report: it answered {error.code}") from error
    except (URLError, HTTPException, OSError) as error:
        raise Unavailable(f"the portal does not answer: {error}") from error


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        local = parts.hostname == "localhost" or (parts.hostname is not None and ip_address(parts.hostname).is_loopback)
    except ValueError:
        local = False
    if not (url.startswith("https://") or (local and url.startswith("http://"))):
        raise Refused(f"a report is sent to an https:// address only, not to {url}")


def _device(device: Mapping[str, Any], new_id: str) -> dict[str, Any]:
    identity = [device["identity"][part]["value"] for part in ("maker", "model") if part in device["identity"]]
    address = device["addresses"][0]
    findings = [f for f in device["findings"] if f"{f['check']}/{f['outcome']}" not in _NOT_SENT]
    return dict(device) | {
        "id": new_id,
        "name": f"{' '.join(identity)} ({address})" if identity else address,
        "findings": [_finding(finding, new_id) for finding in findings],
    }


def _finding(finding: Mapping[str, Any], new_id: str) -> dict[str, Any]:
    evidence = {name: value for name, value in finding["evidence"].items() if name not in _FREE_TEXT}
    return dict(finding) | {"key": f"{new_id}/{finding['key'].partition('/')[2]}", "evidence": evidence}


def _keys(keys: list[str], ids: Mapping[str, str], sent: set[str]) -> Iterator[str]:
    renamed = (f"{ids.get(key.partition('/')[0], '')}/{key.partition('/')[2]}" for key in keys)
    return (key for key in renamed if key in sent)


def _inside(text: str) -> str:
    """A text as it stands between the quotes of JSON."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
