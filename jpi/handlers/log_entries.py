"""The scheduled function: polls PagerDuty's log entries and both sides' state."""

from typing import Any

from jpi import wiring
from jpi.handlers.invocation import start
from jpi.status_page import probes, queries


def handler(event: Any, context: Any) -> dict[str, int]:
    """Poll once; how many entries were read, events applied or queued, incidents left for the next poll.

    Raises where PagerDuty, DynamoDB or the queue failed: the cursor stays, and the next poll reads it all again.
    """
    there = wiring.jpi()
    request = start(there, context)
    try:
        done = there.poll.run(request)
        probes.look(there)
    except Exception as error:
        queries.poll_failed(there, error)
        raise
    finally:
        there.report()
    there.log.info("polled", extra=done)
    return done
