"""The three-way merge of the fields that have a value on either side: title, priority and assignee. Pure.

PagerDuty's assignees are a set without an order; Jira's assignee stands for one of them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from jpi.domain.actions import Assignee, EditIncident, EditIssue
from jpi.domain.backlog import StepId, StepKind
from jpi.domain.events import MANUAL_SOURCE, Event, IncidentEvent, IncidentLogged, IssueUpdated
from jpi.domain.link import Link
from jpi.domain.link_parts import FieldName, Replica
from jpi.domain.model import Person, Side
from jpi.domain.policy import Policy, Winner
from jpi.domain.status_rules import is_own_acknowledgement
from jpi.domain.templates import to_summary, to_title

# A side was seen without a value, or its assignee is still to be carried over: any value that it shows is a change.
NO_VALUE = ""


@dataclass(frozen=True)
class FieldMerge:
    """The edits that make both sides equal; `conflicts`: by field that both sides changed, the side that stays."""

    edits: tuple[EditIssue | EditIncident, ...] = ()
    conflicts: Mapping[str, Side] = field(default_factory=dict)


def merge_fields(event: Event, link: Link, policy: Policy) -> FieldMerge:
    """Carry changed fields over; restore a person's edit that our own write had hidden."""
    merge = _merge_snapshot(event, link, policy)
    return _merge_read_incident(merge, event, link, policy) if isinstance(event, IssueUpdated) else merge


def _merge_snapshot(event: Event, link: Link, policy: Policy) -> FieldMerge:
    side, other = event.side, event.side.other
    values: dict[Side, dict[str, str | Assignee]] = {Side.JIRA: {}, Side.PAGERDUTY: {}}
    conflicts: dict[str, Side] = {}
    for name, value in get_snapshot_fields(event, link).items():
        rule = policy.field_policy(name)
        is_news = _has_changed(name, value, event, link) or _is_retry_due(name, event, link)
        if rule.direction == "off" or not is_news:
            continue
        is_hidden = event.observed_at < link.fields[name].on(side).last_write_at
        if is_hidden and _hides_human_edit(name, value, event, link):
            is_winner = _has_precedence(name, event, link, rule.winner)
            conflicts |= {name: side if is_winner else other} if rule.direction == "both" else {}
        else:
            is_winner = not is_hidden
        if not is_winner:
            continue
        translated = _translate_value(name, event, value, link, policy)
        if rule.is_synced_to(other) and translated is not None:
            values[other][name] = translated
        if is_hidden and rule.is_synced_to(side):
            values[side][name] = _to_assignee(value, event) if name == "assignee" else value
    at = event.at.timestamp()
    assignee_ids, replaced_id = _list_responders(event, link) if "assignee" in values[Side.PAGERDUTY] else ((), None)
    edits = (EditIssue(values[Side.JIRA], at), EditIncident(values[Side.PAGERDUTY], at, assignee_ids, replaced_id))
    return FieldMerge(tuple(edit for edit in edits if edit.values), conflicts)


def _merge_read_incident(merge: FieldMerge, event: IssueUpdated, link: Link, policy: Policy) -> FieldMerge:
    """Let a change on PagerDuty that no event had told of win over Jira's, if the team's rule says so."""
    edit = next((edit for edit in merge.edits if isinstance(edit, EditIncident)), None)
    if edit is None or event.incident is None:
        return merge
    read = IncidentLogged("", event.incident.changed_at, event.incident.incident)
    pagerduty_values = {name: value for name, value in get_snapshot_fields(read, link).items() if name in edit.values}
    equal = [name for name, value in pagerduty_values.items() if edit.values[name] == value or (
        name == "priority" and policy.is_same_priority(value, event.issue.priority or ""))]
    answers = _translate_unheard_values(pagerduty_values, read, observe_snapshot(event, link), policy)
    winner = {name: Side.JIRA if _is_winner(policy.field_policy(name).winner, Side.JIRA, event.at > read.at)
              else Side.PAGERDUTY for name in answers}
    lost = {name: answer for name, answer in answers.items() if winner[name] is Side.PAGERDUTY}
    kept = [replace(edit, values={name: value for name, value in edit.values.items() if name not in {*equal, *lost}})
            for edit in merge.edits]
    edits = (*kept, EditIssue(lost, read.at.timestamp()))
    return FieldMerge(tuple(edit for edit in edits if edit.values), {**merge.conflicts, **winner})


