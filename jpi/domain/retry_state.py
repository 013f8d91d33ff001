"""What a link could not apply yet: failed events, and refused steps; when and how they are tried again. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from jpi.domain.actions import (
    DELETION,
    LOG_READ,
    Action,
    AddComment,
    AddTimeline,
    EditIncident,
    EditIssue,
    EditNote,
    ReplaceManager,
    SetIncidentStatus,
    list_steps,
)
from jpi.domain.backlog import Part, RefusedStep, StepId, StepKind, describe_refusal, get_pause_seconds, get_source
from jpi.domain.events import MANUAL_SOURCE, Event, IncidentEvent, IncidentLogged, IssueUpdated
from jpi.domain.field_merge import find_assignee, get_snapshot_fields
from jpi.domain.link import Failure, Link
from jpi.domain.link_parts import FieldName
from jpi.domain.model import Side, SourceId, SourceKind
from jpi.domain.status_rules import find_incident_status, is_stale
from jpi.errors import JpiError, LostRace, PermanentError, Refused, TooEarly

# The newest so many are kept, so that a link never outgrows its row.
MAX_FAILURES = 10
REASON_MAX_CHARACTERS = 500
POLL_ID_PREFIXES = ("log:", "read:", "gone:")


def needs_recording(error: JpiError) -> bool:
    """True if something is wrong; losing a race to another worker is not."""
    return not isinstance(error, LostRace | TooEarly)


def with_failure(link: Link, event: Event, error: JpiError, now: float) -> Link:
    """Return the link with this failure as its newest."""
    others = [(event_id, failure) for event_id, failure in link.failures.items() if event_id != event.id]
    attempts = link.failures[event.id].attempts + 1 if event.id in link.failures else 1
    newest = Failure(event.side, str(error)[:REASON_MAX_CHARACTERS], now, isinstance(error, PermanentError),
                     attempts)
    return replace(link, failures=dict([*others, (event.id, newest)][-MAX_FAILURES:]))


def without_failure(link: Link, event: Event) -> Link:
    """Return the link once `event` was applied; an event with all of its side ends also other failures of that side.

    Those are the permanent ones, and those of the poll, which gives what it reads a new id each time.
    """
    brings_all = isinstance(event, IssueUpdated) or (isinstance(event, IncidentLogged) and event.whole)
    return replace(link, failures={
        event_id: failure for event_id, failure in link.failures.items()
        if event_id != event.id and not (brings_all and failure.side is event.side
                                         and (failure.permanent or event_id.startswith(POLL_ID_PREFIXES)))})


def retry_is_due(link: Link, now: float) -> bool:
    """True if the poll should retry the link: no lease is held, it is not paused, and the last failure is old enough.

    The attempts of all failed events count together.
    """
    if link.write_log.is_paused(now) or any(until > now for until in link.leases.values()):
        return False
    attempts = sum(failure.attempts for failure in link.failures.values())
    return not attempts or now >= _get_last_failure_at(link) + get_pause_seconds(attempts)


def needs_whole_log_now(link: Link, now: float) -> bool:
    """True if the poll should read the incident's whole log, because something unfinished is due."""
    is_failing = any(failure.permanent for failure in link.failures.values())
    is_due = link.issue_key is not None and link.backlog.is_due(Side.PAGERDUTY, now)
    return (is_failing or is_due) and retry_is_due(link, now)


def has_unread_log(link: Link) -> bool:
    """True if PagerDuty refused to show the incident's log: until it does, retries start from the incident's state."""
    return link.backlog.find_step(LOG_READ) is not None


def is_backed_off(link: Link, event: IncidentLogged, now: float) -> bool:
    """True if the event is no newer than a permanent failure of its link, and it is too early to retry that."""
    is_permanent = any(failure.permanent for failure in link.failures.values())
    return is_permanent and not retry_is_due(link, now) and event.at.timestamp() <= _get_last_failure_at(link)


def stops_everything(refused: Refused, link: Link) -> bool:
    """Return True if the refusal is not of one step: the incident or the issue is gone.

    A rejected token is no refusal but an IdentityDoubt; what is left of 401 is a scope that one call needs.
    """
    return refused.find_missing_side(link.incident_id, link.issue_key) is not None


def with_refused_action(link: Link, action: Action, refused: Refused, now: float) -> Link:
    """Return the link with the steps of a refused action in its backlog. Raise the refusal if nothing can go on."""
    if not list_steps(action) or stops_everything(refused, link):
        raise refused
    for step_id, value in list_steps(action).items():
        link = link.with_refused_step(step_id, value, refused.service, describe_refusal(refused), now)
    return link


def leave_waiting_steps(actions: Iterable[Action], event: Event, link: Link) -> list[Action]:
    """Return the actions without the steps that were refused with the same value and whose pause is not over."""
    return [rest for action in actions if (rest := _leave_waiting(action, event, link))]


def decide_retries(event: Event, link: Link, actions: Sequence[Action]) -> list[Action]:
    """Return what refused steps call for now, from what the event shows, unless `actions` do it."""
    step_ids = {step_id for action in actions for step_id in list_steps(action)}
    steps = [step for step in link.backlog.refused_steps if is_due(step, event) and step.id not in step_ids]
    retries = [_decide_retry(step, event, link) for step in steps]
    return [action for action in retries if action]


