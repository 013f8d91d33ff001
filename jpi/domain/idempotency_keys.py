"""Names of work that must happen once, one function a key. They are stored, so their texts never change. Pure.

Notes and comments are named by `SourceId.idempotency_key`, log entries by their own ids.
"""

from jpi.domain.model import Category


def build_incident_issue_key(incident_id: str) -> str:
    """Name the creation of an incident's issue."""
    return f"incident:{incident_id}"


def build_question_key(incident_id: str, number: int) -> str:
    """Name the creation of an incident's question."""
    return f"{incident_id}:question:{number}"


def build_opened_key(incident_id: str) -> str:
    """Name the comment that an incident was opened for the issue."""
    return f"opened:{incident_id}"


def build_merged_key(incident_id: str) -> str:
    """Name the comment that the incident was merged into another one."""
    return f"merged:{incident_id}"


def build_no_transition_key(incident_id: str, from_category: Category, to_category: Category) -> str:
    """Name the comment that the issue's workflow does not allow a move."""
    return f"no-way:{incident_id}:{from_category}:{to_category}"


def build_unknown_assignee_key(incident_id: str, person_id: str) -> str:
    """Name the comment that nobody on the other side is this assignee."""
    return f"nobody:{incident_id}:{person_id}"


def build_ended_key(link_version: int | None, issue_key: str | None) -> str:
    """Name the note or comment that a link has ended."""
    return f"ended:{link_version}:{issue_key}"
