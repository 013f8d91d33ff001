"""DynamoDB on this machine with jpi's tables, for `sls dynamodb start`; it keeps its data in memory only."""

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
    """Run moto or a DynamoDBLocal.jar; yield its address."""
    if not jar:
        aws = Aws(port)
        yield aws.url
        aws.stop()
        return
    folder = Path(jar).resolve().parent
    command = ["java", f"-Djava.library.path={folder / 'DynamoDBLocal_lib'}", "-jar", jar, "-inMemory", "-sharedDb",
               "-disableTelemetry", "-port", str(port)]
    with subprocess.Popen(command) as process:
        yield f"http://127.0.0.1:{port}"
        process.terminate()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal stops it; return exit code 1 if it cannot start."""
    parser = argparse.ArgumentParser(prog="sls dynamodb start", description=__doc__)
    parser.add_argument("--port", type=int, help="default: that of DATABASE_ENDPOINT_URL")
    parser.add_argument("--jar", default="", help="a DynamoDBLocal.jar to run in moto's place (it needs Java)")
    options = parser.parse_args(arguments)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        default_port = urlsplit(settings.load(resolve_secrets=False).database_endpoint_url).port or 80
        port = default_port if options.port is None else options.port
        with run_server(port, options.jar) as url:
            os.environ["DATABASE_ENDPOINT_URL"] = url
            if not _create_tables_with_retries(stopped, CREATE_TRIES if options.jar else 1):
                return 1
            print(f"DynamoDB is ready at {url}; Ctrl-C ends it.", flush=True)
            stopped.wait()
    except (SettingsError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _create_tables_with_retries(stopped: threading.Event, tries: int) -> bool:
    """True if the tables exist in the end; a server that just started may need a moment before it answers."""
    return any(create_tables.main([]) == 0 or stopped.wait(PAUSE_SECONDS) for _ in range(tries))


if __name__ == "__main__":
    sys.exit(main())
