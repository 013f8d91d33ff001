"""The status page's routes: for people who have signed in. Without STATUS_PASSWORD there is no such page."""

from typing import Any

from flask import Blueprint, Response, abort, g, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.wrappers import Response as Answer

from jpi import wiring
from jpi.domain.link import Link
from jpi.domain.link_summary import listed
from jpi.errors import Retryable
from jpi.status_page import queries, view_models
from jpi.status_page.auth import COOKIE, SECONDS, Gate
from jpi.status_page.chart import chart
from jpi.status_page.queries import Page
from jpi.store.sign_in_attempts import Attempts

status = Blueprint("status", __name__, template_folder="templates", static_folder="static",
                   static_url_path="/status/static")
TEXT_LIMIT = 200
CALL_SECONDS = 20.0
POLICY = ("default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
          "form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
           "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY"}
SAID = {403: "This page was open for too long: go back, reload it, and press the button again.",
        404: "jpi holds no such incident: it has not heard of it."}
WRONG = "That is not the password."
SILENT = "jpi cannot read its tables just now. Try again in a moment."
OPEN_TO_ALL = ("status.sign_in", "status.signed_in", "status.static", "status.machines")


@status.before_request
def locked() -> Answer | None:
    """Nobody sees anything before they have signed in."""
    chosen = wiring.jpi().settings
    if not chosen.status_password:
        abort(404)
    g.gate = Gate(chosen.status_password, chosen.stage)
    g.token = g.gate.token(request.cookies.get(COOKIE))
    if g.token or request.endpoint in OPEN_TO_ALL:
        return None
    return redirect(url_for("status.sign_in"), 303)


@status.after_request
def closed(answer: Response) -> Response:
    """Nothing of it is kept, framed, or brought from elsewhere."""
    if "gate" in g:
        answer.headers.update(HEADERS)
    return answer


@status.context_processor
def around() -> dict[str, Any]:
    """What every page shows to whoever has signed in."""
    token = g.get("token")
    return {"token": token, "stage": wiring.jpi().settings.stage if token else ""}


@status.errorhandler(Retryable)
def silent(error: Retryable) -> tuple[Response | str, int]:
    """AWS did not answer: said to people on a page."""
    wiring.jpi().log.warning("the status page was not shown", extra={"path": request.path, "reason": str(error)})
    if request.endpoint == "status.machines":
        return jsonify(error=SILENT), 503
    if not g.get("token"):
        return render_template("sign_in.html", wrong=SILENT), 503
    return render_template("problem.html", name="Not now", said=f"{SILENT} {error}"), 503


def as_known(error: HTTPException) -> HTTPException:
    """The error as a stranger may know it: without a page there are no methods that it does not take, either."""
    ours = isinstance(error, MethodNotAllowed) and request.path.startswith("/status")
    return NotFound() if ours and not wiring.jpi().settings.status_password else error


def problem(error: HTTPException) -> Response | None:
    """Says what is wrong to whoever has signed in; to anybody else there is nothing that could be."""
    if not g.get("token"):
        return None
    said = SAID.get(error.code or 0, error.description or "")
    return make_response(render_template("problem.html", name=error.name, said=said), error.code)


@status.get("/status/sign-in")
def sign_in() -> Answer | str:
    """Asks for the password."""
    return redirect(url_for("status.overview"), 303) if g.token else render_template("sign_in.html", wrong="")


@status.post("/status/sign-in")
def signed_in() -> Answer:
    """Looks at the password; after a few wrong ones, not before some time has passed."""
    wrong, wait = _tried(request.form.get("password", ""))
    if wrong:
        answer = make_response(render_template("sign_in.html", wrong=wrong), 429 if wait else 403)
        if wait:
            answer.headers["Retry-After"] = str(wait)
        return answer
    there = redirect(url_for("status.overview"), 303)
    there.set_cookie(COOKIE, g.gate.cookie(), max_age=SECONDS, httponly=True, samesite="Lax",
                     secure=not wiring.jpi().settings.is_offline)
    return there


