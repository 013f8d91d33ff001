"""Makes issues, each once: the incident's, its questions, its links, the lines of its timeline."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from jpi.domain.field_merge import NOBODY_YET
from jpi.domain.issue_drafts import (
    MANAGER,
    QUESTION,
    TIMELINE,
    Created,
    Draft,
    LinkTo,
    incident_draft,
    question_draft,
    timeline_draft,
)
from jpi.domain.link import Link
from jpi.domain.model import Incident, LogEntry
from jpi.domain.policy import Create, Policy
from jpi.errors import LostRace, Refused
from jpi.sync.identities import People
from jpi.sync.leases import Claims, held, released
from jpi.sync.ports import Jira, Ledger, Links, Log

ISSUE = "issue"
RACES = 3
# Most that one bulk create takes: shared contract, `POST /rest/api/3/issue/bulk`.
BULK = 50
# A part of an issue that is refused this often is given up, with an error in the log.
TRIES = 5


class Maker:
    """Everything that is created on Jira is created here."""

    def __init__(self, jira: Jira, links: Links, ledger: Ledger, claims: Claims, policy: Policy, people: People,
                 log: Log, index_lag: float) -> None:
        self._jira = jira
        self._links = links
        self._ledger = ledger
        self._claims = claims
        self._policy = policy
        self._people = people
        self._log = log
        self._index_lag = index_lag

    def incident_issue(self, link: Link, incident: Incident, agent: str | None, rule: Create) -> Link:
        """Make the incident's issue as `rule` has it, or take the one that an earlier attempt made; the link, saved."""
        assignee = self._assignee(incident, rule)
        draft = incident_draft(incident, rule, self._manager(incident, agent), assignee, self._policy)
        self._jira.learn_site()
        if self._claims.unfinished(link, ISSUE) and (found := self._jira.labelled(draft.project, draft.found_by)):
            # Whether its links came with it is not known; making one again does nothing.
            made = Created(found.key, found.id or "", unlinked=draft.links)
        else:
            link, made = self._claims.once(link, ISSUE, lambda: self._jira.create(draft), self._index_lag)
        self._say_dropped(made)
        # Where its workflow begins is not known, so neither is its status.
        there = assignee if made.summary is not None and "assignee" not in made.dropped else None
        # An assignee who was not found at once is carried over by the next event or poll that shows them.
        theirs = next((one.id for one in incident.assignees), None) if there else NOBODY_YET
        fields = {"title": {"pagerduty": incident.title, "jira": made.summary},
                  "assignee": {"pagerduty": theirs, "jira": there},
                  "priority": {"pagerduty": incident.priority,
                               "jira": None if made.summary is None or "priority" in made.dropped else draft.priority}}
        return self._record(link, issue_key=made.key, issue_id=made.id, agreed={"status": "triggered"},
                            todo=self._todo(made), fields=fields)

    def move_manager(self, link: Link, name: str) -> None:
        """Link the issue to this person's in place of whoever was its incident manager; nothing if they have none."""
        person = self._person(link.incident_id, [name])
        if person is None:
            return
        key = str(link.issue_key)
        there = self._jira.linked(key, MANAGER)
        if person not in there:
            self._jira.link(key, LinkTo(MANAGER, person))
        for link_id in (there[other] for other in there if other != person):
            self._jira.unlink(link_id)

    def _assignee(self, incident: Incident, rule: Create) -> str | None:
        """Whom the rule names, else whoever the incident is assigned to, if that is known without asking anybody."""
        if rule.assignee or not incident.assignees or not self._policy.how("assignee").reaches("jira"):
            return rule.assignee or None
        return self._people.known_account(incident.assignees[0].id)

    def _record(self, link: Link, **made: Any) -> Link:
        """Save what was made, over whatever others saved meanwhile: this must not get lost."""
        for _ in range(RACES):
            try:
                return self._links.save(replace(released(link, ISSUE), **made))
            except LostRace:
                link = self._links.get(link.incident_id)
        return self._links.save(replace(released(link, ISSUE), **made))

    def finish(self, link: Link) -> Link:
        """Make what is still missing of an issue but its timeline."""
        if "questions" in link.todo:
            link = self._questions(link)
        return self._make_links(link) if "links" in link.todo else link

    def timeline(self, link: Link, entries: Iterable[LogEntry]) -> Link:
        """One issue for each entry that has none yet, in the order they happened."""
        in_order = sorted(entries, key=lambda entry: (entry.at, entry.id))
        drafts = [timeline_draft(entry, link, self._policy) for entry in in_order]
        return self._each_once(link, "timeline", TIMELINE, drafts)

    def _todo(self, made: Created) -> dict[str, list[Any]]:
        policy = self._policy
        todo: dict[str, list[Any]] = {"timeline": []} if policy.timeline_project else {}
        if policy.question_project and policy.questions:
            todo["questions"] = []
        if made.unlinked:
            todo["links"] = _ends([made])
        return todo

    def _manager(self, incident: Incident, agent: str | None) -> str | None:
        """The key of the assignee's issue in the PERSON project, else of the agent's."""
        names = [name for name in (*(person.name for person in incident.assignees[:1]), agent) if name]
        return self._person(incident.id, names) if names and self._policy.person_project else None

    def _person(self, incident_id: str, names: Sequence[str]) -> str | None:
        """The key of the issue in the PERSON project that is called like the first of these names that has one."""
        try:
            found = self._jira.people(self._policy.person_project, names)
        except Refused as refused:
            self._log.warning("no incident manager", extra={"incident": incident_id, "reason": str(refused)})
            return None
        return next((found[name] for name in names if name in found), None)

    def _questions(self, link: Link) -> Link:
        drafts = [question_draft(question, f"{link.incident_id}:question:{number}", link, self._policy)
                  for number, question in enumerate(self._policy.questions)]
        return self._links.save(self._each_once(link, "questions", QUESTION, drafts))

    def _each_once(self, link: Link, part: str, link_type: str, drafts: Sequence[Draft]) -> Link:
        """Make those that the ledger does not know, 50 a call; what is refused is left in the link's `todo`."""
        wanted = {draft.mark: draft for draft in drafts}
        missing = wanted.keys() - self._ledger.known(wanted.keys())
        if missing and self._claims.unfinished(link, part):
            there = self._jira.marks(str(link.issue_key), link_type, drafts[0])
            # All of them: what this claim was begun for may not be what is wanted now.
            self._ledger.add(there)
            missing -= there
        link = released(link, part)
        left = [draft for mark, draft in wanted.items() if mark in missing]
        refused: list[str] = []
        for start in range(0, len(left), BULK):
            batch = left[start : start + BULK]
            link, outcomes = self._claims.once(link, part, partial(self._jira.create_all, batch))
            link = self._keep_links_to_make(link, part, outcomes)
            refused += self._take_stock(link, {draft.mark: one for draft, one in zip(batch, outcomes, strict=True)})
        return self._still_to_do(link, part, refused)

    def _keep_links_to_make(self, link: Link, part: str, outcomes: Sequence[Created | Refused]) -> Link:
        """Save which links are still to be made before the ledger says that their issues are there."""
        ends = _ends([one for one in outcomes if isinstance(one, Created)])
        if not ends:
            return link
        todo = {**link.todo, "links": [*link.todo.get("links", []), *ends]}
        return released(self._links.save(held(replace(link, todo=todo), part)), part)

    def _take_stock(self, link: Link, made: Mapping[str, Created | Refused]) -> list[str]:
        """Remember what was made, say what was not; the marks of the latter."""
        self._ledger.add([mark for mark, one in made.items() if isinstance(one, Created)])
        refused = {mark: one for mark, one in made.items() if isinstance(one, Refused)}
        for mark, one in refused.items():
            fields = {"incident": link.incident_id, "issue": link.issue_key, "element": mark, "reason": str(one)}
            self._log.error("an issue was refused", extra=fields)
        return list(refused)

    def _make_links(self, link: Link) -> Link:
        for from_key, type_name, key, role in link.todo["links"]:
            try:
                self._jira.link(from_key, LinkTo(type_name, key, role))
            except Refused as refused:
                fields = {"incident": link.incident_id, "issue": from_key, "to": key, "reason": str(refused)}
                self._log.error("a link was refused", extra=fields)
        return self._links.save(self._still_to_do(link, "links", []))

    def _still_to_do(self, link: Link, part: str, left: Sequence[object]) -> Link:
        """The link with what is left of `part`; given up after so many tries."""
        tries = dict(link.todo.get("tries", {}))
        todo = {name: value for name, value in link.todo.items() if name not in (part, "tries")}
        count = tries.pop(part, 0) + 1
        if left and count < TRIES:
            todo, tries = {**todo, part: list(left)}, {**tries, part: count}
        elif left:
            self._log.error(f"{part} given up", extra={"incident": link.incident_id, "left": left})
        return replace(link, todo={**todo, "tries": tries} if tries else todo)

    def _say_dropped(self, made: Created) -> None:
        if made.dropped:
            fields = {"issue": made.key, "fields": list(made.dropped)}
            self._log.warning("fields that the create screen lacks were left out", extra=fields)


def _ends(made: Sequence[Created]) -> list[list[str]]:
    """The links that issues were made without, as JSON keeps them: from, type, to, role."""
    return [[one.key, to.type, to.key, to.role] for one in made for to in one.unlinked]
