"""What several tests do to the world, and look for in it."""

from jpi.handlers import log_entries
from sandbox.simulated_service import HttpFault

QUESTIONS = 3
WRITE_METHODS = ("PUT", "POST", "DELETE")


def make_fault_on_call(method, path, status=0, after=False, times=1, **headers):
    """A fault for the first so many calls to this path."""
    left = [times]

    def fault(call):
        if call.method == method and call.path.endswith(path) and left[0]:
            left[0] -= 1
            return HttpFault(status, after, headers)
        return None

    return fault


def count_created_parts(world):
    [issue] = world.list_issues()
    return [len(world.list_linked_summaries(issue, kind)) for kind in ("Question", "Stakeholder", "Incident Manager")]


def apply_event(world, event):
    world.jpi.budget.start(25.0)
    return str(world.jpi.sync_service.apply(event))


def run_poll(world):
    """A minute later, the schedule's turn."""
    world.clock.advance(60)
    log_entries.handler({}, None)
    world.run_until_idle()


def edit_issue(world, issue, **fields):
    """Jim edits the issue."""
    world.jim.request("PUT", f"/rest/api/3/issue/{issue.key}", {"fields": fields})


def list_writes(world):
    """What jpi wrote, but for the timeline."""
    made = [call for call in world.list_jpi_calls()
            if call.method in WRITE_METHODS and not call.path.endswith(("search/jql", "comment/list"))]
    return [f"{call.method} {call.path}" for call in made if "bulk" not in call.path]


def is_idle_after_polls(world):
    """Whether nothing more is written, however often both sides are read."""
    before = list_writes(world)
    for _ in range(2):
        run_poll(world)
    return list_writes(world) == before
