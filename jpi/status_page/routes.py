"""The status page's routes: for people who have signed in. Without STATUS_PASSWORD there is no such page."""

from typing import Any

from flask import Blueprint, Response, abort, g, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.wrappers import Response as Answer

from jpi import wiring
from jpi.domain.link import Link
from jpi.domain.link_summary import to_list_item
from jpi.errors import RetryableError
from jpi.status_page import queries, view_models
from jpi.status_page.auth import COOKIE_NAME, SESSION_SECONDS, PageAuthenticator
from jpi.status_page.chart import build_chart
from jpi.status_page.queries import Page
from jpi.store.sign_in_attempts import SignInAttempts

blueprint = Blueprint("status", __name__, template_folder="templates", static_folder="static",
                      static_url_path="/status/static")
MAX_TEXT_CHARACTERS = 200
CALL_BUDGET_SECONDS = 20.0
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Cache-Control": "no-store",
                    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY"}
ERROR_MESSAGES = {403: "This page was open for too long: go back, reload it, and press the button again.",
                  404: "jpi holds no such incident: it has not heard of it."}
WRONG_PASSWORD_MESSAGE = "That is not the password."  # noqa: S105
OUTAGE_MESSAGE = "jpi cannot read its tables just now. Try again in a moment."
PUBLIC_ENDPOINTS = ("status.show_sign_in", "status.submit_sign_in", "status.static", "status.get_status_json")


@blueprint.before_request
def require_sign_in() -> Answer | None:
    """Nobody sees anything before they have signed in."""
    chosen = wiring.get_app().settings
    if not chosen.status_password:
        abort(404)
    g.gate = PageAuthenticator(chosen.status_password, chosen.stage)
    g.token = g.gate.read_csrf_token(request.cookies.get(COOKIE_NAME))
    if g.token or request.endpoint in PUBLIC_ENDPOINTS:
        return None
    return redirect(url_for("status.show_sign_in"), 303)


@blueprint.after_request
def add_security_headers(answer: Response) -> Response:
    """Nothing of it is kept, framed, or brought from elsewhere."""
    if "gate" in g:
        answer.headers.update(SECURITY_HEADERS)
    return answer


@blueprint.context_processor
def build_page_context() -> dict[str, Any]:
    """What every page shows to whoever has signed in."""
    token = g.get("token")
    return {"token": token, "stage": wiring.get_app().settings.stage if token else ""}


@blueprint.errorhandler(RetryableError)
def answer_outage(error: RetryableError) -> tuple[Response | str, int]:
    """AWS did not answer: said to people on a page."""
    wiring.get_app().log.warning("the status page was not shown", extra={"path": request.path, "reason": str(error)})
    if request.endpoint == "status.get_status_json":
        return jsonify(error=OUTAGE_MESSAGE), 503
    if not g.get("token"):
        return render_template("sign_in.html", wrong=OUTAGE_MESSAGE), 503
    return render_template("problem.html", name="Not now", said=f"{OUTAGE_MESSAGE} {error}"), 503


def hide_disabled_page(error: HTTPException) -> HTTPException:
    """The error as a stranger may know it: without a page there are no methods that it does not take, either."""
    ours = isinstance(error, MethodNotAllowed) and request.path.startswith("/status")
    return NotFound() if ours and not wiring.get_app().settings.status_password else error


def render_problem(error: HTTPException) -> Response | None:
    """Says what is wrong to whoever has signed in; to anybody else there is nothing that could be."""
    if not g.get("token"):
        return None
    said = ERROR_MESSAGES.get(error.code or 0, error.description or "")
    return make_response(render_template("problem.html", name=error.name, said=said), error.code)


@blueprint.get("/status/sign-in")
def show_sign_in() -> Answer | str:
    """Asks for the password."""
    return redirect(url_for("status.show_overview"), 303) if g.token else render_template("sign_in.html", wrong="")


@blueprint.post("/status/sign-in")
def submit_sign_in() -> Answer:
    """Looks at the password; after a few wrong ones, not before some time has passed."""
    wrong, wait = _attempt_sign_in(request.form.get("password", ""))
    if wrong:
        answer = make_response(render_template("sign_in.html", wrong=wrong), 429 if wait else 403)
        if wait:
            answer.headers["Retry-After"] = str(wait)
        return answer
    there = redirect(url_for("status.show_overview"), 303)
    there.set_cookie(COOKIE_NAME, g.gate.issue_cookie(), max_age=SESSION_SECONDS, httponly=True, samesite="Lax",
                     secure=not wiring.get_app().settings.is_offline)
    return there


@blueprint.post("/status/sign-out")
def sign_out() -> Answer:
    """Takes the cookie away."""
    _check_csrf_token()
    answer = redirect(url_for("status.show_sign_in"), 303)
    answer.delete_cookie(COOKIE_NAME)
    return answer


