"""DynamoDB on this machine with jpi's tables, as `sls dynamodb start` runs it; what it holds is gone when it stops."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from jpi import settings
from jpi.errors import SettingsError
from jpi.tools import create_tables
from sandbox.aws.moto_server import Aws

CREATE_TRIES = 60
PAUSE_SECONDS = 0.5


@contextlib.contextmanager
def run_server(port: int, jar: str) -> Iterator[str]:
    """Its address, while it runs: moto's, or of a DynamoDBLocal.jar."""
    if not jar:
        aws = Aws(port)
        yield aws.url
        aws.stop()
        return
    folder = Path(jar).resolve().parent
    command = ["java", f"-Djava.library.path={folder / 'DynamoDBLocal_lib'}", "-jar", jar, "-inMemory", "-sharedDb",
               "-disableTelemetry", "-port", str(port)]
    with subprocess.Popen(command) as local:
        yield f"http://127.0.0.1:{port}"
        local.terminate()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until it is told to stop; exit code 1 where it cannot."""
    parser = argparse.ArgumentParser(prog="sls dynamodb start", description=__doc__)
    parser.add_argument("--port", type=int, help="default: that of DATABASE_ENDPOINT_URL")
    parser.add_argument("--jar", default="", help="a DynamoDBLocal.jar to run in moto's place (it needs Java)")
    chosen = parser.parse_args(arguments)
    stopped = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: stopped.set())
    try:
        there = urlsplit(settings.load(resolve_secrets=False).database_endpoint_url).port
        port = there or 80 if chosen.port is None else chosen.port
        with run_server(port, chosen.jar) as url:
            os.environ["DATABASE_ENDPOINT_URL"] = url
            if not _create_tables_with_retries(stopped, CREATE_TRIES if chosen.jar else 1):
                return 1
            print(f"DynamoDB is ready at {url}; Ctrl-C ends it.", flush=True)
            stopped.wait()
    except (SettingsError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _create_tables_with_retries(stopped: threading.Event, tries: int) -> bool:
    """Whether the tables are there; a program of its own may need a moment before it answers."""
    return any(create_tables.main([]) == 0 or stopped.wait(PAUSE_SECONDS) for _ in range(tries))


if __name__ == "__main__":
    sys.exit(main())
