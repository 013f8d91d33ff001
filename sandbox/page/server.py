"""The sandbox's page: PagerDuty on the left, Jira on the right, jpi's log between them, live. On loopback only."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, abort, get_template_attribute, jsonify, redirect, render_template, request

from sandbox.page import log_lines
from sandbox.page.actions import ACTIONS, MOVES, make_actors, perform_action
from sandbox.page.agreement_timer import AgreementTimer
from sandbox.page.log_feed import LogFeed, RenderedParts, stream_events
from sandbox.page.page_state import read_page_state
from sandbox.page.switches import SWITCHES, SwitchBoard
from sandbox.poll_schedule import PollSchedule
from sandbox.seed import BOT_EMAIL
from sandbox.simulated_service import is_foreign_request
from sandbox.world import World

CONTENT_SECURITY_POLICY = "; ".join(("default-src 'self'", "base-uri 'none'", "form-action 'self'",
                                     "frame-ancestors 'none'", "object-src 'none'"))
SECURITY_HEADERS = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "X-Content-Type-Options": "nosniff",
                    "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
                    "Cache-Control": "no-store"}
PART_NAMES = ("state", "breaking", "pagerduty", "jira")
# Most characters of a title or name; the rest shows after a click.
SHOWN = 160


@dataclass(frozen=True)
class ActionResult:
    """The result of the last action on the page; `place` is the card where it was done."""

    place: str = ""
    words: str = ""
    bad: bool = False


class SandboxPage:
    """The page as a WSGI application, around a world that runs by itself."""

    def __init__(self, world: World, switches: SwitchBoard, schedule: PollSchedule) -> None:
        self._world = world
        self._switches = switches
        self._schedule = schedule
        self._actors = make_actors(world)
        self.feed = LogFeed(world)
        self._result = ActionResult()
        self._agreement = AgreementTimer(world.clock)
        self._render_lock = threading.Lock()
        self._numbers = count(1)
        self._form_answers = 0
        self.app = app = Flask(__name__)
        app.jinja_env.globals.update(SHOWN=SHOWN, MOVES=MOVES, SWITCHES=SWITCHES)
        app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
        app.before_request(_refuse_foreign_requests)
        app.after_request(_add_headers)
        for rule, view, method in (
            ("/", self._render_page, "GET"),
            ("/events", self._stream_events, "GET"),
            ("/poll", self._poll_now, "POST"),
            ("/switch/<name>", self._toggle_switch, "POST"),
            ("/<side>/<name>", self._perform_action, "POST"),
            ("/<side>/<name>/<target>", self._perform_action, "POST"),
        ):
            app.add_url_rule(rule, f"{method} {rule}", view, methods=[method])

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one WSGI request."""
        return self.app(environ, start_response)

    def check_agreement(self) -> None:
        """Compare both sides, and add a line when they agree again."""
        seconds = self._agreement.observe_agreement(read_page_state(self._world).is_settled)
        self.feed.add_line(None if seconds is None else log_lines.line_from_agreement(seconds))

    def close(self) -> None:
        """End the streams to browsers."""
        self.feed.close()

    def _render_page(self) -> str:
        lines = self.feed.list_lines_after()
        return render_template("page.html", lines=lines, last=lines[-1][0] if lines else 0, **self._make_context())

    def _stream_events(self) -> Response:
        last_id = request.headers.get("Last-Event-ID") or request.args.get("after", "")
        number = self.feed.resolve_last_number(int(last_id)) if last_id.isdecimal() else 0
        render_lines = get_template_attribute("_log.html", "lines")

        def render_parts() -> RenderedParts:
            with self.app.app_context():
                return self._render_parts()

        return Response(stream_events(self.feed, number, render_lines, render_parts), mimetype="text/event-stream")

    def _perform_action(self, side: str, name: str, target: str = "") -> Any:
        action = ACTIONS.get((side, name)) or abort(404)
        self.feed.add_line(log_lines.line_from_person(action.describe(request.form),
                                                      self._name_target(target) or request.form.get("title", "")))
        problem = perform_action(self._actors, side, name, quote(target, safe=""), request.form)
        return self._answer_form(ActionResult(target or f"{side}-new", problem or "Done.", bool(problem)))

    def _toggle_switch(self, name: str) -> Any:
        if name not in SWITCHES:
            abort(404)
        words = self._switches.toggle_switch(name)
        self.feed.add_line(log_lines.line_from_switch(words, name in self._switches.active_names))
        return self._answer_form(ActionResult("breaking", words))

    def _poll_now(self) -> Any:
        self._schedule.poll_now()
        return self._answer_form(ActionResult("breaking", "jpi polls now."))

    def _name_target(self, target: str) -> str:
        incident = self._world.pagerduty.incidents.get(target)
        return incident.title if incident else target

    def _answer_form(self, result: ActionResult) -> Any:
        """Return the new parts to the script; redirect a browser without it to where the action was done."""
        self._result = result
        if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
            rendered = self._render_parts()
            self._form_answers += 1
            return jsonify(ok=not result.bad, number=rendered.number, parts=rendered.html)
        return redirect(f"/#{result.place}", 303)

    def _render_parts(self) -> RenderedParts:
        with self._render_lock:
            number, answers, context = next(self._numbers), self._form_answers, self._make_context()
        return RenderedParts(number, answers, {name: render_template(f"_{name}.html", **context)
                                               for name in PART_NAMES})

    def _make_context(self) -> Mapping[str, Any]:
        world, state, result = self._world, read_page_state(self._world), self._result
        places = {"pagerduty-new", *(card.id for card in state.incidents), *(card.key for card in state.issues)}
        if result.place not in places:
            # The card does not exist, or not any more.
            result = replace(result, place="breaking")
        return {"status": f"{world.app_url}/status", "password": world.environ["STATUS_PASSWORD"], "state": state,
                "result": result, "on": self._switches.active_names, "every": self._schedule.interval_seconds,
                "priority_options": [(priority.id, priority.name) for priority in world.pagerduty.priorities.values()],
                "user_options": [(user.id, user.name) for user in world.pagerduty.users if user.email != BOT_EMAIL],
                "jira_priority_options": [(name, name) for name in world.jira.priorities],
                "jira_user_options": [("", "nobody"), *((name, user.name) for name,
                                                        user in world.jira.users.items() if user.email != BOT_EMAIL)]}


def _refuse_foreign_requests() -> None:
    """Refuse requests that another site's page makes through the browser of somebody who has the sandbox open."""
    if is_foreign_request(request.environ):
        abort(403)


def _add_headers(response: Response) -> Response:
    response.headers.update(SECURITY_HEADERS)
    return response
