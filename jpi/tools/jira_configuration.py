"""The command `jpi site`."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import click

from jpi import settings, wiring
from jpi.domain.issue_drafts import MANAGER_LINK_TYPE, QUESTION_LINK_TYPE, STAKEHOLDER_LINK_TYPE, TIMELINE_LINK_TYPE
from jpi.domain.policy import derive_issue_type
from jpi.errors import PermanentError, Refused
from jpi.tools.command_runner import run_command

# Each link type's inward and outward description.
LINK_TYPES = {QUESTION_LINK_TYPE: ("is question of", "has question"),
              MANAGER_LINK_TYPE: ("is incident manager of", "has incident manager"),
              TIMELINE_LINK_TYPE: ("is timeline of", "has timeline"),
              STAKEHOLDER_LINK_TYPE: ("is stakeholder of", "has stakeholder")}
SEVERITY_FIELD = "Severity"
SEVERITY_OPTIONS = ("SEV-0", "SEV-1", "SEV-2", "SEV-3")
SCREEN_FIELDS = ("summary", "description", "priority", "labels", "issuelinks", "assignee")
SAMPLE_STAKEHOLDERS = ("Head of Support", "Press Office")
TEAM_MANAGED_MESSAGE = (
    "The project {key} is team-managed: the API cannot set up its types and screens. Replace it by a "
    "company-managed project, or choose another key in the settings.")
STEP_SECONDS = 120.0
# Jira's search finds a new issue only after a few seconds.
SEARCH_ATTEMPTS, SEARCH_PAUSE_SECONDS = 30, 2.0


@dataclass(frozen=True)
class SetupItem:
    """Something that the site should have: whether it is missing, and how to create it."""

    name: str
    is_missing: Callable[[], object]
    create: Callable[[], object]


class SiteSetup:
    """List what a site should have, in the order of creation."""

    def __init__(self, app: wiring.App, sleep: Callable[[float], None]) -> None:
        self._jira = app.jira
        self._setup = app.jira.admin
        self._settings = app.settings
        self._sleep = sleep

    def list_step_1_items(self) -> Iterator[SetupItem]:
        """Yield issue types and projects, each project with its one type."""
        for key in self._settings.project_keys:
            yield self._build_type_item(key)
        for key in self._settings.project_keys:
            yield self._build_project_item(key)
            yield self._build_scheme_item(key)

    def list_step_2_items(self, with_samples: bool) -> Iterator[SetupItem]:
        """Yield link types, the field Severity, the screen fields, and people."""
        for name, (inward, outward) in LINK_TYPES.items():
            yield self._build_link_type_item(name, inward, outward)
        yield SetupItem(f"field {SEVERITY_FIELD}", lambda: not self._setup.find_select_field(SEVERITY_FIELD),
                        lambda: self._setup.add_select_field(SEVERITY_FIELD))
        yield SetupItem(f"values of {SEVERITY_FIELD}", self._find_missing_options, self._add_options)
        yield SetupItem(f"fields on the screens of {self._settings.incident_project_key}", self._find_missing_fields,
                        self._place_fields)
        people = [self._settings.pagerduty_user_name, *(SAMPLE_STAKEHOLDERS if with_samples else ())]
        for name in people if self._settings.person_project_key else ():
            if name:
                yield self._build_person_item(name)

    def _build_link_type_item(self, name: str, inward: str, outward: str) -> SetupItem:
        return SetupItem(f"link type {name}", lambda: name not in self._setup.get_link_type_names(),
                         lambda: self._setup.add_link_type(name, inward, outward))

    def find_sample_keys(self) -> list[str]:
        """Return the keys of the sample stakeholders."""
        keys = self._jira.find_keys_by_summary(self._settings.person_project_key, SAMPLE_STAKEHOLDERS)
        return [keys[name] for name in SAMPLE_STAKEHOLDERS if name in keys]

    def _build_type_item(self, key: str) -> SetupItem:
        name = derive_issue_type(key)
        return SetupItem(f"issue type {name}", lambda: name not in self._setup.get_issue_types(),
                         lambda: self._setup.add_issue_type(name, f"jpi: issues of the project {key}"))

    def _build_project_item(self, key: str) -> SetupItem:
        def _is_missing() -> bool:
            project = self._setup.find_project(key)
            if project and project.is_team_managed:
                raise PermanentError(TEAM_MANAGED_MESSAGE.format(key=key))
            return project is None

        return SetupItem(f"project {key}", _is_missing, lambda: self._setup.add_project(
            key, f"{derive_issue_type(key)}s", str(self._jira.own_id)))

    def _build_scheme_item(self, key: str) -> SetupItem:
        def _is_missing() -> bool:
            project = self._setup.find_project(key)
            # The site's default scheme has every type there is.
            return (project is None or derive_issue_type(key) not in project.issue_type_names
                    or self._setup.get_scheme_of_project(project.id).is_default)

        return SetupItem(f"issue type scheme of {key}", _is_missing, lambda: self._assign_scheme(key))

    def _assign_scheme(self, key: str) -> None:
        project, type_id = self._setup.find_project(key), self._setup.get_issue_types()[derive_issue_type(key)]
        if project is None:
            raise PermanentError(f"The project {key} was created but cannot be read.")
        try:
            self._setup.assign_scheme(project.id, self._setup.find_or_add_scheme(f"jpi: {key}", type_id))
        except Refused as refused:
            if not refused.is_bad_request:
                raise
            # The project has issues of other types and keeps its scheme.
            scheme = self._setup.get_scheme_of_project(project.id)
            if not scheme.is_default:
                self._setup.add_type_to_scheme(scheme.id, type_id)

    def _find_missing_options(self) -> list[str]:
        field_id = self._setup.find_select_field(SEVERITY_FIELD)
        return self._setup.find_missing_options(field_id, SEVERITY_OPTIONS) if field_id else list(SEVERITY_OPTIONS)

    def _add_options(self) -> None:
        self._setup.add_options(str(self._setup.find_select_field(SEVERITY_FIELD)), self._find_missing_options())

    def _find_missing_fields(self) -> list[tuple[int, str]]:
        """Return the screen and the field of each missing field."""
        project = self._setup.find_project(self._settings.incident_project_key)
        fields = [*SCREEN_FIELDS, self._setup.find_select_field(SEVERITY_FIELD) or SEVERITY_FIELD]
        screens = sorted(self._setup.get_screen_ids(project.id)) if project else []
        return [(screen, field) for screen in screens for field in self._setup.find_missing_fields(screen, fields)]

    def _place_fields(self) -> None:
        for screen, field_id in self._find_missing_fields():
            self._setup.add_field_to_screen(screen, field_id)

    def _build_person_item(self, name: str) -> SetupItem:
        project = self._settings.person_project_key
        return SetupItem(f"person {name}", lambda: not self._jira.find_keys_by_summary(project, [name]),
                         lambda: self._add_person(name))

    def _add_person(self, name: str) -> None:
        """Create the person's issue and wait until a search finds it, so that the next run does not create another."""
        project = self._settings.person_project_key
        self._setup.add_issue(project, derive_issue_type(project), name)
        for _ in range(SEARCH_ATTEMPTS):
            if self._jira.find_keys_by_summary(project, [name]):
                break
            self._sleep(SEARCH_PAUSE_SECONDS)