def _translate_unheard_values(pagerduty_values: Mapping[FieldName, str], read: IncidentLogged, link: Link,
                              policy: Policy) -> dict[str, str | Assignee]:
    """Return what Jira is to be set to, of the fields that PagerDuty shows with values that nothing had told of."""
    unheard = {name: value for name, value in pagerduty_values.items() if value != link.fields[name].pagerduty.value
               and policy.field_policy(name).direction == "both"}
    answers = {name: _translate_value(name, read, value, link, policy) for name, value in unheard.items()}
    return {name: answer for name, answer in answers.items() if answer is not None}


def record_own_write(action: EditIssue | EditIncident, link: Link, at: float) -> Link:
    """Return the link once jpi has set these values on that side, at this time of our own clock."""
    side = Side.JIRA if isinstance(action, EditIssue) else Side.PAGERDUTY
    for name, value in action.values.items():
        text = value.id if isinstance(value, Assignee) else value
        link = link.with_own_write(FieldName(name), side, text, at, action.changed_at)
    return link


def observe_snapshot(event: Event, link: Link, except_fields: Collection[FieldName] = ()) -> Link:
    """Return the link with the values that the event shows, but for what jpi has set since, and for those fields."""
    link = _observe_absent_values(event, link)
    for name, value in get_snapshot_fields(event, link).items():
        replica = link.fields[name].on(event.side)
        is_newer = event.observed_at >= replica.last_write_at
        if name not in except_fields and is_newer and replica.value != value:
            link = link.with_value(name, event.side, value, event.at.timestamp())
    responders = _observe_responders(event, link)
    return link if responders is None else replace(link, responders=responders)


def find_assignee(event: Event, link: Link) -> Person | None:
    """Return the assignee that the event shows; on PagerDuty the one for whom Jira's assignee stands."""
    if isinstance(event, IssueUpdated):
        return event.issue.assignee
    if not isinstance(event, IncidentEvent) or is_own_acknowledgement(event, link):
        return None
    replica = link.fields[FieldName.ASSIGNEE].pagerduty
    # A snapshot from before our write shows somebody whom jpi has set or replaced.
    is_hidden = event.observed_at < replica.last_write_at
    return choose_assignee(event.incident.assignees, link, replica.recent_values if is_hidden else ())


def choose_assignee(assignees: Sequence[Person], link: Link, recent_ids: Sequence[str] = ()) -> Person | None:
    """Return the assignee for whom Jira's stands: the one of before, else one of the recent, else who is new."""
    people = {person.id: person for person in assignees}
    known_id = link.fields[FieldName.ASSIGNEE].pagerduty.value
    new_ids = [person_id for person_id in people if person_id not in (link.responders or ())]
    return next((people[person_id] for person_id in (known_id, *recent_ids, *new_ids, *people)
                 if person_id in people), None)


def replace_assignee(assignee_ids: Sequence[str], replaced_id: str | None, new_id: str | None) -> tuple[str, ...]:
    """Return the assignees with a new one in another's place, if there is a new one; everybody else stays."""
    if new_id is None:
        return tuple(assignee_ids)
    ids = [new_id if assignee_id == replaced_id else assignee_id for assignee_id in assignee_ids]
    return tuple(dict.fromkeys([*ids, new_id]))


def _observe_absent_values(event: Event, link: Link) -> Link:
    """Return the link with the fields that the event shows to be empty, of those of which nothing is known yet."""
    is_whole = event.issue.category if isinstance(event, IssueUpdated) else (
        isinstance(event, IncidentEvent) and event.incident.status not in (None, "resolved"))
    fields = get_snapshot_fields(event, link)
    for name in (FieldName.PRIORITY, FieldName.ASSIGNEE) if is_whole else ():
        if name not in fields and link.fields[name].on(event.side).value is None:
            link = link.with_value(name, event.side, NO_VALUE, link.fields[name].changed_at)
    return link


def get_snapshot_fields(event: Event, link: Link) -> Mapping[FieldName, str]:
    """Return the fields that the snapshot shows, without empty ones, which are never carried over."""
    if event.snapshot is None:
        return {}
    title, priority, assignee = event.snapshot.title, event.snapshot.priority, find_assignee(event, link)
    values = {FieldName.TITLE: title, FieldName.PRIORITY: priority, FieldName.ASSIGNEE: assignee and assignee.id}
    return {name: value for name, value in values.items() if value}


