"""Sets a Jira Cloud site up for jpi: issue types, projects, link types, the field Severity. What is there stays.

It takes the API token of a Jira administrator. Steps: 1 issue types and projects, 2 all the rest; none: everything.
Example: python -m jpi.tools.jira_configuration
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from jpi import settings, wiring
from jpi.domain.issue_drafts import MANAGER, QUESTION, STAKEHOLDER, TIMELINE
from jpi.domain.policy import issue_type
from jpi.errors import JpiError, Permanent, Refused, SettingsError, Unavailable

# How the site words each: inward, outward.
LINK_TYPES = {
    QUESTION: ("is question of", "has question"),
    MANAGER: ("is incident manager of", "has incident manager"),
    TIMELINE: ("is timeline of", "has timeline"),
    STAKEHOLDER: ("is stakeholder of", "has stakeholder"),
}
SEVERITY = "Severity"
SEVERITIES = ("SEV-0", "SEV-1", "SEV-2", "SEV-3")
ON_SCREENS = ("summary", "description", "priority", "labels", "issuelinks", "assignee")
SAMPLES = ("Head of Support", "Press Office")
TEAM_MANAGED = ("The project {key} is team-managed; its types and screens cannot be set up over the API: make it a "
                "company-managed one, or choose another key in the settings.")
STEP_SECONDS = 120.0
# Jira's search finds a new issue after a few seconds.
LOOKS, PAUSE_SECONDS = 30, 2.0
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN = 400, 401, 403


@dataclass(frozen=True)
class Item:
    """Something the site should have: whether it lacks it, and how to make it."""

    name: str
    missing: Callable[[], object]
    make: Callable[[], object]


class Site:
    """What a site should have, as items in their order."""

    def __init__(self, there: wiring.Jpi, sleep: Callable[[float], None]) -> None:
        self._jira = there.jira
        self._setup = there.jira.setup
        self._chosen = there.settings
        self._sleep = sleep

    def first(self) -> Iterator[Item]:
        """Issue types and projects, each project with its one type."""
        for key in self._chosen.projects:
            yield self._type(key)
        for key in self._chosen.projects:
            yield self._project(key)
            yield self._scheme(key)

    def second(self, samples: bool) -> Iterator[Item]:
        """Link types, the field Severity, what the screens must show, people."""
        for name, (inward, outward) in LINK_TYPES.items():
            yield self._link_type(name, inward, outward)
        yield Item(f"field {SEVERITY}", lambda: not self._setup.select_field(SEVERITY),
                   lambda: self._setup.add_select_field(SEVERITY))
        yield Item(f"values of {SEVERITY}", self._options, self._add_options)
        yield Item(f"fields on the screens of {self._chosen.incident_project_key}", self._lacking, self._place)
        people = [self._chosen.pagerduty_user_name, *(SAMPLES if samples else ())]
        for name in people if self._chosen.person_project_key else ():
            if name:
                yield self._person(name)

    def _link_type(self, name: str, inward: str, outward: str) -> Item:
        return Item(f"link type {name}", lambda: name not in self._setup.link_types(),
                    lambda: self._setup.add_link_type(name, inward, outward))

    def samples(self) -> list[str]:
        """The keys of the sample stakeholders."""
        found = self._jira.people(self._chosen.person_project_key, SAMPLES)
        return [found[name] for name in SAMPLES if name in found]

    def _type(self, key: str) -> Item:
        name = issue_type(key)
        return Item(f"issue type {name}", lambda: name not in self._setup.types(),
                    lambda: self._setup.add_type(name, f"jpi: issues of the project {key}"))

    def _project(self, key: str) -> Item:
        def _lacks() -> bool:
            found = self._setup.project(key)
            if found and found.team_managed:
                raise Permanent(TEAM_MANAGED.format(key=key))
            return found is None

        return Item(f"project {key}", _lacks,
                    lambda: self._setup.add_project(key, f"{issue_type(key)}s", str(self._jira.own_id)))

    def _scheme(self, key: str) -> Item:
        def _lacks() -> bool:
            found = self._setup.project(key)
            # The site's default scheme has every type there is.
            return found is None or issue_type(key) not in found.types or self._setup.scheme_of(found.id).default

        return Item(f"issue type scheme of {key}", _lacks, lambda: self._give_scheme(key))

    def _give_scheme(self, key: str) -> None:
        found, type_id = self._setup.project(key), self._setup.types()[issue_type(key)]
        if found is None:
            raise Permanent(f"The project {key} was made and cannot be read.")
        try:
            self._setup.use_scheme(found.id, self._setup.scheme(f"jpi: {key}", type_id))
        except Refused as refused:
            if refused.status != BAD_REQUEST:
                raise
            # It has issues of other types, which it may keep.
            there = self._setup.scheme_of(found.id)
            if not there.default:
                self._setup.extend_scheme(there.id, type_id)

    def _options(self) -> list[str]:
        field_id = self._setup.select_field(SEVERITY)
        return self._setup.missing_options(field_id, SEVERITIES) if field_id else list(SEVERITIES)

    def _add_options(self) -> None:
        self._setup.add_options(str(self._setup.select_field(SEVERITY)), self._options())

    def _lacking(self) -> list[tuple[int, str]]:
        """Screen and field of what is not there."""
        project = self._setup.project(self._chosen.incident_project_key)
        fields = [*ON_SCREENS, self._setup.select_field(SEVERITY) or SEVERITY]
        screens = sorted(self._setup.screens(project.id)) if project else []
        return [(screen, one) for screen in screens for one in self._setup.lacking(screen, fields)]

    def _place(self) -> None:
        for screen, field_id in self._lacking():
            self._setup.put_on(screen, field_id)

    def _person(self, name: str) -> Item:
        project = self._chosen.person_project_key
        return Item(f"person {name}", lambda: not self._jira.people(project, [name]), lambda: self._add_person(name))

    def _add_person(self, name: str) -> None:
        """Make it, and wait until a search finds it: whoever runs this again must not make another."""
        project = self._chosen.person_project_key
        self._setup.add_issue(project, issue_type(project), name)
        looks = 0
        while looks < LOOKS and not self._jira.people(project, [name]):
            looks += 1
            self._sleep(PAUSE_SECONDS)


def main(arguments: Sequence[str] | None = None, sleep: Callable[[float], None] = time.sleep) -> int:
    """Exit code 0 when all is there, 1 where something is missing (`--check`) or was refused, 2 for usage."""
    chosen = _parser().parse_args(arguments)
    try:
        there = wiring.build(settings.load(), replace(wiring.outside(), sleep=sleep))
        return _run(there, Site(there, sleep), chosen)
    except SettingsError as error:
        print(error, file=sys.stderr)
    except JpiError as error:
        print(_said(error), file=sys.stderr)
    return 1


def _run(there: wiring.Jpi, site: Site, chosen: argparse.Namespace) -> int:
    there.budget.start(STEP_SECONDS)
    who, where = there.settings.jira_user_email, there.settings.jira_server_url
    if there.jira.lacks_permissions(["ADMINISTER"]):
        raise Permanent(f"{who} is no Jira administrator on {where}")
    items = [*(site.first() if chosen.step != 2 else ()),
             *(site.second(chosen.samples) if chosen.step != 1 else ())]
    lacking = 0
    for item in items:
        there.budget.start(STEP_SECONDS)
        missing = bool(item.missing())
        lacking += missing
        if missing and not chosen.check:
            item.make()
        print(f"{item.name}: {('missing' if chosen.check else 'made') if missing else 'there already'}", flush=True)
    if chosen.samples and not chosen.check:
        print(f"JIRA_ISSUE_STAKEHOLDERS={','.join(site.samples())}")
    return int(bool(lacking) and chosen.check)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jpi.tools.jira_configuration", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", type=int, choices=(1, 2), help="only this step")
    parser.add_argument("--check", action="store_true", help="change nothing; list what is missing")
    parser.add_argument("--samples", action="store_true", help="also make sample stakeholders (for dev)")
    return parser


def _said(error: JpiError) -> str:
    """What is wrong, and what to do, in a line."""
    if isinstance(error, Refused) and error.status == UNAUTHORIZED:
        return "Jira does not take JIRA_USER_EMAIL with JIRA_API_TOKEN: a token may have expired; make a new one."
    if isinstance(error, Refused) and error.status == FORBIDDEN:
        return f"The account of JIRA_USER_EMAIL may not do this; it takes a Jira administrator. ({error})"
    if isinstance(error, Unavailable):
        return f"JIRA_SERVER_URL cannot be reached: {error}"
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