@click.command("site")
@click.option("--step", type=click.Choice((1, 2)), help="Run only this step.")
@click.option("--check", is_flag=True, help="Change nothing; list what is missing, with exit code 1.")
@click.option("--samples", is_flag=True, help="Also create sample stakeholders (for dev).")
def configure_jira(step: int | None, check: bool, samples: bool) -> int:
    """Set up a Jira Cloud site for jpi.

    Step 1 creates issue types and projects; step 2 link types, the field Severity and people. Existing items stay. It
    needs the API token of a Jira administrator.
    """
    infrastructure = wiring.make_infrastructure()
    app = wiring.build_app(settings.load(), infrastructure)
    app.budget.start(STEP_SECONDS)
    if app.jira.find_missing_permissions(["ADMINISTER"]):
        raise PermanentError(
            f"{app.settings.jira_user_email} is no Jira administrator on {app.settings.jira_server_url}")
    site = SiteSetup(app, infrastructure.sleep)
    items = [*(site.list_step_1_items() if step != 2 else ()), *(site.list_step_2_items(samples) if step != 1 else ())]
    missing_count = 0
    for item in items:
        app.budget.start(STEP_SECONDS)
        is_missing = bool(item.is_missing())
        missing_count += is_missing
        if is_missing and not check:
            item.create()
        print(f"{item.name}: {('missing' if check else 'created') if is_missing else 'exists already'}", flush=True)
    if samples and not check:
        print(f"JIRA_ISSUE_STAKEHOLDERS={','.join(site.find_sample_keys())}")
    return int(check and missing_count > 0)


main = partial(run_command, configure_jira)

if __name__ == "__main__":
    sys.exit(main())
