"""Attack: a library, or a tool that installs them, is not what it was when the lock was made, or is known to be bad."""

import json
import os
import re
import subprocess
import sys

import pytest

from tests.security.policies import ROOT

PINNED = re.compile(r"[\w.\[\]-]+==\S+?(;[^-]*)?( --hash=sha256:[0-9a-f]{64})+")


@pytest.mark.parametrize("name", ["pipenv", "audit"])
def test_tools_are_pinned_with_hashes(name):
    lines = (ROOT / f"etc/{name}.txt").read_text().splitlines()
    assert [line[:60] for line in lines if not PINNED.fullmatch(line)] == []
    assert any(line.startswith(("pipenv==", "pip-audit==")) for line in lines)


def test_nothing_is_installed_without_hashes():
    commands = "".join((ROOT / name).read_text() for name in ("Makefile", ".ci/run"))
    installs = re.findall(r".*pip install.*", commands)
    # Tests of a few tools have environments of their own, which nothing else uses.
    hashed = [line for line in installs if "$(@D)" not in line]
    assert len(hashed) == 2
    assert [line for line in hashed if "--require-hashes" not in line] == []
    assert re.findall(r"npm (?:ci|install|i)\b.*?;", commands) == [
        "npm ci --ignore-scripts --no-audit --no-fund --silent;"]


def test_every_locked_package_has_a_hash():
    lock = json.loads((ROOT / "Pipfile.lock").read_text())
    packages = {name: package for part in ("default", "develop") for name, package in lock[part].items()}
    assert [name for name, package in packages.items() if not package["hashes"] or "==" not in package["version"]] == []
    nodes = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert [name for name, node in nodes.items() if name and not node["integrity"].startswith("sha512-")] == []


def test_the_artefact_is_made_of_what_the_lock_has_hashed():
    settings = (ROOT / "serverless.yml").read_text()
    assert "- --require-hashes" in settings
    assert "fileName: .serverless/locked.txt" in settings


PIP_REPORT = {"dependencies": [{"name": "flask", "version": "3.1.3", "vulns": []},
                               {"name": "six", "skip_reason": "not found"}], "fixes": []}
NPM_REPORT = {"vulnerabilities": {"osls": {"severity": "low"}}}


@pytest.fixture
def audit(tmp_path):
    """Return `audit(pip, npm)`: run the audit with tools that report this, and return (its exit code, its lines)."""
    def run(pip_report, npm_report):
        (tmp_path / "bin").mkdir()
        for name, report in (("bin/pip-audit", pip_report), ("npm", npm_report)):
            if report is not None:
                (tmp_path / name).write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(report)}\nEND\n")
                (tmp_path / name).chmod(0o755)
        done = subprocess.run([sys.executable, ROOT / ".ci/audit.py", tmp_path], capture_output=True, text=True,
                              env={"PATH": f"{tmp_path}{os.pathsep}/bin"}, check=False)
        assert done.stderr == ""
        return done.returncode, done.stdout.splitlines()

    return run


def test_what_is_not_known_to_be_bad_passes(audit):
    code, lines = audit(PIP_REPORT, NPM_REPORT)
    assert (code, lines[:2]) == (0, ["Python packages: 1 audited, no known vulnerability, 1 are not in the database",
                                     "Node packages: audited, no known serious vulnerability, 1 lesser"])


def test_a_known_vulnerability_fails(audit):
    bad = {"name": "flask", "version": "3.1.3", "vulns": [{"id": "PYSEC-2026-1"}]}
    code, lines = audit({"dependencies": [bad]}, {"vulnerabilities": {"osls": {"severity": "critical"}}})
    assert (code, lines[:2]) == (1, ["Known vulnerabilities: flask 3.1.3: PYSEC-2026-1",
                                     "Known vulnerabilities: osls: critical"])


OUT_OF_REACH = [(None, None), ({}, {"error": {"summary": ""}}),
                ({"dependencies": [{"name": "six", "skip_reason": "not found"}]}, "no JSON of a report")]


@pytest.mark.parametrize(("pip_report", "npm_report"), OUT_OF_REACH)
def test_what_cannot_be_looked_at_is_said_and_fails_nothing(audit, pip_report, npm_report):
    code, lines = audit(pip_report, npm_report)
    assert (code, ["not audited" in line for line in lines]) == (0, [True, True, False])