def list_settled_steps(event: Event, link: Link, before: Link, actions: Iterable[Action]) -> list[StepId]:
    """Return the refused steps that have left: done by the actions, or no longer wanted; `before`: the link as it was.

    `actions`: those that were performed, as they were performed.
    """
    done = {step_id for action in actions for step_id in list_steps(action) if step_id.kind is not StepKind.PART}
    # What was set on one side is equal to the other side's.
    done |= {replace(step_id, side=step_id.side.other) for step_id in done
             if step_id.kind in (StepKind.STATUS, StepKind.FIELD)}
    return [step.id for step in link.backlog.refused_steps
            if step == before.backlog.find_step(step.id) and (step.id in done or _is_unwanted(step, event, before))]


def is_due(step: RefusedStep, event: Event) -> bool:
    """Return True if the event shows what the step starts from, after its pause or because somebody asked for it."""
    return get_source(step.id) is event.side and not is_waiting(step, event)


def is_waiting(step: RefusedStep, event: Event) -> bool:
    """Return True if the pause of the step is not over, and nobody asked to try now."""
    return event.observed_at < step.next_try_at and event.source != MANUAL_SOURCE


def list_due_comment_ids(event: IssueUpdated, link: Link) -> list[str]:
    """Return the comments whose copies were refused and are to be tried again."""
    return [step.id.subject for step in link.backlog.refused_steps if step.id.kind is StepKind.COMMENT
            and step.value != DELETION and event.read_at and is_due(step, event)]


def needs_notes(event: IncidentLogged, link: Link) -> bool:
    """Return True if notes are to be read again, because they, or copies of them, were refused."""
    return any(step.id.kind in (StepKind.NOTE, StepKind.NOTES_READ) and is_due(step, event)
               for step in link.backlog.refused_steps)


def _get_last_failure_at(link: Link) -> float:
    return max((failure.at for failure in link.failures.values()), default=0.0)


def _leave_waiting(action: Action, event: Event, link: Link) -> Action | None:
    backlog = link.backlog
    waiting = [step_id for step_id, value in list_steps(action).items() if (step := backlog.find_step(step_id))
               and step.value == value and is_waiting(step, event)]
    if not waiting:
        return action
    if isinstance(action, AddTimeline):
        refused_ids = backlog.pending.get(Part.TIMELINE, ())
        entries = tuple(entry for entry in action.entries if entry.id not in refused_ids)
        return replace(action, entries=entries) if entries else None
    if isinstance(action, EditIssue | EditIncident):
        names = {step_id.subject for step_id in waiting}
        values = {name: value for name, value in action.values.items() if name not in names}
        return replace(action, values=values) if values else None
    return None


def _decide_retry(step: RefusedStep, event: Event, link: Link) -> Action | None:
    match step.id.kind:
        case StepKind.STATUS:
            return _decide_incident_status(event, link) if isinstance(event, IssueUpdated) else None
        case StepKind.REMARK:
            return AddComment(step.id.subject, step.value)
        case StepKind.MANAGER:
            assignee = find_assignee(event, link) if isinstance(event, IncidentEvent) else None
            # A resolved incident shows no assignee: then it stays with whom it was.
            name = assignee.name if assignee and assignee.name else step.value
            return ReplaceManager(name) if name else None
        case StepKind.COMMENT:
            source = SourceId(SourceKind.COMMENT, step.id.subject)
            has_copy = source in link.mirrors and link.mirrors[source].copy_id
            return EditNote(source, None) if step.value == DELETION and has_copy else None
    return None


def _decide_incident_status(event: IssueUpdated, link: Link) -> Action | None:
    status = find_incident_status(event, link, is_known_move=True)
    return SetIncidentStatus(status, is_reopening=link.status.agreed == "resolved") if status else None


def _is_unwanted(step: RefusedStep, event: Event, before: Link) -> bool:
    """Return True if the event shows that a step, which it did not repeat, is no longer wanted."""
    kind = step.id.kind
    if kind is StepKind.FIELD and step.id.side is event.side:
        return _shows_change(FieldName(step.id.subject), get_snapshot_fields(event, before), event, before)
    if kind is StepKind.LOG_READ:
        return isinstance(event, IncidentLogged) and event.whole
    if not is_due(step, event):
        return False
    if kind in (StepKind.NOTE, StepKind.NOTES_READ):
        return isinstance(event, IncidentLogged) and event.notes is not None
    if kind is StepKind.COMMENT:
        return isinstance(event, IssueUpdated) and event.read_at is not None
    return kind in (StepKind.FIELD, StepKind.STATUS, StepKind.MANAGER, StepKind.REMARK) and (
        event.snapshot is not None and not is_stale(event, before))


def _shows_change(name: FieldName, values: Mapping[FieldName, str], event: Event, before: Link) -> bool:
    """Return True if the side that was to be written shows another value than it had."""
    return name in values and not is_stale(event, before) and values[name] != before.fields[name].on(event.side).value
