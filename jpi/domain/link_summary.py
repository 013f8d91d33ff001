"""What a list shows of a link, and where the list has it. Pure."""

from dataclasses import dataclass
from typing import Literal

from jpi.domain.field_merge import known
from jpi.domain.link import Link
from jpi.domain.text_limits import cut

State = Literal["failing", "open", "resolved", "none", "ended"]
# In the order in which they matter.
STATES: tuple[State, ...] = ("failing", "open", "none", "resolved", "ended")
TITLE_LIMIT, REASON_LIMIT = 200, 300


@dataclass(frozen=True)
class Card:
    """A link in short. `pagerduty`, `jira`: the status on each side, in PagerDuty's words; `trouble`: why it fails."""

    title: str = ""
    url: str = ""
    priority: str = ""
    pagerduty: str = ""
    jira: str = ""
    issue: str = ""
    equal_at: float = 0.0
    equal_by: str = ""
    trouble: str = ""


@dataclass(frozen=True)
class Listed:
    """A link as the list has it; `place` is where in the list it stands."""

    incident_id: str
    state: str
    place: str
    card: Card


def listed(link: Link) -> Listed:
    """A link by itself, as the list has it."""
    return Listed(link.incident_id, state(link), "", card(link))


def state(link: Link) -> State:
    """What a link is to whoever is on call; `none`: it has no issue."""
    if link.failed:
        return "failing"
    if link.ended:
        return "ended"
    if not link.issue_key:
        return "none"
    return "resolved" if link.agreed.get("status") == "resolved" else "open"


def card(link: Link) -> Card:
    """The link in short."""
    about, failed = link.about, list(link.failed.values())
    return Card(
        title=cut(known(link, "pagerduty", "title") or about.get("title") or "", TITLE_LIMIT),
        url=about.get("url") or "",
        priority=known(link, "pagerduty", "priority") or about.get("priority") or "",
        pagerduty=link.agreed.get("status") or about.get("status") or "",
        # A new issue stands where both sides agreed until it is seen.
        jira=(link.issue_status or link.agreed.get("status") or "") if link.issue_key else "",
        issue=link.issue_key or "",
        equal_at=about.get("equal_at", 0.0),
        equal_by=about.get("equal_type", ""),
        trouble=cut(failed[-1]["reason"], REASON_LIMIT) if failed else "",
    )
