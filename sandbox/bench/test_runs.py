"""How long the tests take on this machine, and how many faults they survive."""

import re
import subprocess
import time

TARGETS = ("test", "faults", "check")
# pytest's last line, and what tests/conftest.py adds to it.
SUMMARY_LINE = re.compile(r"^(?:=+ )?(\d+ (?:passed|failed).*? in [\d.]+s|faults, .*)", re.MULTILINE)


def print_tests() -> None:
    """Print a line for each target of the Makefile: its seconds and its summary."""
    for target in TARGETS:
        print(f"make {target} ...", flush=True)
        started = time.perf_counter()
        process = subprocess.run(["make", target], capture_output=True, text=True)
        seconds = time.perf_counter() - started
        summary = "; ".join(match[1] for match in SUMMARY_LINE.finditer(process.stdout))
        print(f"make {target}: {seconds:.0f} s, exit code {process.returncode}: {summary}", flush=True)
