"""The rights of jpi's two tokens, each with the calls that a service refuses without it, and how it refuses them."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from sandbox.seed import JIRA_BOT_TOKEN, PAGERDUTY_KEY
from sandbox.simulated_service import HttpFault

NO_PERMISSION = {"errorMessages": ["You do not have permission to do this."], "errors": {}}
NO_PROJECT = {"errorMessages": [], "errors": {"project": "Specify a valid project ID or key"}}
ACCESS_DENIED = {"error": {"message": "Access Denied", "code": 2010, "errors": []}}


def make_off_screen(name):
    """Return how Jira refuses a field that the account may not set: as one that the screen does not have."""
    text = f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
    return {"errorMessages": [], "errors": {name: text}}


@dataclass(frozen=True)
class Refused:
    """Calls that are refused: by method, path, and a text in the body; with this answer."""

    method: str
    path: str
    status: int
    answer: Any = field(default_factory=lambda: NO_PERMISSION)
    text: str = ""

    def fits(self, call):
        return (call.method in self.method.split() and re.search(self.path, call.path) is not None
                and self.text in call.raw_body.decode())


@dataclass(frozen=True)
class Right:
    """A right of a token: what is refused without it, and what is answered emptily."""

    side: str
    name: str
    refused: tuple[Refused, ...] = ()
    emptied: str = ""

    def take_away(self, world):
        server = world.jira_server if self.side == "jira" else world.pagerduty_server

        def choose_fault(call):
            refused = next((refused for refused in self.refused if is_jpis(call) and refused.fits(call)), None)
            return HttpFault(refused.status, body=json.dumps(refused.answer)) if refused else None

        def change_body(call, body):
            if not is_jpis(call):
                return body
            if call.path.endswith("/mypermissions"):
                return deny_permission(body, self.name)
            return EMPTY[self.emptied] if self.emptied and call.path.endswith(self.emptied) else body

        server.choose_fault, server.change_body = choose_fault, change_body


EMPTY = {"/transitions": b'{"expand": "transitions", "transitions": []}', "/user/search": b"[]"}


def is_jpis(call):
    """True if jpi makes the call, and not one of the people."""
    return call.token in (JIRA_BOT_TOKEN, PAGERDUTY_KEY)


def deny_permission(body, name):
    answer = json.loads(body)
    for key, permission in answer["permissions"].items():
        permission["havePermission"] &= key != name
    return json.dumps(answer).encode()


ISSUE, COMMENTS, INCIDENTS = r"/issue/[^/]+$", r"/issue/[^/]+/comment", r"^/(incidents|log_entries)"
JIRA_RIGHTS = (
    Right("jira", "BROWSE_PROJECTS", (
        Refused("GET PUT POST DELETE", r"/issue/(?!bulk|createmeta)[^/]+", 404),
        Refused("POST", r"/issue(/bulk)?$", 400, NO_PROJECT))),
    Right("jira", "CREATE_ISSUES", (Refused("POST", r"/issue(/bulk)?$", 403),)),
    Right("jira", "EDIT_ISSUES", (Refused("PUT", ISSUE, 403),)),
    Right("jira", "TRANSITION_ISSUES", (Refused("POST", "/transitions$", 400),), "/transitions"),
    Right("jira", "ASSIGN_ISSUES", (Refused("PUT", "/assignee$", 403),
                                    Refused("PUT POST", "/issue", 400, make_off_screen("assignee"), '"assignee"'))),
    Right("jira", "LINK_ISSUES", (Refused("POST", "/issueLink$", 404), Refused(
        "PUT POST", "/issue", 400, make_off_screen("issuelinks"), '"issuelinks"'))),
    Right("jira", "ADD_COMMENTS", (Refused("POST", f"{COMMENTS}$", 403),)),
    Right("jira", "EDIT_OWN_COMMENTS", (Refused("PUT", f"{COMMENTS}/", 403),)),
    Right("jira", "DELETE_OWN_COMMENTS", (Refused("DELETE", f"{COMMENTS}/", 403),)),
    Right("jira", "USER_PICKER", (), "/user/search"),
)
PAGERDUTY_RIGHTS = (
    Right("pagerduty", "incidents.read", (Refused("GET", INCIDENTS, 403, ACCESS_DENIED),)),
    Right("pagerduty", "incidents.write", (Refused("POST PUT DELETE", INCIDENTS, 403, ACCESS_DENIED),)),
    Right("pagerduty", "priorities.read", (Refused("GET", "^/priorities", 403, ACCESS_DENIED),)),
    Right("pagerduty", "services.read", (Refused("GET", "^/services", 403, ACCESS_DENIED),)),
    Right("pagerduty", "users.read", (Refused("GET", "^/users", 403, ACCESS_DENIED),)),
    Right("pagerduty", "webhook_subscriptions.read", (Refused("GET", "^/webhook_subscriptions", 403, ACCESS_DENIED),)),
    Right("pagerduty", "webhook_subscriptions.write", (
        Refused("POST PUT DELETE", "^/webhook_subscriptions", 403, ACCESS_DENIED),)),
)
RIGHTS = (*JIRA_RIGHTS, *PAGERDUTY_RIGHTS)
