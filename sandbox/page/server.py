"""The sandbox's page: PagerDuty at the left, Jira at the right, jpi's log between them, live. On loopback only."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Flask, Response, abort, get_template_attribute, jsonify, redirect, render_template, request

from sandbox.page import log_lines
from sandbox.page.actions import ACTIONS, MOVES, make_actors, perform_action
from sandbox.page.agreement_timer import AgreementTimer
from sandbox.page.log_feed import LogFeed, RenderedParts, stream_events
from sandbox.page.page_state import read_page_state
from sandbox.page.switches import SWITCHES, SwitchBoard
from sandbox.poll_schedule import PollSchedule
from sandbox.seed import BOT_EMAIL
from sandbox.world import World

CONTENT_SECURITY_POLICY = "; ".join(("default-src 'self'", "base-uri 'none'", "form-action 'self'",
                                     "frame-ancestors 'none'", "object-src 'none'"))
SECURITY_HEADERS = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "X-Content-Type-Options": "nosniff",
                    "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
                    "Cache-Control": "no-store"}
ALLOWED_HOSTS = ("127.0.0.1", "localhost")
PART_NAMES = ("state", "breaking", "pagerduty", "jira")
# What a title or name may take up before the rest is behind a click.
SHOWN = 160


@dataclass(frozen=True)
class ActionResult:
    """What came of the last thing done on the page: `place` is where it was done."""

    place: str = ""
    words: str = ""
    bad: bool = False


class SandboxPage:
    """The page as a WSGI application, around a world that goes on by itself."""

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
        """WSGI."""
        return self.app(environ, start_response)

    def check_agreement(self) -> None:
        """See how both sides stand, and tell when they agree again."""
        took = self._agreement.observe(read_page_state(self._world).agree)
        self.feed.add_line(None if took is None else log_lines.line_from_agreement(took))

    def close(self) -> None:
        """End what is still being told to browsers."""
        self.feed.close()

    def _render_page(self) -> str:
        lines = self.feed.list_lines_after()
        return render_template("page.html", lines=lines, last=lines[-1][0] if lines else 0, **self._make_context())

    def _stream_events(self) -> Response:
        said = request.headers.get("Last-Event-ID") or request.args.get("after", "")
        number = self.feed.resolve_last_number(int(said)) if said.isdecimal() else 0
        render = get_template_attribute("_log.html", "lines")

        def parts() -> RenderedParts:
            with self.app.app_context():
                return self._render_parts()

        return Response(stream_events(self.feed, number, render, parts), mimetype="text/event-stream")

    def _perform_action(self, side: str, name: str, target: str = "") -> Any:
        action = ACTIONS.get((side, name)) or abort(404)
        self.feed.add_line(log_lines.line_from_person(action.describe(request.form),
                                                      self._name_target(target) or request.form.get("title", "")))
        wrong = perform_action(self._actors, side, name, quote(target, safe=""), request.form)
        return self._answer_form(ActionResult(target or f"{side}-new", wrong or "Done.", bool(wrong)))

    def _toggle_switch(self, name: str) -> Any:
        if name not in SWITCHES:
            abort(404)
        words = self._switches.toggle(name)
        self.feed.add_line(log_lines.line_from_switch(words, name in self._switches.active_names))
        return self._answer_form(ActionResult("breaking", words))

    def _poll_now(self) -> Any:
        self._schedule.poll_now()
        return self._answer_form(ActionResult("breaking", "jpi polls now."))

    def _name_target(self, target: str) -> str:
        found = self._world.pagerduty.incidents.get(target)
        return found.title if found else target

    def _answer_form(self, result: ActionResult) -> Any:
        """To the script, the page as it is now; to a browser without it, the way back to where it was done."""
        self._result = result
        if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
            shown = self._render_parts()
            self._form_answers += 1
            return jsonify(ok=not result.bad, number=shown.number, parts=shown.html)
        return redirect(f"/#{result.place}", 303)

    def _render_parts(self) -> RenderedParts:
        with self._render_lock:
            number, answers, context = next(self._numbers), self._form_answers, self._make_context()
        return RenderedParts(number, answers, {name: render_template(f"_{name}.html", **context)
                                               for name in PART_NAMES})

    def _make_context(self) -> Mapping[str, Any]:
        world, there, result = self._world, read_page_state(self._world), self._result
        places = {"pagerduty-new", *(one.id for one in there.incidents), *(one.key for one in there.issues)}
        if result.place not in places:
            # It was done where there is no card, or none any more.
            result = replace(result, place="breaking")
        return {"status": f"{world.app_url}/status", "password": world.environ["STATUS_PASSWORD"], "there": there,
                "result": result, "on": self._switches.active_names, "every": self._schedule.interval_seconds,
                "priority_options": [(one.id, one.name) for one in world.pagerduty.priorities.values()],
                "user_options": [(one.id, one.name) for one in world.pagerduty.users if one.email != BOT_EMAIL],
                "jira_priority_options": [(name, name) for name in world.jira.priorities],
                "jira_user_options": [("", "nobody"), *((name, one.name) for name,
                                                        one in world.jira.users.items() if one.email != BOT_EMAIL)]}


def _refuse_foreign_requests() -> None:
    """Another site's page must not get at the sandbox through the browser of whoever has it open."""
    if urlsplit(request.host_url).hostname not in ALLOWED_HOSTS:
        abort(403)
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin is not None and origin + "/" != request.host_url:
        abort(403)


def _add_headers(response: Response) -> Response:
    response.headers.update(SECURITY_HEADERS)
    return response
