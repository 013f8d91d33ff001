"""The state of a link, and what a list shows of it. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from jpi.domain.backlog import describe_step
from jpi.domain.descriptions import describe_pause
from jpi.domain.field_merge import NO_VALUE
from jpi.domain.link import Link
from jpi.domain.link_parts import FieldName
from jpi.domain.model import Side
from jpi.domain.policy import Policy
from jpi.domain.templates import cut_text, to_summary

LinkState = Literal["failing", "open", "resolved", "none", "ended"]
# In the order in which they matter.
LINK_STATES: tuple[LinkState, ...] = ("failing", "open", "none", "resolved", "ended")
# In place of the status of an incident or issue that was deleted or that jpi cannot see.
GONE = "gone"
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
    is_refused = bool(link.backlog.refused_steps) and not link.ended
    if link.failures or link.write_log.pause or is_refused:
        return "failing"
    if link.ended:
        return "ended"
    if not link.issue_key:
        return "none"
    return "resolved" if link.status.agreed == "resolved" else "open"


def to_card(link: Link) -> LinkCard:
    """Return what a list shows of a link."""
    summary = link.summary
    return LinkCard(
        title=cut_text(link.fields[FieldName.TITLE].pagerduty.value or summary.title or "", TITLE_MAX_CHARACTERS),
        url=summary.url or "", issue=link.issue_key or (link.incident_id if link.is_opening else ""),
        priority=link.fields[FieldName.PRIORITY].pagerduty.value or summary.priority or "",
        pagerduty=GONE if has_lost(link, Side.PAGERDUTY) else link.status.agreed or summary.status or "",
        jira=GONE if has_lost(link, Side.JIRA) else _get_issue_status(link),
        equal_at=summary.in_step_at or 0.0, equal_by=summary.in_step_event_type or "",
        trouble=cut_text(_get_trouble(link), REASON_MAX_CHARACTERS))


def has_lost(link: Link, side: Side) -> bool:
    """True if the link has ended because this side no longer shows its incident or issue."""
    return link.ended and side in link.missing_since


def _get_issue_status(link: Link) -> str:
    # A new issue stands where both sides agreed until it is seen.
    return (link.status.on_jira or link.status.agreed or "") if link.issue_key else ""


def _get_trouble(link: Link) -> str:
    """Return why the link fails: why it is paused, else its newest failure, else what was refused last."""
    if link.write_log.pause:
        return describe_pause(link.write_log.pause)
    reasons = [*(f"{describe_step(step.id)}: {step.reason}" for step in link.backlog.refused_steps),
               *(failure.reason for failure in link.failures.values())]
    return reasons[-1] if reasons else ""


def list_differences(link: Link, policy: Policy, find_account_id: Callable[[str], str | None]) -> list[str]:
    """Return the synced fields that differ between both sides, as far as both are known, and were not refused.

    `find_account_id` returns the Jira account of a PagerDuty user, None where that is not known.
    """
    title, priority = link.fields[FieldName.TITLE], link.fields[FieldName.PRIORITY]
    differs = {
        "status": link.status.on_jira not in (None, link.status.agreed),
        "title": bool(title.pagerduty.value and title.jira.value) and (
            to_summary(title.pagerduty.value) != to_summary(title.jira.value)),
        "priority": bool(priority.pagerduty.value and priority.jira.value) and (
            not policy.is_same_priority(priority.pagerduty.value, str(priority.jira.value))),
        "assignee": _has_other_assignee(link, find_account_id)}
    return [name for name, is_different in differs.items() if is_different and policy.field_policy(name).direction
            == "both"]


def _has_other_assignee(link: Link, find_account_id: Callable[[str], str | None]) -> bool:
    """Return True if Jira's assignee is none of PagerDuty's, and jpi has set neither since the last change."""
    field = link.fields[FieldName.ASSIGNEE]
    was_set = max(field.jira.last_write_at, field.pagerduty.last_write_at) >= field.changed_at > 0
    if not link.responders or field.jira.value is None or (was_set and field.jira.value):
        return False
    return field.jira.value == NO_VALUE or field.jira.value not in map(find_account_id, link.responders)
