"""The scheduled function: polls PagerDuty's log entries and both sides' state."""

from typing import Any

from jpi import wiring
from jpi.diagnostics import outages, poll_state, probes
from jpi.errors import IdentityDoubt, JpiError
from jpi.handlers.invocation import start_invocation


def handler(event: Any, context: Any) -> dict[str, int]:
    """Poll once and return the counts of entries read, events handed over, and incidents left for the next poll.

    Raises if PagerDuty, DynamoDB or the queue failed: the cursor stays, and the next poll reads everything again.
    """
    app = wiring.get_app()
    request_id = start_invocation(app, context)
    try:
        # Links of issues that this poll creates are left to the next one, which has time for it.
        needs_reading = app.jira.link_directions.needs_reading()
        counts = app.poller.run(request_id)
        if needs_reading:
            _read_links_back(app)
        probes.run_probes_if_due(app)
    except Exception as error:
        poll_state.record_poll_failure(app, error)
        # After an outage the probes would get no answer either. A mistake of ours says nothing of the tokens.
        if isinstance(error, IdentityDoubt) or not isinstance(error, JpiError):
            probes.run_probes_if_due(app)
        raise
    finally:
        outages.record_outages(app)
        app.report_metrics()
    app.log.info("polled", extra=counts)
    return counts


def _read_links_back(app: wiring.App) -> None:
    """Check which way round Jira reads the first links of each type; a failure is left to the next poll."""
    try:
        reversed_types = app.jira.link_directions.read_back(app.jira.site.require_link_types())
    except JpiError as error:
        app.log.warning("links were not read back", extra={"reason": repr(error)})
        return
    if reversed_types:
        app.log.warning("links read the wrong way round, and were turned", extra={"types": reversed_types})
