"""What must hold at the end of a history, once it was quiet and jpi has polled twice."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from jpi.domain.link import ISSUE_KEY_PATTERN
from jpi.domain.model import CATEGORY_BY_STATUS
from jpi.domain.policy import Policy
from jpi.domain.templates import to_summary
from sandbox.jira.model import Issue
from sandbox.pagerduty.model import Incident
from sandbox.world import World

NOTE_HEADING = " on PagerDuty, "
NOTE_PREFIX = "[Jira] "
COMMENT_ADDRESS = "?focusedCommentId="
POLICY = Policy()


@dataclass(frozen=True)
class FieldView:
    """A field as both sides show it, in Jira's words. `pagerduty`: the values that Jira's may have."""

    pagerduty: frozenset[str]
    jira: str | None

    @property
    def is_agreed(self) -> bool:
        """True if both sides have the same value, or PagerDuty has none, which is never carried over."""
        return not self.pagerduty or self.jira in self.pagerduty


def view_fields(world: World, incident: Incident, issue: Issue | None) -> dict[str, FieldView]:
    """Return each field that is kept in step, as both sides show it now."""
    priority = POLICY.to_jira_priority(incident.priority.name) if incident.priority else None
    pagerduty = {"status": frozenset([CATEGORY_BY_STATUS[incident.status]]),
                 "title": frozenset([to_summary(incident.title)]),
                 "priority": frozenset([priority] if priority else []),
                 "assignee": _list_names(world, incident)}
    jira = {"status": issue.category, "title": issue.summary, "priority": issue.priority,
            "assignee": world.jira.users[issue.assignee].name if issue.assignee else None} if issue else {}
    return {name: FieldView(values, jira.get(name)) for name, values in pagerduty.items()}


def _list_names(world: World, incident: Incident) -> frozenset[str]:
    """Return the names of the assignees; none where it shows none, or jpi's own, by acknowledging."""
    if incident.status == "resolved" or world.pagerduty_bot in incident.assignees:
        return frozenset()
    return frozenset(user.name for user in incident.assignees)


@dataclass
class Expectations:
    """What people last set, by incident and field, since both sides agreed: one of these values must stay."""

    candidates: dict[tuple[str, str], dict[str, frozenset[str]]] = field(default_factory=dict)
    put_back_ids: set[str] = field(default_factory=set)
    changed_texts: set[str] = field(default_factory=set)

    def note_changes(self, incident: Incident, before: Mapping[str, FieldView], after: Mapping[str, FieldView],
                     is_disturbed: bool) -> None:
        """Note what a person changed, by what both sides showed before and after.

        `is_disturbed`: jpi may not know yet what it wrote itself, so that what looks agreed is not.
        """
        if before["status"].jira != after["status"].jira == "new":
            self.put_back_ids.add(incident.id)
        for name, view in after.items():
            is_new_start = before[name].jira in before[name].pagerduty and not is_disturbed
            values = {} if is_new_start else dict(self.candidates.get((incident.id, name), {}))
            if not is_new_start and "pagerduty" not in values:
                # Whoever triggered it set its first values.
                values["pagerduty"] = before[name].pagerduty
            if view.pagerduty != before[name].pagerduty:
                values["pagerduty"] = view.pagerduty
            if view.jira != before[name].jira:
                values["jira"] = frozenset([view.jira] if view.jira else [])
            if view != before[name]:
                self.candidates[incident.id, name] = values

    def list_allowed_values(self, incident: Incident, name: str) -> frozenset[str]:
        """Return the values that may stay; empty where nobody changed the field."""
        return frozenset(value for values in self.candidates.get((incident.id, name), {}).values() for value in values)


def find_failures(world: World, expectations: Expectations, has_parts: bool) -> list[str]:
    """Return what does not hold, each by its kind and what it is about."""
    incidents = list(world.pagerduty.incidents.values())
    shared = [f"issues: {issue.key} has {count} incidents" for issue in world.jira.issues.values()
              if not issue.deleted and (count := sum(is_issue_of(issue, incident) for incident in incidents)) > 1]
    return [*shared, *(failure for incident in incidents
                       for failure in _find_incident_failures(world, incident, expectations, has_parts))]


def list_issues(world: World, incident: Incident) -> list[Issue]:
    """Return the issues that jpi made for the incident, or took for it."""
    return [issue for issue in world.jira.issues.values() if not issue.deleted and is_issue_of(issue, incident)]


