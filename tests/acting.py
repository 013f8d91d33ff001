"""What several tests do to the world, and look for in it."""

from sandbox.web import Fault

QUESTIONS = 3


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