@blueprint.get("/status")
def show_overview() -> str:
    """Whether jpi is well, and the incidents it holds."""
    shown = _build_overview()
    counts = shown["events"]
    return render_template("status.html", **{**shown, "events": view_models.build_event_rows(counts)},
                           calls=view_models.build_call_rows(counts), states=view_models.list_states())


@blueprint.get("/status.json")
def get_status_json() -> Answer:
    """The same for machines, which sign in with the password (Basic, any name)."""
    if not g.token:
        wrong, wait = (_attempt_sign_in(password) if (password := _read_basic_password()) is not None
                       else (WRONG_PASSWORD_MESSAGE, 0))
        if wrong:
            answer = make_response(jsonify(error=wrong), 429 if wait else 401)
            answer.headers["Retry-After" if wait else "WWW-Authenticate"] = str(wait) if wait else 'Basic realm="jpi"'
            return answer
    if one := request.args.get("incident"):
        return jsonify(_build_incident(_get_link_or_404(one)))
    shown = _build_overview()
    return jsonify({name: shown[name] for name in ("health", "incidents", "older", "events", "figures")})


@blueprint.get("/status/incidents/<incident_id>")
def show_incident(incident_id: str) -> str:
    """One incident's history."""
    shown, now = _build_incident(_get_link_or_404(incident_id)), view_models.format_time(wiring.get_app().clock())
    return render_template("incident.html", **shown, now=now, said=g.gate.open_message(request.args.get("said", "")))


@blueprint.post("/status/incidents/<incident_id>/again")
def resync_incident(incident_id: str) -> Answer:
    """Has both sides made equal now."""
    _check_csrf_token()
    there = wiring.get_app()
    link = _get_link_or_404(incident_id)
    there.begin_invocation(CALL_BUDGET_SECONDS, g.request)
    try:
        said = queries.resync_incident(there, link.incident_id, g.request)
    finally:
        there.report_metrics()
    said = g.gate.seal_message(said[:MAX_TEXT_CHARACTERS])
    return redirect(url_for("status.show_incident", incident_id=link.incident_id, said=said), 303)


def _attempt_sign_in(password: str) -> tuple[str, int]:
    """What is wrong with an attempt, empty if nothing, and how many seconds the next one has to wait."""
    there = wiring.get_app()
    attempts, who = SignInAttempts(there.stores.config, there.clock), request.remote_addr or "unknown"
    if wait := attempts.claim_attempt(who):
        return f"Too many attempts: please wait {wait:.0f} seconds.", max(1, round(wait))
    if not g.gate.is_password(password):
        there.log.warning("somebody tried to see the status page", extra={"from": who})
        return WRONG_PASSWORD_MESSAGE, 0
    attempts.record_success(who)
    return "", 0


def _read_basic_password() -> str | None:
    """The password that the request brings by itself; None where it brings none that can be read."""
    try:
        given = request.authorization
    except ValueError:
        # Werkzeug's own complaint of a header that is not even ASCII.
        return None
    return (given.password or "") if given else None


def _check_csrf_token() -> None:
    if not g.gate.is_csrf_token_valid(request.cookies.get(COOKIE_NAME), request.form.get("token", "")):
        abort(403)


def _get_link_or_404(incident_id: str) -> Link:
    link = wiring.get_app().links.get(incident_id)
    return link if link.version else abort(404)


def _build_overview() -> dict[str, Any]:
    there = wiring.get_app()
    read, quarters = queries.read_health_facts(there)
    wanted, text = request.args.get("state", ""), request.args.get("text", "").strip()[:MAX_TEXT_CHARACTERS]
    page: Page = queries.find_incidents(there, wanted, text, request.args.get("before", ""))
    rows = [view_models.build_incident_row(one, there.policy.jira_url, read.now) for one in page.rows]
    return {"health": view_models.describe_health(read), "incidents": rows, "older": page.next_place,
            "looked": page.searched_count, "wanted": wanted, "text": text, "chart": build_chart(quarters, read.now),
            "moment": view_models.format_time, "now": view_models.format_time(read.now),
            "events": view_models.sum_counts(quarters), "figures": {"lag_s": read.lag_percentiles,
                                                                    "wait_s": read.queue_wait_percentiles}}


def _build_incident(link: Link) -> dict[str, Any]:
    there = wiring.get_app()
    now = there.clock()
    return {"incident": view_models.build_incident_row(to_list_item(link), there.policy.jira_url, now),
            "history": view_models.build_history(link, now),
            "about": {"began": view_models.format_time(link.summary.get("began")),
                      "service": link.summary.get("service") or ""}}
