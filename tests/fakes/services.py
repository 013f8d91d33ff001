"""What the fakes of both services share: their people, what they tell jpi of, and the parts that are empty."""

from dataclasses import dataclass

from jpi.domain.model import Person
from sandbox.clock import Clock
from tests.fakes.faults import BreakingCalls

RITA, PAGERDUTY_BOT = Person("PRITA", "Rita"), Person("PBOT", "jpi")
JIM, JIRA_BOT = Person("JIM", "Jim"), Person("bot", "jpi")
# So that no two changes have the same time.
CHANGE_SECONDS = 0.01


@dataclass
class FakeService:
    """A service; `under_way`: the webhooks that it sent and that did not arrive yet, as events."""

    clock: Clock
    calls: BreakingCalls
    in_flight: list
    writes: int = 0


class NoComments:
    """The comments of issues, of which nobody made any."""

    def list_for_issues(self, ids):
        """Return the comments of several issues: none."""
        return {}


class NoNotes:
    """The notes of incidents, of which nobody made any."""

    def list_for_incident(self, incident_id):
        """Return an incident's notes: none."""
        return []


class WholeScreens:
    """Create screens that have every field."""

    def load(self, project, issue_type):
        """Learn nothing, since nothing is lacking."""
