"""The state of a link, and what a list shows of it. Pure."""

from dataclasses import dataclass
from typing import Literal

from jpi.domain.descriptions import describe_pause
from jpi.domain.link import Link
from jpi.domain.synced_field import FieldName
from jpi.domain.text_limits import cut_text

LinkState = Literal["failing", "open", "resolved", "none", "ended"]
# In the order in which they matter.
LINK_STATES: tuple[LinkState, ...] = ("failing", "open", "none", "resolved", "ended")
TITLE_MAX_CHARACTERS, REASON_MAX_CHARACTERS = 200, 300


@dataclass(frozen=True)
class LinkCard:
    """What a list shows of a link. `pagerduty`, `jira`: the status of each side, in PagerDuty's words.

    `equal_at`, `equal_by`: when which type of event last made both sides equal; `trouble`: why the link fails.
    """

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
class LinkListItem:
    """A link in a list; `position` sorts it there."""

    incident_id: str
    state: str
    position: str
    card: LinkCard


def to_list_item(link: Link) -> LinkListItem:
    """Return a link as a list of one has it."""
    return LinkListItem(link.incident_id, link_state(link), "", to_card(link))


def link_state(link: Link) -> LinkState:
    """Return the state of a link; `none`: it has no issue."""
    if link.failures or link.write_log.pause:
        return "failing"
    if link.ended:
        return "ended"
    if not link.issue_key:
        return "none"
    return "resolved" if link.status.agreed == "resolved" else "open"


def to_card(link: Link) -> LinkCard:
    """Return what a list shows of a link."""
    summary, pause = link.summary, link.write_log.pause
    reasons = [*(failure.reason for failure in link.failures.values()), *([describe_pause(pause)] if pause else [])]
    return LinkCard(
        title=cut_text(link.fields[FieldName.TITLE].pagerduty.value or summary.title or "", TITLE_MAX_CHARACTERS),
        url=summary.url or "",
        priority=link.fields[FieldName.PRIORITY].pagerduty.value or summary.priority or "",
        pagerduty=link.status.agreed or summary.status or "",
        # A new issue stands where both sides agreed until it is seen.
        jira=(link.status.on_jira or link.status.agreed or "") if link.issue_key else "",
        issue=link.issue_key or (link.incident_id if link.is_opening else ""),
        equal_at=summary.in_step_at or 0.0,
        equal_by=summary.in_step_event_type or "",
        trouble=cut_text(reasons[-1], REASON_MAX_CHARACTERS) if reasons else "",
    )