@status.post("/status/sign-out")
def sign_out() -> Answer:
    """Takes the cookie away."""
    _pressed()
    answer = redirect(url_for("status.sign_in"), 303)
    answer.delete_cookie(COOKIE)
    return answer


@status.get("/status")
def overview() -> str:
    """Whether jpi is well, and the incidents it holds."""
    shown = _overview()
    counts = shown["events"]
    return render_template(
        "status.html",
        **{**shown, "events": view_models.events(counts)},
        calls=view_models.calls(counts),
        states=view_models.states(),
    )


@status.get("/status.json")
def machines() -> Answer:
    """The same for machines, which sign in with the password (Basic, any name)."""
    if not g.token:
        wrong, wait = _tried(password) if (password := _basic()) is not None else (WRONG, 0)
        if wrong:
            answer = make_response(jsonify(error=wrong), 429 if wait else 401)
            answer.headers["Retry-After" if wait else "WWW-Authenticate"] = str(wait) if wait else 'Basic realm="jpi"'
            return answer
    if one := request.args.get("incident"):
        return jsonify(_incident(_link(one)))
    shown = _overview()
    return jsonify({name: shown[name] for name in ("health", "incidents", "older", "events", "figures")})


@status.get("/status/incidents/<incident_id>")
def incident(incident_id: str) -> str:
    """One incident's history."""
    shown, now = _incident(_link(incident_id)), view_models.moment(wiring.jpi().clock())
    return render_template("incident.html", **shown, now=now, said=g.gate.said(request.args.get("said", "")))


@status.post("/status/incidents/<incident_id>/again")
def again(incident_id: str) -> Answer:
    """Has both sides made equal now."""
    _pressed()
    there = wiring.jpi()
    link = _link(incident_id)
    there.begin(CALL_SECONDS, g.request)
    try:
        said = queries.again(there, link.incident_id, g.request)
    finally:
        there.report()
    said = g.gate.sealed(said[:TEXT_LIMIT])
    return redirect(url_for("status.incident", incident_id=link.incident_id, said=said), 303)


def _tried(password: str) -> tuple[str, int]:
    """What is wrong with an attempt, empty if nothing, and how many seconds the next one has to wait."""
    there = wiring.jpi()
    attempts, who = Attempts(there.stores.config, there.clock), request.remote_addr or "unknown"
    if wait := attempts.wait(who):
        return f"Too many attempts: please wait {wait:.0f} seconds.", max(1, round(wait))
    if not g.gate.opens(password):
        there.log.warning("somebody tried to see the status page", extra={"from": who})
        return WRONG, 0
    attempts.forgive(who)
    return "", 0


def _basic() -> str | None:
    """The password that the request brings by itself; None where it brings none that can be read."""
    try:
        given = request.authorization
    except ValueError:
        # Werkzeug's own complaint of a header that is not even ASCII.
        return None
    return (given.password or "") if given else None


def _pressed() -> None:
    if not g.gate.pressed(request.cookies.get(COOKIE), request.form.get("token", "")):
        abort(403)


def _link(incident_id: str) -> Link:
    link = wiring.jpi().links.get(incident_id)
    return link if link.version else abort(404)


def _overview() -> dict[str, Any]:
    there = wiring.jpi()
    read, quarters = queries.read(there)
    wanted, text = request.args.get("state", ""), request.args.get("text", "").strip()[:TEXT_LIMIT]
    page: Page = queries.find(there, wanted, text, request.args.get("before", ""))
    rows = [view_models.row(one, there.policy.site, read.now) for one in page.rows]
    return {"health": view_models.health(read), "incidents": rows, "older": page.older, "looked": page.looked,
            "wanted": wanted, "text": text, "chart": chart(quarters, read.now), "moment": view_models.moment,
            "now": view_models.moment(read.now), "events": view_models.counted(quarters),
            "figures": {"lag_s": read.lag, "wait_s": read.wait}}


def _incident(link: Link) -> dict[str, Any]:
    there = wiring.jpi()
    now = there.clock()
    return {
        "incident": view_models.row(listed(link), there.policy.site, now),
        "history": view_models.history(link, now),
        "about": {"began": view_models.moment(link.about.get("began")), "service": link.about.get("service") or ""},
    }
