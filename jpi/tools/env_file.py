"""Env files: `NAME=value` lines, as `.env.example` has them."""

import os
import re
import tempfile
from pathlib import Path

# Whoever reads it has the tokens.
PRIVATE = 0o600


def put(path: Path, name: str, value: str) -> None:
    """Set one name in an env file, in its place, and leave all else as it is; a new file is for its owner only."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    places = [number for number, line in enumerate(lines) if re.match(rf"\s*(export\s+)?{re.escape(name)}\s*=", line)]
    for number in places:
        lines[number] = f"{name}={value}"
    _replace(path, "\n".join(lines if places else [*lines, f"{name}={value}"]) + "\n")


def _replace(path: Path, text: str) -> None:
    """At once, so that a program that is stopped leaves the old file or the new one."""
    mode = path.stat().st_mode & 0o777 if path.exists() else PRIVATE
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).chmod(mode)
    Path(name).replace(path)
