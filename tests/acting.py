"""What several tests do to the world, and look for in it."""

from jpi.handlers import log_entries
from sandbox.web import Fault

QUESTIONS = 3
WRITES = ("PUT", "POST", "DELETE")


def on_call(method, path, status=0, after=False, times=1, **headers):
    """A fault for the first so many calls to this path."""
    left = [times]

    def fault(call):
        if call.method == method and call.path.endswith(path) and left[0]:
            left[0] -= 1
            return Fault(status, after, headers)
        return None

    return fault


def whole(world):
    [issue] = world.issues()
    return [len(world.linked(issue, kind)) for kind in ("Question", "Stakeholder", "Incident Manager")]


def apply(world, event):
    world.jpi.budget.start(25.0)
    return world.jpi.engine.apply(event)


def poll(world):
    """A minute later, the schedule's turn."""
    world.clock.advance(60)
    log_entries.handler({}, None)
    world.settle()


def edit(world, issue, **fields):
    """Jim edits the issue."""
    world.jim("PUT", f"/rest/api/3/issue/{issue.key}", {"fields": fields})


def writes(world):
    """What jpi wrote, but for the timeline."""
    made = [call for call in world.calls()
            if call.method in WRITES and not call.path.endswith(("search/jql", "comment/list"))]
    return [f"{call.method} {call.path}" for call in made if "bulk" not in call.path]


def quiet(world):
    """Whether nothing more is written, however often both sides are read."""
    before = writes(world)
    for _ in range(2):
        poll(world)
    return writes(world) == before
