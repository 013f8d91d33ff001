"""What EventBridge does for jpi: run the poll on a schedule, one at a time, even after a failed one."""

import logging
import threading

from jpi.handlers import log_entries
from jpi.logs import SERVICE_NAME


class PollSchedule:
    """Polls at once, then every so many seconds or at `poll_now`, in a thread of its own, until `stop`."""

    def __init__(self, interval_seconds: float) -> None:
        self.interval_seconds = interval_seconds
        self._wake = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Start polling."""
        self._thread.start()

    def poll_now(self) -> None:
        """Poll without waiting for the next turn."""
        self._wake.set()

    def stop(self) -> None:
        """Stop, after the poll under way."""
        self._ended = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended:
            self._wake.clear()
            run_poll()
            self._wake.wait(self.interval_seconds)


def run_poll() -> None:
    """Run one poll. If it fails, log why, as Lambda does."""
    try:
        log_entries.handler({}, None)
    except Exception as error:
        logging.getLogger(SERVICE_NAME).error("the poll failed", extra={"reason": str(error)})
