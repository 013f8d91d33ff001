"""The scheduled function: polls PagerDuty's log entries and both sides' state."""

from typing import Any

from jpi import wiring
from jpi.handlers.invocation import start_invocation
from jpi.status_page import probes, queries


def handler(event: Any, context: Any) -> dict[str, int]:
    """Poll once; how many entries were read, events applied or queued, incidents left for the next poll.

    Raises where PagerDuty, DynamoDB or the queue failed: the cursor stays, and the next poll reads it all again.
    """
    there = wiring.get_app()
    request = start_invocation(there, context)
    try:
        done = there.poller.run(request)
        probes.run_probes_if_due(there)
    except Exception as error:
        queries.record_poll_failure(there, error)
        raise
    finally:
        there.report_metrics()
    there.log.info("polled", extra=done)
    return done
