"""The deployed artefact: its size, and how long each handler takes to import from it in a fresh process."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import boto3

ROOT = Path(__file__).resolve().parents[2]
# The packages that Lambda's runtime provides.
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
HANDLERS = {"app": "jpi.handlers.app", "log_entries": "jpi.handlers.log_entries", "events": "jpi.handlers.events"}
RUNS = 7
IMPORT_TIMER = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
SETTINGS = {"JIRA_SERVER_URL": "https://x.example", "JIRA_USER_EMAIL": "x@x.example",
            "JIRA_API_TOKEN": "jira-token-of-the-bench", "PAGERDUTY_API_TOKEN": "pagerduty-key-of-the-bench",
            "PAGERDUTY_USER_EMAIL": "x@x.example"}


def print_artefact() -> None:
    """Package jpi as `sls deploy` does; print the size and the import times."""
    package_path = _package()
    if package_path is None:
        print("sls is missing or cannot package; `make setup` installs it")
        return
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(package_path) as archive:
        archive.extractall(folder)
        runtime = make_runtime_folder(Path(folder))
        packed_size, files = package_path.stat().st_size, [info.file_size for info in archive.infolist()]
        print(f"zip {packed_size / 1e6:.2f} MB, unpacked {sum(files) / 1e6:.1f} MB, {len(files)} files")
        for name, module in HANDLERS.items():
            seconds = [_time_import(folder, runtime, module) for _ in range(RUNS)]
            print(f"{name:<12} imports in {statistics.median(seconds) * 1000:4.0f} ms (median of {RUNS})", flush=True)


def make_runtime_folder(folder: Path) -> Path:
    """Make a folder with only the libraries of Lambda's runtime, inside this one."""
    runtime = folder / "runtime"
    runtime.mkdir()
    for name in RUNTIME_PACKAGES:
        (runtime / name).symlink_to(Path(boto3.__file__).parents[1] / name)
    return runtime


def _package() -> Path | None:
    sls = ROOT / "node_modules" / ".bin" / "sls"
    if not sls.exists() or not shutil.which("node"):
        return None
    process = subprocess.run([sls, "package"], cwd=ROOT, env={**os.environ, **SETTINGS}, capture_output=True,
                             check=False)
    return ROOT / ".serverless" / "jpi.zip" if process.returncode == 0 else None


def _time_import(folder: str, runtime: Path, module: str) -> float:
    environ = {"PYTHONPATH": f"{folder}{os.pathsep}{runtime}", "PYTHONDONTWRITEBYTECODE": "1",
               "AWS_LAMBDA_FUNCTION_NAME": "jpi"}
    process = subprocess.run([os.path.realpath(sys.executable), "-S", "-c", IMPORT_TIMER.format(module)], cwd=folder,
                             env=environ, text=True, capture_output=True, check=True)
    return float(process.stdout.split()[-1])