def _list_responders(event: Event, link: Link) -> tuple[tuple[str, ...], str | None]:
    """Return the incident's assignees, and the one whose place a new one takes; nobody else is removed.

    A person's assignment on PagerDuty that is restored keeps all whom it names.
    """
    if isinstance(event, IncidentEvent):
        assignee = find_assignee(event, link)
        return tuple(person.id for person in event.incident.assignees if person != assignee), None
    incident = event.incident.incident if isinstance(event, IssueUpdated) and event.incident else None
    assignees = incident.assignees if incident else ()
    assignee, is_known = choose_assignee(assignees, link), bool(link.fields[FieldName.ASSIGNEE].pagerduty.value)
    # If Jira's assignee stood for none of several, its change replaces none of them.
    replaced_id = assignee.id if assignee and (is_known or len(assignees) == 1) else None
    return tuple(person.id for person in assignees), replaced_id


def _observe_responders(event: Event, link: Link) -> tuple[str, ...] | None:
    """Return the ids of all assignees that PagerDuty shows; None if none are to be seen, or jpi has set some since."""
    if not isinstance(event, IncidentEvent) or event.snapshot is None or is_own_acknowledgement(event, link):
        return None
    is_hidden = event.observed_at < link.fields[FieldName.ASSIGNEE].pagerduty.last_write_at
    # A resolved incident shows no assignee.
    if is_hidden or event.incident.status in (None, "resolved"):
        return None
    return tuple(sorted(person.id for person in event.incident.assignees))


def _has_changed(name: FieldName, value: str, event: Event, link: Link) -> bool:
    """Return True if the side had another value or none; where that is not known, if the event itself reports a change.

    Jira's assignee, seen for the first time while PagerDuty has nobody, is a change as well.
    """
    known_value = link.fields[name].on(event.side).value
    if known_value is not None:
        return value != known_value
    return name in event.changed or (name == "assignee" and event.side is Side.JIRA and link.responders == ())


def _is_retry_due(name: FieldName, event: Event, link: Link) -> bool:
    """Return True if setting the field on the other side was refused, and is to be tried again."""
    step = link.backlog.find_step(StepId(StepKind.FIELD, event.side.other, name))
    return step is not None and (event.observed_at >= step.next_try_at or event.source == MANUAL_SOURCE)


def _hides_human_edit(name: FieldName, value: str, event: Event, link: Link) -> bool:
    """Return True if the event carries a person's edit that our later write replaced, not an echo of that write."""
    replica = link.fields[name].on(event.side)
    if replica.is_echo(value, event.at.timestamp()):
        return False
    return name in event.changed or _has_unseen_edit(value, event, replica)


def _has_precedence(name: FieldName, event: Event, link: Link, winner: Winner) -> bool:
    """Return True if the edit beats our write: the newer one does, unless the team declared a winner."""
    return _is_winner(winner, event.side, event.at.timestamp() > link.fields[name].changed_at)


def _is_winner(winner: Winner, side: Side, is_newer: bool) -> bool:
    return is_newer if winner == "newer" else winner == side


def _has_unseen_edit(value: str, event: Event, replica: Replica) -> bool:
    """Return True if a read from before our write shows a value that we did not know when we wrote."""
    replaced_values = {write.replaced for write in replica.own_writes}
    if event.read_at is None or not replaced_values or None in replaced_values:
        return False
    return value not in replaced_values | {write.value for write in replica.own_writes}


def _translate_value(name: FieldName, event: Event, value: str, link: Link, policy: Policy) -> str | Assignee | None:
    """Return what the other side is to be set to; None where it has that, or nothing stands for the value there."""
    if name == "assignee":
        return _to_assignee(value, event)
    other_value = link.fields[name].on(event.side.other).value
    if event.side is Side.PAGERDUTY:
        if name == "title":
            return to_summary(value) if to_summary(value) != other_value else None
        is_same = other_value and policy.is_same_priority(value, other_value)
        return None if is_same else policy.to_jira_priority(value)
    if name == "title":
        return None if other_value is not None and to_summary(other_value) == value else to_title(value)
    return None if policy.is_same_priority(other_value, value) else policy.to_pagerduty_priority(value)


def _to_assignee(person_id: str, event: Event) -> Assignee:
    assignees = event.incident.assignees if isinstance(event, IncidentEvent) else (event.issue.assignee,)
    return Assignee(event.side, person_id, next((person.name for person in assignees
                                                 if person and person.id == person_id), ""))
