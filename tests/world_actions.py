"""What several tests do to the world, and read from it."""

from jpi.handlers import log_entries
from sandbox.simulated_service import HttpFault

QUESTIONS = 3


def make_fault_on_call(method, path, status=0, after=False, times=1, **headers):
    """Make a fault for the first so many calls to this path."""
    left = [times]

    def choose_fault(call):
        if call.method == method and call.path.endswith(path) and left[0]:
            left[0] -= 1
            return HttpFault(status, after, headers)
        return None

    return choose_fault


def count_created_parts(world):
    [issue] = world.list_issues()
    return [len(world.list_linked_summaries(issue, kind)) for kind in ("Question", "Stakeholder", "Incident Manager")]


def apply_event(world, event):
    world.jpi.budget.start(25.0)
    return str(world.jpi.sync_service.apply(event))


def run_poll(world):
    """Advance the clock by a minute, poll, and wait for all that follows."""
    world.clock.advance(60)
    log_entries.handler({}, None)
    world.run_until_idle()


def poll_quietly(world):
    """Poll as the schedule does: a poll that fails is logged."""
    world.clock.advance(60)
    try:
        log_entries.handler({}, None)
    except Exception as error:
        print("the poll failed:", error)
    world.run_until_idle()


def poll_sparsely(world, minutes, poll=run_poll):
    """Let so many minutes go by: poll each minute at first, then every five, so that pauses of any length end."""
    for minute in range(1, minutes + 1):
        if minute <= 5 or minute % 5 == 0:
            poll(world)
        else:
            world.clock.advance(60)


def run_second_look(world):
    """Poll until what a side no longer shows was looked for twice, and the link has ended."""
    for _ in range(4):
        run_poll(world)


def edit_issue(world, issue, **fields):
    """Edit the issue as Jim."""
    world.jim.request("PUT", f"/rest/api/3/issue/{issue.key}", {"fields": fields})


def list_writes(world):
    """Return jpi's writes, without those to the timeline."""
    return [f"{call.method} {call.path}" for call in world.list_jpi_calls() if call.is_write
            and "bulk" not in call.path]


def is_idle_after_polls(world):
    """True if further polls write nothing."""
    before = list_writes(world)
    for _ in range(2):
        run_poll(world)
    return list_writes(world) == before