def is_issue_of(issue: Issue, incident: Incident) -> bool:
    """True if it is the issue that the incident was made for, or that was made for it."""
    return issue.type == "Incident" and f"pagerduty-{incident.id}" in issue.labels


def was_issue_deleted(world: World, incident: Incident) -> bool:
    """True if a person deleted the incident's issue."""
    return any(issue.deleted and is_issue_of(issue, incident) for issue in world.jira.issues.values())


def needs_issue(incident: Incident) -> bool:
    """True if the incident once had a priority that qualifies."""
    if ISSUE_KEY_PATTERN.match(incident.key):
        return True
    names = {(entry.channel.get("new_priority") or {}).get("summary") for entry in incident.log}
    return bool(incident.priority and incident.priority.name == "P1") or "P1" in names


def _find_incident_failures(world: World, incident: Incident, expectations: Expectations,
                            has_parts: bool) -> list[str]:
    issues = list_issues(world, incident)
    if was_issue_deleted(world, incident):
        return [f"issues: {len(issues)} more of {incident.title}"] if issues else []
    if len(issues) != needs_issue(incident):
        return [f"issues: {len(issues)} of {incident.title}"]
    if not issues:
        return []
    checks: list[Callable[[], Iterable[str]]] = [
        lambda: _find_field_failures(world, incident, issues[0], expectations),
        lambda: _find_conversation_failures(world, incident, issues[0], expectations.changed_texts),
        lambda: _find_part_failures(world, incident, issues[0]) if has_parts else []]
    return [f"{failure} of {incident.title}" for check in checks for failure in check()]


def _find_field_failures(world: World, incident: Incident, issue: Issue, expectations: Expectations) -> Iterable[str]:
    for name, view in view_fields(world, incident, issue).items():
        allowed = expectations.list_allowed_values(incident, name)
        if name == "assignee" and incident.reopened and allowed:
            # PagerDuty assigns whoever is on call.
            allowed |= {incident.service.on_call.name}
        if name == "status" and _is_put_back(incident, issue, expectations):
            continue
        if not view.is_agreed:
            yield f"{name}: {sorted(view.pagerduty)} on PagerDuty, {view.jira} on Jira"
        elif allowed and view.pagerduty and view.jira not in allowed:
            yield f"{name} lost: {view.jira}, not one of {sorted(allowed)}"


def _is_put_back(incident: Incident, issue: Issue, expectations: Expectations) -> bool:
    """True if a person put work back: PagerDuty's API cannot take back an acknowledgement, so only Jira shows that."""
    return (incident.status, issue.category) == ("acknowledged", "new") and incident.id in expectations.put_back_ids


def _find_conversation_failures(world: World, incident: Incident, issue: Issue,
                                changed_texts: set[str]) -> Iterable[str]:
    notes = Counter(note.content for note in incident.notes if not note.content.startswith(NOTE_PREFIX))
    note_copies = Counter(comment.text.partition("\n")[2] for comment in issue.comments if NOTE_HEADING in comment.text)
    comments = Counter(comment.text for comment in issue.comments if comment.author == world.jim_id)
    comment_copies = Counter(note.content.partition(": ")[2].rpartition("\n")[0] for note in incident.notes
                             if COMMENT_ADDRESS in note.content)
    for kind, originals, copies in (("notes", notes, note_copies), ("comments", comments, comment_copies)):
        lost, doubled = originals - copies, copies - originals
        for text in changed_texts:
            lost.pop(text, None)
            doubled[text] -= 1
        if lost or +doubled:
            yield f"{kind}: lost {dict(lost)}, doubled {dict(+doubled)}"


def _find_part_failures(world: World, incident: Incident, issue: Issue) -> Iterable[str]:
    entries = Counter(entry.summary for entry in incident.log)
    timeline = Counter(world.list_linked_summaries(issue, "Timeline"))
    if entries != timeline:
        yield f"timeline: lost {dict(entries - timeline)}, doubled {dict(timeline - entries)}"
    counts = tuple(len(world.list_linked_summaries(issue, kind)) for kind in ("Question", "Stakeholder"))
    if counts != ((0, 0) if ISSUE_KEY_PATTERN.match(incident.key) else (3, 2)):
        yield f"parts: {counts[0]} questions, {counts[1]} stakeholders"
