"""The HTTP edge: verify, parse, hand over, answer. `app` is what API Gateway and `sls wsgi serve` run."""

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from jpi import wiring
from jpi.diagnostics.poll_age import is_poll_late
from jpi.domain.events import Event
from jpi.errors import AwsOutage, InvalidSignature, PermanentError, RejectedDelivery, RetryableError
from jpi.jira import webhooks as jira_webhooks
from jpi.json_fields import Headers
from jpi.logs import SERVICE_NAME
from jpi.pagerduty import webhooks as pagerduty_webhooks
from jpi.signatures import verify_jira, verify_pagerduty
from jpi.status_page import queries
from jpi.status_page.routes import blueprint, hide_disabled_page, render_problem

# Neither sends more: PagerDuty drops what is over 256 KB, Jira what is over 25 MB.
PAGERDUTY_BODY_LIMIT_BYTES = 256 * 1024
JIRA_BODY_LIMIT_BYTES = 25 * 1024 * 1024
# API Gateway gives up after 29 s.
CALL_BUDGET_SECONDS = 25.0

Verifier = Callable[[bytes, Headers, Sequence[str]], None]

app = Flask(__name__)
app.register_blueprint(blueprint)


@app.before_request
def assign_request_id() -> None:
    """Give the request an id, which stands in every line of the log about it and goes with its events."""
    context = request.environ.get("serverless.context")
    g.request = str(getattr(context, "aws_request_id", "") or uuid.uuid4())


@app.after_request
def add_request_id_header(answer: Response) -> Response:
    """Tell the sender that id."""
    answer.headers["X-Request-Id"] = g.request
    return answer


@app.post("/pagerduty-webhook")
def receive_pagerduty_webhook() -> tuple[Response, int]:
    """A delivery of PagerDuty's, V3 or V2."""
    there = wiring.get_app()
    raw = _read_verified_body(PAGERDUTY_BODY_LIMIT_BYTES, there.settings.pagerduty_webhook_secret, verify_pagerduty)
    if ping := pagerduty_webhooks.find_ping_id(raw):
        there.cache.save(wiring.PING_CACHE_KEY, ping)
    return _hand_over_events(pagerduty_webhooks.parse_delivery(raw))


@app.post("/jira-webhook")
def receive_jira_webhook() -> tuple[Response, int]:
    """A delivery of Jira's."""
    there = wiring.get_app()
    raw = _read_verified_body(JIRA_BODY_LIMIT_BYTES, there.settings.jira_webhook_secret, verify_jira)
    return _hand_over_events(jira_webhooks.parse_delivery(raw, request.headers))


@app.get("/health")
def report_health() -> tuple[Response, int]:
    """Whether the app is up, its settings are whole, and the poll is no older than three intervals (else 503)."""
    there = wiring.get_app()
    try:
        polled = queries.get_last_poll_time(there)
    except AwsOutage:
        polled = None
    now = there.clock()
    passed = None if polled is None else max(0, round(now - polled))
    # Offline nobody need have polled yet, or made a table.
    well = not is_poll_late(polled, now, there.settings.poll_interval_seconds,
                            is_deployed=not there.settings.is_offline)
    return jsonify(ok=well, last_poll_seconds=passed), 200 if well else 503


@app.errorhandler(RejectedDelivery)
def answer_rejected(error: RejectedDelivery) -> tuple[Response, int]:
    """Not taken: forged or unreadable. Three of these in a row, and PagerDuty switches the webhook off."""
    wiring.get_app().log.warning("a delivery was rejected", extra={"reason": str(error), "path": request.path})
    return jsonify(error=str(error)), error.status


@app.errorhandler(RetryableError)
def answer_retryable(error: RetryableError) -> tuple[Response, int]:
    """Not applied, as the log says, and worth another try: both services send it again after a 503."""
    answer = jsonify(error="Not now; please send it again.")
    answer.headers["Retry-After"] = str(max(1, round(error.retry_after_seconds)))
    return answer, 503


@app.errorhandler(PermanentError)
def answer_permanent(error: PermanentError) -> tuple[Response, int]:
    """Not applied, as the log says; sent again, it may be when somebody has mended the settings or the site."""
    return jsonify(error="It could not be applied."), 500


@app.errorhandler(HTTPException)
def answer_http_error(error: HTTPException) -> tuple[Response, int]:
    """No such address, method or size."""
    error = hide_disabled_page(error)
    code = error.code or 500
    if page := render_problem(error):
        return page, code
    answer = jsonify(error=error.name)
    answer.headers.update(dict(error.get_headers()[1:]))
    return answer, code


@app.errorhandler(Exception)
def answer_unexpected_error(error: Exception) -> tuple[Response, int]:
    """Anything else: said in the log, not to the sender, who sends it again."""
    # By its name: where the settings are what is wrong, there is no jpi to ask for its log.
    logging.getLogger(SERVICE_NAME).exception("a delivery failed")
    return jsonify(error="It could not be applied."), 500


def _read_verified_body(limit_bytes: int, secrets: Sequence[str], verify: Verifier) -> bytes:
    """The raw body, within its size and signed. Without a secret: taken offline only."""
    request.max_content_length = limit_bytes
    raw = request.get_data()
    there = wiring.get_app()
    there.begin_invocation(CALL_BUDGET_SECONDS, g.request)
    if secrets:
        verify(raw, request.headers, secrets)
    elif there.settings.is_offline:
        there.log.warning("no webhook secret is set: taken unverified, offline only", extra={"path": request.path})
    else:
        raise InvalidSignature("No webhook secret is configured here.")
    return raw


def _hand_over_events(events: Sequence[Event]) -> tuple[Response, int]:
    """Applied (200) or stored (202), each of them; else what kept the first that failed from it is raised."""
    there = wiring.get_app()
    outcomes = there.event_sink([replace(event, request=g.request) for event in events])
    there.report_metrics()
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    said = [{"id": event.id, "outcome": outcome} for event, outcome in zip(events, outcomes, strict=True)]
    return jsonify(events=said), there.event_sink.http_status
