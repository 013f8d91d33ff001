"""The sandbox's page: PagerDuty at the left, Jira at the right, jpi's log between them, live. On loopback only."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Flask, Response, abort, get_template_attribute, jsonify, redirect, render_template, request

from sandbox.cast import BOT_EMAIL
from sandbox.page import told
from sandbox.page.actions import ACTIONS, MOVES, act, people
from sandbox.page.agreement import Agreement
from sandbox.page.feed import Feed, Parts, stream
from sandbox.page.state import state
from sandbox.page.switches import SWITCHES, Switches
from sandbox.schedule import Schedule
from sandbox.world import World

POLICY = "; ".join(("default-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
                    "object-src 'none'"))
HEADERS = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
           "Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-store"}
HOSTS = ("127.0.0.1", "localhost")
PARTS = ("state", "breaking", "pagerduty", "jira")
# What a title or name may take up before the rest is behind a click.
SHOWN = 160


@dataclass(frozen=True)
class Result:
    """What came of the last thing done on the page: `place` is where it was done."""

    place: str = ""
    words: str = ""
    bad: bool = False


class Page:
    """The page as a WSGI application, around a world that goes on by itself."""

    def __init__(self, world: World, switches: Switches, schedule: Schedule) -> None:
        self._world = world
        self._switches = switches
        self._schedule = schedule
        self._people = people(world)
        self.feed = Feed(world)
        self._result = Result()
        self._agreement = Agreement(world.clock)
        self._one_at_a_time = threading.Lock()
        self._numbers = count(1)
        self._answers = 0
        self.app = app = Flask(__name__)
        app.jinja_env.globals.update(SHOWN=SHOWN, MOVES=MOVES, SWITCHES=SWITCHES)
        app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
        app.before_request(_from_here)
        app.after_request(_with_headers)
        for rule, view, method in (
                ("/", self._show, "GET"), ("/events", self._events, "GET"), ("/poll", self._poll, "POST"),
                ("/switch/<name>", self._switch, "POST"), ("/<side>/<name>", self._act, "POST"),
                ("/<side>/<name>/<target>", self._act, "POST")):
            app.add_url_rule(rule, f"{method} {rule}", view, methods=[method])

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """WSGI."""
        return self.app(environ, start_response)

    def look(self) -> None:
        """See how both sides stand, and tell when they agree again."""
        took = self._agreement.look(state(self._world).agree)
        self.feed.tell(None if took is None else told.of_agreement(took))

    def close(self) -> None:
        """End what is still being told to browsers."""
        self.feed.close()

    def _show(self) -> str:
        lines = self.feed.since()
        return render_template("page.html", lines=lines, last=lines[-1][0] if lines else 0, **self._context())

    def _events(self) -> Response:
        said = request.headers.get("Last-Event-ID") or request.args.get("after", "")
        number = self.feed.known(int(said)) if said.isdecimal() else 0
        render = get_template_attribute("_log.html", "lines")

        def parts() -> Parts:
            with self.app.app_context():
                return self._parts()

        return Response(stream(self.feed, number, render, parts), mimetype="text/event-stream")

    def _act(self, side: str, name: str, target: str = "") -> Any:
        action = ACTIONS.get((side, name)) or abort(404)
        self.feed.tell(told.of_person(action.says(request.form), self._name(target) or request.form.get("title", "")))
        wrong = act(self._people, side, name, quote(target, safe=""), request.form)
        return self._done(Result(target or f"{side}-new", wrong or "Done.", bool(wrong)))

    def _switch(self, name: str) -> Any:
        if name not in SWITCHES:
            abort(404)
        words = self._switches.turn(name)
        self.feed.tell(told.of_switch(words, name in self._switches.on))
        return self._done(Result("breaking", words))

    def _poll(self) -> Any:
        self._schedule.now()
        return self._done(Result("breaking", "jpi polls now."))

    def _name(self, target: str) -> str:
        found = self._world.pagerduty.incidents.get(target)
        return found.title if found else target

    def _done(self, result: Result) -> Any:
        """To the script, the page as it is now; to a browser without it, the way back to where it was done."""
        self._result = result
        if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
            shown = self._parts()
            self._answers += 1
            return jsonify(ok=not result.bad, number=shown.number, parts=shown.html)
        return redirect(f"/#{result.place}", 303)

    def _parts(self) -> Parts:
        with self._one_at_a_time:
            number, answers, context = next(self._numbers), self._answers, self._context()
        return Parts(number, answers, {name: render_template(f"_{name}.html", **context) for name in PARTS})

    def _context(self) -> Mapping[str, Any]:
        world, there, result = self._world, state(self._world), self._result
        places = {"pagerduty-new", *(one.id for one in there.incidents), *(one.key for one in there.issues)}
        if result.place not in places:
            # It was done where there is no card, or none any more.
            result = replace(result, place="breaking")
        return {
            "status": f"{world.app_url}/status", "password": world.environ["STATUS_PASSWORD"],
            "there": there, "result": result, "on": self._switches.on, "every": self._schedule.every,
            "priority_options": [(one.id, one.name) for one in world.pagerduty.priorities.values()],
            "user_options": [(one.id, one.name) for one in world.pagerduty.users if one.email != BOT_EMAIL],
            "jira_priority_options": [(name, name) for name in world.jira.priorities],
            "jira_user_options": [("", "nobody"), *((name, one.name) for name, one in world.jira.users.items()
                                                    if one.email != BOT_EMAIL)],
        }


def _from_here() -> None:
    """Another site's page must not get at the sandbox through the browser of whoever has it open."""
    if urlsplit(request.host_url).hostname not in HOSTS:
        abort(403)
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin is not None and origin + "/" != request.host_url:
        abort(403)


def _with_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response
