"""How long the tests take on this machine, and what they survive."""

import re
import subprocess
import time

TARGETS = ("test", "faults", "check")
# pytest's closing line, and what tests/conftest.py adds to it.
SUMMARY_LINE = re.compile(r"^(?:=+ )?(\d+ (?:passed|failed).*? in [\d.]+s|faults, .*)", re.MULTILINE)


def print_tests() -> None:
    """Print a line for each target of the Makefile: its seconds, and what it said in the end."""
    for target in TARGETS:
        print(f"make {target} ...", flush=True)
        started = time.perf_counter()
        ended = subprocess.run(["make", target], capture_output=True, text=True)
        seconds = time.perf_counter() - started
        summary = "; ".join(match[1] for match in SUMMARY_LINE.finditer(ended.stdout))
        print(f"make {target}: {seconds:.0f} s, exit code {ended.returncode}: {summary}", flush=True)
