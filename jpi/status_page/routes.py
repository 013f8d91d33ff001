"""The routes of the status page, for people who have signed in. Without STATUS_PASSWORD the page does not exist."""

from typing import Any

from flask import Blueprint, Response, abort, g, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.wrappers import Response as Answer

from jpi.domain.link import Link
from jpi.domain.link_summary import to_list_item
from jpi.errors import RetryableError, SettingsError
from jpi.flask_app import get_app
from jpi.status_page import auth, queries, view_models
from jpi.status_page.chart import build_chart

blueprint = Blueprint("status", __name__, template_folder="templates", static_folder="static",
                      static_url_path="/status/static")
MAX_TEXT_CHARACTERS, MAX_FORM_BYTES = 200, 16 * 1024
CALL_BUDGET_SECONDS = 20.0
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
SECURITY_HEADERS = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Cache-Control": "no-store",
                    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY"}
ERROR_MESSAGES = {403: "This page was open too long. Go back, reload it and press the button again.",
                  404: "jpi knows no such incident."}
OUTAGE_MESSAGE = "jpi cannot read its tables at the moment. Try again soon."
PUBLIC_ENDPOINTS = ("status.show_sign_in", "status.submit_sign_in", "status.static", "status.get_status_json")


@blueprint.before_request
def require_sign_in() -> Answer | None:
    """Redirect strangers to the sign-in; answer 404 where no password is set."""
    app = get_app()
    for name in ("STATUS_PASSWORD", "STATUS_KEY"):
        if name in app.secret_problems:
            raise SettingsError(app.secret_problems[name])
    if not app.settings.status_password:
        abort(404)
    request.max_content_length = MAX_FORM_BYTES
    g.session, g.token = None, ""
    if request.endpoint != "status.static":
        g.session = auth.find_session()
        g.token = g.session.csrf_token if g.session else ""
    if g.token or request.endpoint in PUBLIC_ENDPOINTS:
        return None
    return redirect(url_for("status.show_sign_in"), 303)


@blueprint.after_request
def add_security_headers(answer: Response) -> Response:
    """Forbid browsers to cache or frame a page, or to load anything from elsewhere into it."""
    if "token" in g:
        answer.headers.update(SECURITY_HEADERS)
        if not auth.is_on_loopback():
            answer.headers["Strict-Transport-Security"] = auth.TRANSPORT_SECURITY
    return answer


@blueprint.context_processor
def build_page_context() -> dict[str, Any]:
    """Return what every template needs; for strangers both values are empty."""
    token = g.get("token")
    return {"token": token, "stage": get_app().settings.stage if token else ""}


@blueprint.errorhandler(RetryableError)
def answer_outage(error: RetryableError) -> tuple[Response | str, int]:
    """Answer that AWS did not answer: as JSON, on the sign-in, or on a page."""
    get_app().log.warning("the status page was not shown", extra={"path": request.path, "reason": str(error)})
    if request.endpoint == "status.get_status_json":
        return jsonify(error=OUTAGE_MESSAGE), 503
    if not g.get("token"):
        return render_template("sign_in.html", wrong=OUTAGE_MESSAGE), 503
    return render_template("problem.html", name="Temporarily unavailable", message=f"{OUTAGE_MESSAGE} {error}"), 503


def hide_disabled_page(error: HTTPException) -> HTTPException:
    """Replace 405 with 404 where no password is set, so that nobody learns that the page could exist."""
    is_on_page = isinstance(error, MethodNotAllowed) and request.path.startswith("/status")
    return NotFound() if is_on_page and not get_app().settings.status_password else error


def render_problem(error: HTTPException) -> Response | None:
    """Return a page about the error for people who have signed in, None for everybody else."""
    if not g.get("token"):
        return None
    message = ERROR_MESSAGES.get(error.code or 0, error.description or "")
    return make_response(render_template("problem.html", name=error.name, message=message), error.code)


@blueprint.get("/status/sign-in")
def show_sign_in() -> Answer | str:
    """Ask for the password."""
    return redirect(url_for("status.show_overview"), 303) if g.token else render_template("sign_in.html", wrong="")


@blueprint.post("/status/sign-in")
def submit_sign_in() -> Answer:
    """Check the password and start a session; after a few wrong passwords, make the client wait."""
    wrong, wait = auth.attempt_sign_in(request.form.get("password", ""))
    if wrong:
        answer = make_response(render_template("sign_in.html", wrong=wrong), 429 if wait else 403)
        if wait:
            answer.headers["Retry-After"] = str(wait)
        return answer
    answer = make_response(redirect(url_for("status.show_overview"), 303))
    auth.start_session(answer)
    return answer


