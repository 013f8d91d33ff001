"""The scheduled function: polls PagerDuty's log entries and both sides' state."""

from typing import Any

from jpi import wiring
from jpi.diagnostics import poll_state, probes
from jpi.errors import IdentityDoubt
from jpi.handlers.invocation import start_invocation


def handler(event: Any, context: Any) -> dict[str, int]:
    """Poll once and return the counts of entries read, events handed over, and incidents left for the next poll.

    Raises if PagerDuty, DynamoDB or the queue failed: the cursor stays, and the next poll reads everything again.
    """
    app = wiring.get_app()
    request_id = start_invocation(app, context)
    try:
        counts = app.poller.run(request_id)
        probes.run_probes_if_due(app)
    except Exception as error:
        poll_state.record_poll_failure(app, error)
        if isinstance(error, IdentityDoubt):
            probes.run_probes_if_due(app)
        raise
    finally:
        app.report_metrics()
    app.log.info("polled", extra=counts)
    return counts
