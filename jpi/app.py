"""The HTTP edge: verify, parse, hand over, answer. API Gateway and `sls wsgi serve` run `app`."""

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from flask import Blueprint, Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from jpi import wiring
from jpi.diagnostics.poll_state import is_poll_late, load_last_poll_time
from jpi.domain.events import Event
from jpi.domain.model import Side
from jpi.errors import (
    AwsOutage,
    InvalidSignature,
    PermanentError,
    RejectedDelivery,
    RetryableError,
    UnsupportedContentType,
    UselessDelivery,
)
from jpi.flask_app import get_app
from jpi.jira import webhooks as jira_webhooks
from jpi.json_fields import Headers
from jpi.logs import SERVICE_NAME
from jpi.pagerduty import webhooks as pagerduty_webhooks
from jpi.signatures import Proof, is_local, verify_jira, verify_pagerduty
from jpi.status_page.routes import blueprint as status_page
from jpi.status_page.routes import hide_disabled_page, render_problem
from jpi.wiring import App

# PagerDuty drops a delivery over 256 KB, Jira one over 25 MB.
PAGERDUTY_BODY_LIMIT_BYTES = 256 * 1024
JIRA_BODY_LIMIT_BYTES = 25 * 1024 * 1024
# API Gateway gives up after 29 s.
CALL_BUDGET_SECONDS = 25.0
# PagerDuty's retries end after 48 hours (support.pagerduty.com/main/docs/webhooks), Jira's five within a day
# (developer.atlassian.com/cloud/jira/platform/webhooks). Two hours more are for clocks and for what they call a day.
MAX_EVENT_AGE_SECONDS = {Side.PAGERDUTY: 50 * 3600.0, Side.JIRA: 26 * 3600.0}

V2_ADVICE = ("A V2 delivery came with PAGERDUTY_WEBHOOK_SECRET as its X-Webhook-Token. Give V2 webhooks a token of "
             "their own, PAGERDUTY_V2_TOKEN: the next version refuses this one.")

Verifier = Callable[[bytes, Headers], Proof | None]

edge = Blueprint("edge", __name__)


def create_app(get_app: Callable[[], App] = wiring.get_app) -> Flask:
    """Return the WSGI app; its routes call `get_app` when they need the App."""
    flask_app = Flask(__name__)
    flask_app.extensions["jpi"] = get_app
    flask_app.register_blueprint(edge)
    flask_app.register_blueprint(status_page)
    return flask_app


@edge.before_app_request
def assign_request_id() -> None:
    """Give the request an id, which its log lines and its events carry."""
    context = request.environ.get("serverless.context")
    g.request_id = str(getattr(context, "aws_request_id", "") or uuid.uuid4())


@edge.after_app_request
def add_request_id_header(answer: Response) -> Response:
    """Add the request id to the answer."""
    answer.headers["X-Request-Id"] = g.request_id
    return answer


@edge.post("/pagerduty-webhook")
def receive_pagerduty_webhook() -> tuple[Response, int]:
    """Take a delivery of PagerDuty, V3 or V2."""
    app = get_app()
    secrets, v2_tokens = app.settings.pagerduty_webhook_secret, app.settings.pagerduty_v2_token
    verify = partial(verify_pagerduty, secrets=secrets, v2_tokens=v2_tokens)
    raw, proof = _read_verified_body(PAGERDUTY_BODY_LIMIT_BYTES, ("PAGERDUTY_WEBHOOK_SECRET", "PAGERDUTY_V2_TOKEN"),
                                     verify if secrets or v2_tokens else None)
    if proof is Proof.SECRET_AS_TOKEN:
        _warn_once_a_day("secret as token", V2_ADVICE, "a delivery will soon be refused")
    events = pagerduty_webhooks.parse_delivery(raw, is_signed=proof in (None, Proof.SIGNATURE))
    if ping := pagerduty_webhooks.find_ping_id(raw):
        app.cache.save(wiring.PING_CACHE_KEY, ping)
    return _hand_over_events(events)


@edge.post("/jira-webhook")
def receive_jira_webhook() -> tuple[Response, int]:
    """Take a delivery of Jira."""
    secrets = get_app().settings.jira_webhook_secret
    raw, _ = _read_verified_body(JIRA_BODY_LIMIT_BYTES, ("JIRA_WEBHOOK_SECRET",),
                                 partial(verify_jira, secrets=secrets) if secrets else None)
    return _hand_over_events(jira_webhooks.parse_delivery(raw))


@edge.get("/health")
def report_health() -> tuple[Response, int]:
    """Answer 200 if the settings are complete and the last poll is at most three intervals old, else 503."""
    app = get_app()
    try:
        polled_at = load_last_poll_time(app)
    except AwsOutage:
        polled_at = None
    now, settings = app.clock(), app.settings
    # Offline there may be no poll and no table yet.
    is_late = is_poll_late(polled_at, now, settings.poll_interval_seconds, is_deployed=not settings.is_offline)
    seconds = None if polled_at is None else max(0, round(now - polled_at))
    return jsonify(ok=not is_late, last_poll_seconds=seconds), 503 if is_late else 200