@blueprint.post("/status/sign-out")
def sign_out() -> Answer:
    """End the session."""
    _check_csrf_token()
    answer = make_response(redirect(url_for("status.show_sign_in"), 303))
    auth.end_session(answer)
    return answer


@blueprint.post("/status/sign-out-everywhere")
def sign_out_everywhere() -> Answer:
    """End all sessions, those of other people and other browsers too."""
    _check_csrf_token()
    get_app().sessions.end_all()
    return redirect(url_for("status.show_sign_in"), 303)


@blueprint.get("/status")
def show_overview() -> str:
    """Show whether jpi is healthy, and the incidents."""
    overview = _build_overview()
    counts = overview["events"]
    return render_template("status.html", **{**overview, "events": view_models.build_event_rows(counts)},
                           calls=view_models.build_call_rows(counts), states=view_models.list_states())


@blueprint.get("/status.json")
def get_status_json() -> Answer:
    """Return the same as JSON, for machines, which send the password (Basic, with any user name)."""
    if not g.token:
        wrong, wait = (auth.attempt_sign_in(password) if (password := auth.read_basic_password()) is not None
                       else (auth.WRONG_PASSWORD_MESSAGE, 0))
        if wrong:
            answer = make_response(jsonify(error=wrong), 429 if wait else 401)
            answer.headers["Retry-After" if wait else "WWW-Authenticate"] = str(wait) if wait else 'Basic realm="jpi"'
            return answer
    if incident_id := request.args.get("incident"):
        return jsonify(_build_incident(_get_link_or_404(incident_id)))
    overview = _build_overview()
    events = {"/".join(name): count for name, count in overview["events"].items()}
    return jsonify({**{name: overview[name] for name in ("health", "incidents", "older", "figures")}, "events": events})


@blueprint.get("/status/incidents/<incident_id>")
def show_incident(incident_id: str) -> str:
    """Show one incident and its history."""
    link = _get_link_or_404(incident_id)
    return render_template("incident.html", **_build_incident(link), message=auth.take_message(link.incident_id),
                           now=view_models.format_time(get_app().clock()))


@blueprint.post("/status/incidents/<incident_id>/again")
def resync_incident(incident_id: str) -> Answer:
    """Sync both sides of an incident now, and show the result on its page."""
    _check_csrf_token()
    app = get_app()
    link = _get_link_or_404(incident_id)
    app.begin_invocation(CALL_BUDGET_SECONDS, g.request_id)
    try:
        message = queries.resync_incident(app, link.incident_id, g.request_id,
                                          is_new_issue="new_issue" in request.form)
    finally:
        app.report_metrics()
    # By incident: the page of another one must not show it.
    auth.save_message(link.incident_id, message[:MAX_TEXT_CHARACTERS])
    return redirect(url_for("status.show_incident", incident_id=link.incident_id), 303)


def _check_csrf_token() -> None:
    if not auth.is_csrf_token_valid(request.form.get("token", "")):
        abort(403)


def _get_link_or_404(incident_id: str) -> Link:
    return queries.find_link(get_app(), incident_id) or abort(404)


def _build_overview() -> dict[str, Any]:
    app = get_app()
    health, quarters = queries.read_health_facts(app)
    state, text = request.args.get("state", ""), request.args.get("text", "").strip()[:MAX_TEXT_CHARACTERS]
    page = queries.find_incidents(app, state, text, request.args.get("before", ""))
    rows = [view_models.build_incident_row(item, app.policy.jira_url, health.now) for item in page.rows]
    return {"health": view_models.describe_health(health), "incidents": rows, "older": page.next_place,
            "searched_count": page.searched_count, "state": state, "text": text,
            "chart": build_chart(quarters, health.now), "format_time": view_models.format_time,
            "now": view_models.format_time(health.now), "events": view_models.sum_counts(quarters),
            "figures": {"lag_s": health.lag, "wait_s": health.queue_wait}}


def _build_incident(link: Link) -> dict[str, Any]:
    app = get_app()
    now = app.clock()
    return {"incident": view_models.build_incident_row(to_list_item(link), app.policy.jira_url, now),
            "refused_steps": view_models.build_refused_steps(link, now),
            "history": view_models.build_history(link, now),
            "about": {"began": view_models.format_time(link.summary.began),
                      "service": link.summary.service or ""}}
