"""Look for known vulnerabilities of what the locks name, and write their bills of materials (CycloneDX).

What cannot be looked at is said and fails nothing: the tools may not be installable, the databases out of reach.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SERIOUS = ("high", "critical")


class Vulnerable(Exception):
    """Raised with what has a known vulnerability."""


def run(command: Sequence[str | Path]) -> str:
    """Return what a command prints, whatever it thinks of it."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


def parse_report(text: str) -> Any:
    """Return a report, which is a JSON object; {} for what is none."""
    try:
        report = json.loads(text)
    except ValueError:
        return {}
    return report if isinstance(report, dict) else {}


def list_locked() -> Iterator[str]:
    """Yield a requirement with its hashes for each package of Pipfile.lock."""
    lock = json.loads((ROOT / "Pipfile.lock").read_text())
    for name, package in {**lock["develop"], **lock["default"]}.items():
        yield f"{name}{package['version']} {' '.join(f'--hash={digest}' for digest in package['hashes'])}"


def audit_python(tools: Path) -> str:
    """Return how many packages of Pipfile.lock have no known vulnerability."""
    if not (tools / "pip-audit").exists():
        return "Python packages: not audited, pip-audit cannot be installed here"
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(list_locked()))
        file.flush()
        report = parse_report(run([tools / "pip-audit", "-r", file.name, "--require-hashes", "--disable-pip", "-f",
                                   "json", "--progress-spinner", "off", "--timeout", "5"]))
    packages = report.get("dependencies", [])
    audited = [package for package in packages if "skip_reason" not in package]
    bad = [f"{package['name']} {package['version']}: {vulnerability['id']}" for package in audited
           for vulnerability in package["vulns"]]
    if bad:
        raise Vulnerable("; ".join(bad))
    if not audited:
        return "Python packages: not audited, the database cannot be reached from here"
    left = f", {len(packages) - len(audited)} are not in the database" if len(audited) < len(packages) else ""
    return f"Python packages: {len(audited)} audited, no known vulnerability{left}"


def audit_node() -> str:
    """Return how many packages of package-lock.json have no known serious vulnerability; none of them is deployed."""
    if not shutil.which("npm"):
        return "Node packages: not audited, npm is not here"
    report = parse_report(run(["npm", "audit", "--package-lock-only", "--json"]))
    if "vulnerabilities" not in report:
        return "Node packages: not audited, the database cannot be reached from here"
    found = report["vulnerabilities"]
    if bad := [f"{name}: {entry['severity']}" for name, entry in found.items() if entry["severity"] in SERIOUS]:
        raise Vulnerable("; ".join(bad))
    return f"Node packages: audited, no known serious vulnerability, {len(found)} lesser"


def write_boms(tools: Path, folder: Path) -> str:
    """Write a bill of materials for each lock, and return where they are."""
    folder.mkdir(exist_ok=True)
    texts = {"python": run([tools / "cyclonedx-py", "pipenv", "--output-reproducible", "."])
             if (tools / "cyclonedx-py").exists() else "",
             "node": run(["npm", "sbom", "--sbom-format", "cyclonedx", "--package-lock-only"])
             if shutil.which("npm") else ""}
    for name, text in texts.items():
        if parse_report(text).get("bomFormat") == "CycloneDX":
            (folder / f"{name}.cdx.json").write_text(text)
    names = sorted(file.name for file in folder.glob("*.cdx.json"))
    return f"bills of materials in {folder}: {', '.join(names) or 'none, the tools are not here'}"


def main(folder: Path) -> int:
    """Print a line for each lock and for the bills; return 1 if something is known to be vulnerable."""
    tools, code = folder / "bin", 0
    for look in (lambda: audit_python(tools), audit_node, lambda: write_boms(tools, folder / "sbom")):
        try:
            print(look(), flush=True)
        except Vulnerable as vulnerable:
            code = 1
            print(f"Known vulnerabilities: {vulnerable}", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
