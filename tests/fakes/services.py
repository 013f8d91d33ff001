"""What the fakes of both services share: their people, the events in flight, and the parts that are empty."""

from dataclasses import dataclass

from jpi.domain.model import IncidentNotes, IssueComments, Person
from sandbox.clock import Clock
from tests.fakes.faults import BreakingCalls

RITA, PAGERDUTY_BOT = Person("PRITA", "Rita"), Person("PBOT", "jpi")
JIM, JIRA_BOT = Person("JIM", "Jim"), Person("bot", "jpi")
# Keeps two changes from having the same time.
CHANGE_SECONDS = 0.01


@dataclass
class FakeService:
    """A service; `in_flight`: its webhooks that have not arrived yet, as events."""

    clock: Clock
    calls: BreakingCalls
    in_flight: list
    writes: int = 0


class NoComments:
    """The comments of issues: there are none."""

    def list_for_issues(self, ids):
        """Return the comments of several issues: none."""
        return IssueComments({})


class NoNotes:
    """The notes of incidents: there are none."""

    def list_for_incident(self, incident_id):
        """Return an incident's notes: none."""
        return IncidentNotes()


class WholeScreens:
    """Create screens that have every field."""

    def load(self, project, issue_type):
        """Do nothing: no field is missing."""

    def get_known_fields(self, project, issue_type):
        """Return the fields that are kept in step."""
        return ["priority", "assignee"]
