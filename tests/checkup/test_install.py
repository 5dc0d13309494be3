"""The check-up is installed by itself: its extra is enough, and what it does not bring is said in one sentence."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

from sekisho.cli import main
from sekisho.cli.extras import extras_of

REPOSITORY = Path(__file__).parents[2]
ENGINES = {"alembic", "duckdb", "matplotlib", "numba", "numpy", "pyarrow", "sqlalchemy", "sqlglot"}
EXTRAS = [
    (found["name"], found["extra"])
    for row in requires("sekisho") or ()
    if (found := re.match(r"(?P<name>[\w.-]+).*extra == ['\"](?P<extra>\w+)['\"]", row))
]


@pytest.mark.parametrize(("distribution", "extra"), EXTRAS, ids=lambda value: value)
def test_a_module_of_an_extra_is_known_by_its_name(distribution: str, extra: str) -> None:
    """The import name of each optional package leads to the extra that brings it."""
    known = packages_distributions().items()
    wanted = distribution.replace("-", "_")
    modules = [module for module, names in known if wanted in {name.lower().replace("-", "_") for name in names}]
    assert any(extra in extras_of(module) for module in modules)


@pytest.mark.parametrize("module", ["json", "rich", "sekisho.core", "", None])
def test_a_module_of_no_extra_is_a_bug_and_not_a_missing_extra(module: str | None) -> None:
    """What every installation has, or what is ours, is not explained away."""
    assert extras_of(module) == ()


def test_a_missing_extra_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It names the module, the extra and the command; any other missing module is raised."""

    def needs_numpy() -> None:
        raise ModuleNotFoundError("No module named 'numpy'", name="numpy")

    monkeypatch.setattr(main, "app", needs_numpy)
    with pytest.raises(SystemExit) as left:
        main.run()
    assert left.value.code == 1
    assert capsys.readouterr().err == (
        "sekisho: this command needs numpy, which comes with the extra isp: pip install 'sekisho[isp]'\n"
    )

    def broken() -> None:
        raise ModuleNotFoundError("No module named 'sekisho.typo'", name="sekisho.typo")

    monkeypatch.setattr(main, "app", broken)
    with pytest.raises(ModuleNotFoundError):
        main.run()


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    words = ("pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, REPOSITORY)
    done = run(sys.executable, "-m", *words)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.mark.prove
def test_the_wheel_carries_the_table_of_support_ends_as_files(wheel: Path) -> None:
    """Octet for octet what the repository holds; no link, which some systems check out as text."""
    with zipfile.ZipFile(wheel) as archive:
        for file in (REPOSITORY / "data" / "models").iterdir():
            assert archive.read(f"sekisho/checkup/data/models/{file.name}") == file.read_bytes()
    assert not [path for path in (REPOSITORY / "src").rglob("*") if path.is_symlink()]


@pytest.mark.prove
def test_the_extra_alone_is_enough_for_the_checkup(wheel: Path, tmp_path: Path) -> None:
    """In a fresh environment: no engine is installed, `analyze` says what it needs, the check-up of the demo runs."""
    assert run(sys.executable, "-m", "venv", tmp_path / "venv").returncode == 0
    here = tmp_path / "venv" / "bin"
    installed = run(here / "python", "-m", "pip", "install", "--quiet", f"{wheel}[checkup]")
    if installed.returncode:
        pytest.skip(f"no package index: {installed.stderr.strip().splitlines()[-1]}")
    listed = json.loads(run(here / "python", "-m", "pip", "list", "--format", "json").stdout)
    assert not ENGINES & {row["name"].lower() for row in listed}

    assert run(here / "sekisho", "--help").returncode == 0
    refused = run(here / "sekisho", "analyze", tmp_path / "exports.pcap")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr.count("\n") == 1
    assert "sekisho[isp]" in refused.stderr

    assert run(here / "sekisho", "checkup", "run", "--dry-run").returncode == 0
    if os.geteuid() == 0:
        pdf = tmp_path / "report.pdf"
        shown = run(here / "sekisho", "checkup", "demo", "--format", "json", "--pdf", pdf)
        assert shown.returncode == 0, shown.stderr
        devices = json.loads(shown.stdout)["devices"]
        assert "support_ended" in {finding["outcome"] for device in devices for finding in device["findings"]}
        assert pdf.read_bytes().startswith(b"%PDF-")
