"""What a list shows of a link, and where the list has it. Pure."""

from dataclasses import dataclass
from typing import Literal

from jpi.domain.field_merge import get_known_value
from jpi.domain.link import Link
from jpi.domain.model import Side
from jpi.domain.text_limits import cut_text

LinkState = Literal["failing", "open", "resolved", "none", "ended"]
# In the order in which they matter.
LINK_STATES: tuple[LinkState, ...] = ("failing", "open", "none", "resolved", "ended")
TITLE_MAX_CHARACTERS, REASON_MAX_CHARACTERS = 200, 300


@dataclass(frozen=True)
class LinkCard:
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
class LinkListItem:
    """A link as the list has it; `place` is where in the list it stands."""

    incident_id: str
    state: str
    position: str
    card: LinkCard


def to_list_item(link: Link) -> LinkListItem:
    """A link by itself, as the list has it."""
    return LinkListItem(link.incident_id, link_state(link), "", to_card(link))


def link_state(link: Link) -> LinkState:
    """What a link is to whoever is on call; `none`: it has no issue."""
    if link.failures:
        return "failing"
    if link.ended:
        return "ended"
    if not link.issue_key:
        return "none"
    return "resolved" if link.status.agreed == "resolved" else "open"


def to_card(link: Link) -> LinkCard:
    """The link in short."""
    about, failed = link.summary, list(link.failures.values())
    return LinkCard(
        title=cut_text(get_known_value(link, Side.PAGERDUTY, "title") or about.get("title") or "",
                       TITLE_MAX_CHARACTERS),
        url=about.get("url") or "",
        priority=get_known_value(link, Side.PAGERDUTY, "priority") or about.get("priority") or "",
        pagerduty=link.status.agreed or about.get("status") or "",
        # A new issue stands where both sides agreed until it is seen.
        jira=(link.status.on_jira or link.status.agreed or "") if link.issue_key else "",
        issue=link.issue_key or "",
        equal_at=about.get("equal_at", 0.0),
        equal_by=about.get("equal_type", ""),
        trouble=cut_text(failed[-1].reason, REASON_MAX_CHARACTERS) if failed else "",
    )
