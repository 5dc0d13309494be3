"""A package directory and a home directory that cannot be written are no obstacle."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sekisho
from acceptance.test_bad_input import pcap, udp, v5


@pytest.mark.prove
def test_it_runs_with_read_only_package_and_home(tmp_path: Path):
    """Kernels are compiled uncached, with one warning; the result is the same."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-m", "true"], check=False).returncode != 0:
        pytest.skip("a mount namespace of our own is needed (root, unshare)")
    capture, home = tmp_path / "flows.pcap", tmp_path / "home"
    capture.write_bytes(pcap(udp(v5())))
    home.mkdir()
    package = Path(sekisho.__file__).parent
    # A read-only bind mount holds for root too, which file modes do not.
    script = (
        f"mount --bind {home} {home} && mount -o remount,ro,bind {home} && "
        f"mount --bind {package} {package} && mount -o remount,ro,bind {package} && "
        f"exec env HOME={home} XDG_CACHE_HOME={home}/.cache {sys.executable} -m sekisho decode {capture} --format jsonl"
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "192.0.2.1" in done.stdout
    assert done.stderr.count("without a cache") == 1