@edge.app_errorhandler(RejectedDelivery)
def answer_rejected(error: RejectedDelivery) -> tuple[Response, int]:
    """Refuse a forged or unreadable delivery. After three refusals in a row PagerDuty disables the webhook."""
    get_app().log.warning("a delivery was rejected", extra={"reason": str(error), "path": request.path})
    return jsonify(error=str(error)), error.status


@edge.app_errorhandler(UselessDelivery)
def answer_useless(error: UselessDelivery) -> tuple[Response, int]:
    """Take an authentic delivery of no use, since refusals disable a webhook; say once a day what has to be changed."""
    _warn_once_a_day(error.kind, str(error))
    return jsonify(events=[]), error.status


@edge.app_errorhandler(RetryableError)
def answer_retryable(error: RetryableError) -> tuple[Response, int]:
    """Answer 503 to what a retry may mend: both services send it again."""
    answer = jsonify(error="The delivery was not applied; please send it again.")
    answer.headers["Retry-After"] = str(max(1, round(error.retry_after_seconds)))
    return answer, 503


@edge.app_errorhandler(PermanentError)
def answer_permanent(error: PermanentError) -> tuple[Response, int]:
    """Answer 500 to what somebody has to mend first; the sender retries all the same."""
    return jsonify(error="The delivery could not be applied."), 500


@edge.app_errorhandler(HTTPException)
def answer_http_error(error: HTTPException) -> tuple[Response, int]:
    """Answer a wrong address, method or size."""
    error = hide_disabled_page(error)
    code = error.code or 500
    if page := render_problem(error):
        return page, code
    answer = jsonify(error=error.name)
    answer.headers.update(dict(error.get_headers()[1:]))
    return answer, code


@edge.app_errorhandler(Exception)
def answer_unexpected_error(error: Exception) -> tuple[Response, int]:
    """Log any other error and hide it from the sender, who retries."""
    # The logger by its name, because wrong settings leave no App to take it from.
    logging.getLogger(SERVICE_NAME).exception("a delivery failed")
    return jsonify(error="The delivery could not be applied."), 500


def _warn_once_a_day(kind: str, reason: str, message: str = "a delivery is of no use") -> None:
    """Log what has to be changed at the sender of a delivery."""
    app, key = get_app(), f"useless delivery:{request.path}:{kind}"
    if not app.cache.get(key):
        app.cache.save(key, True)
        app.log.warning(message, extra={"kind": kind, "reason": reason, "path": request.path})


def _read_verified_body(limit_bytes: int, secret_names: Sequence[str],
                        verify: Verifier | None) -> tuple[bytes, Proof | None]:
    """Return the raw body after checking type, size and signature, and what proved it; without a secret only offline.

    `verify`: None where no secret is set. Only this machine's programs may then deliver.
    """
    if request.mimetype != "application/json":
        raise UnsupportedContentType("The delivery is not application/json.")
    request.max_content_length = limit_bytes
    raw = request.get_data()
    app = get_app()
    app.begin_invocation(CALL_BUDGET_SECONDS, g.request_id)
    try:
        if verify:
            return raw, verify(raw, request.headers)
    except InvalidSignature:
        _raise_if_unreadable(secret_names)
        raise
    _raise_if_unreadable(secret_names)
    if app.settings.is_offline and is_local(request.headers):
        app.log.warning("no webhook secret is set: the delivery is not verified", extra={"path": request.path})
        return raw, None
    raise InvalidSignature("No webhook secret is configured.")


def _raise_if_unreadable(secret_names: Sequence[str]) -> None:
    """Raise AwsOutage if a secret cannot be used, so that the sender tries again: the delivery may be authentic."""
    for name in secret_names:
        if problem := get_app().secret_problems.get(name):
            get_app().log.error("a delivery cannot be verified", extra={"reason": problem, "path": request.path})
            raise AwsOutage("a webhook secret cannot be used")


def _hand_over_events(events: Sequence[Event]) -> tuple[Response, int]:
    """Have the events applied (200) or stored (202); raise the first error, so that the sender retries."""
    app = get_app()
    events = [event for event in events if not _is_outdated(event)]
    outcomes = app.event_sink.take([replace(event, request=g.request_id) for event in events])
    app.report_metrics()
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    results = [{"id": event.id, "outcome": str(outcome)} for event, outcome in zip(events, outcomes, strict=True)]
    return jsonify(events=results), app.event_sink.http_status


def _is_outdated(event: Event) -> bool:
    """True, with a log line, if no retry of its sender is that old: by the time in the signed body, not in a header."""
    app = get_app()
    age = app.clock() - event.at.timestamp()
    if age <= MAX_EVENT_AGE_SECONDS[event.side]:
        return False
    app.log.warning("an event is older than any retry and changes nothing", extra={
        "event": event.id, "type": type(event).__name__, "age_days": int(age // 86_400), "path": request.path})
    return True


app = create_app()
