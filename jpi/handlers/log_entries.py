"""The scheduled function: polls PagerDuty's log entries and both sides' state."""

from typing import Any

from jpi import wiring

# Left for saving the cursor and writing the log when the calls have used up their share.
RESERVE_SECONDS = 5.0
WITHOUT_CONTEXT_SECONDS = 300.0


def handler(event: Any, context: Any) -> dict[str, int]:
    """Poll once; how many entries were read, events applied, incidents left for the next poll.

    Raises where PagerDuty or DynamoDB could not be read: the cursor stays, and the next poll reads it all again.
    """
    there = wiring.jpi()
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    there.budget.start(remaining() / 1000 - RESERVE_SECONDS if remaining else WITHOUT_CONTEXT_SECONDS)
    done = there.poll.run()
    there.log.info("polled", extra=done)
    return done
