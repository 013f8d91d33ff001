"""A bare Jira site is set up: once, from wherever it stopped, and every failure said in a line."""

import pytest

from jpi import wiring
from jpi.tools import jira_configuration
from sandbox.clock import Clock
from sandbox.hosts import InProcessHost
from sandbox.jira.model import Option
from sandbox.jira.server import JiraServer
from sandbox.jira.state import JiraState
from sandbox.simulated_service import HttpFault
from sandbox.world import World
from sandbox.wsgi_transport import WsgiAdapter
from tests.contracts import contract
from tests.deliveries import needs_shared
from tests.world_actions import WRITE_METHODS, count_created_parts, run_poll

ADMIN = ("admin@example.com", "admin-token")


def serve(monkeypatch, url, server):
    """Have the tool reach this site."""
    adapter = WsgiAdapter({url: server}, server.clock)
    monkeypatch.setattr(wiring, "make_infrastructure",
                        lambda: wiring.Infrastructure(server.clock, server.clock.advance, adapter))


class Bare:
    """A Jira site on which nothing was made yet."""

    def __init__(self, monkeypatch):
        self.clock, self.url, self._monkeypatch = Clock(), "http://jira.localhost", monkeypatch
        self.set = lambda **values: [monkeypatch.setenv(name, value) for name, value in values.items()]
        self.set(JIRA_SERVER_URL=self.url, JIRA_USER_EMAIL=ADMIN[0], JIRA_API_TOKEN=ADMIN[1],
                 PAGERDUTY_API_TOKEN="x", PAGERDUTY_USER_EMAIL="x@example.com", PAGERDUTY_USER_NAME="Rita Responder")
        self.begin()

    def begin(self):
        """Start over: nothing was made yet."""
        self.jira = JiraState(self.clock)
        self.server = JiraServer(self.jira)
        self.jira.add_user(*ADMIN, "Ada Admin")
        serve(self._monkeypatch, self.url, self.server)

    def run(self, *arguments):
        return jira_configuration.main(arguments, sleep=self.clock.advance)

    def writes(self):
        return [f"{call.method} {call.path}" for call in self.server.calls
                if call.method in WRITE_METHODS and not call.path.endswith("search/jql")]

    def seen(self):
        """All that was made, by name."""
        site = self.jira
        types = {key: [one.name for one in site.list_types(project)] for key, project in site.projects.items()}
        severity = [one for one in site.fields.values() if one.name == "Severity"]
        return (types, sorted(one.name for one in site.issue_types.values()),
                sorted(one.name for one in site.schemes.values()),
                sorted((one.name, one.inward, one.outward) for one in site.link_types.values()),
                [([option.value for option in one.options], one.id in site.placed_field_ids) for one in severity],
                sorted(one.summary for one in site.issues.values()))


@pytest.fixture
def bare(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUESTION_PROJECT_KEY", "QUESTION")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/questions.json").write_text("[]")
    return Bare(monkeypatch)


def test_everything_is_made_once(bare, capsys):
    assert bare.run() == 0
    types, *_, links, severity, people = bare.seen()
    assert types == {"INCIDENT": ["Incident"], "QUESTION": ["Question"], "PERSON": ["Person"], "TIMELINE": ["Timeline"]}
    assert ("Question", "is question of", "has question") in links
    assert (severity, people) == ([(["SEV-0", "SEV-1", "SEV-2", "SEV-3"], True)], ["Rita Responder"])
    assert "project INCIDENT: made" in capsys.readouterr().out
    bare.server.calls.clear()
    assert bare.run() == 0
    assert bare.writes() == []
    assert ": made" not in capsys.readouterr().out


@needs_shared
def test_what_it_sends_and_gets_is_as_documented(bare):
    assert (bare.run("--samples"), bare.run("--check")) == (0, 0)
    said = [(call.path, one) for call in bare.server.calls for one in contract("jira").problems(call)]
    # The file calls them write-only and shows them in its example of the answer.
    assert {problem for problem in said if "values/0/screens" not in problem[1]} == set()


def test_the_steps_of_the_readme_come_to_the_same(bare):
    assert (bare.run("--step", "1"), bare.run("--step", "2")) == (0, 0)
    stepped = bare.seen()
    bare.begin()
    assert bare.run() == 0
    assert bare.seen() == stepped


def test_wherever_it_stopped_it_goes_on(bare, capsys):
    assert bare.run() == 0
    whole, count = bare.seen(), len(bare.writes())
    for stopped in range(count):
        bare.begin()
        left = [stopped]

        def fault(call, left=left):
            if call.method not in WRITE_METHODS or call.path.endswith("search/jql"):
                return None
            left[0] -= 1
            return HttpFault(403) if left[0] < 0 else None

        bare.server.choose_fault = fault
        assert bare.run() == 1
        bare.server.choose_fault = lambda call: None
        assert bare.run() == 0
        assert bare.seen() == whole
    assert "may not do this" in capsys.readouterr().err


def test_what_is_missing_is_listed_and_nothing_changed(bare, capsys):
    assert bare.run("--check") == 1
    assert ("project PERSON: missing" in capsys.readouterr().out, bare.writes()) == (True, [])
    bare.run()
    assert bare.run("--check") == 0


def test_samples_are_made_when_they_are_wanted(bare, capsys):
    assert bare.run("--samples") == 0
    assert "JIRA_ISSUE_STAKEHOLDERS=PERSON-2,PERSON-3" in capsys.readouterr().out


def test_parts_that_are_off_are_not_made(bare):
    bare.set(PERSON_PROJECT_KEY="", TIMELINE_PROJECT_KEY="", QUESTION_PROJECT_KEY="")
    assert bare.run() == 0
    assert list(bare.jira.projects) == ["INCIDENT"]


def test_what_a_team_has_made_itself_is_completed_and_kept(bare):
    bare.run("--step", "1")
    bare.run("--step", "2")
    severity = next(one for one in bare.jira.fields.values() if one.name == "Severity")
    severity.options = [Option("1", "SEV-1"), Option("2", "Ours")]
    bare.jira.schemes[bare.jira.projects["INCIDENT"].scheme_id].type_ids.append("10002")
    assert bare.run() == 0
    assert [one.value for one in severity.options] == ["SEV-1", "Ours", "SEV-0", "SEV-2", "SEV-3"]
    assert len(bare.jira.list_types(bare.jira.projects["INCIDENT"])) == 2


@pytest.mark.parametrize(("changes", "said"), [
    ({"JIRA_API_TOKEN": "old"}, "Jira does not take JIRA_USER_EMAIL with JIRA_API_TOKEN"),
    ({"JIRA_SERVER_URL": "http://127.0.0.1:9"}, "JIRA_SERVER_URL cannot be reached"),
    ({"JIRA_USER_EMAIL": "jim@example.com", "JIRA_API_TOKEN": "jim"}, "jim@example.com is no Jira administrator"),
    ({"JIRA_API_TOKEN": ""}, "JIRA_API_TOKEN is missing"),
])
def test_what_is_wrong_is_said(bare, capsys, changes, said):
    bare.jira.users[bare.jira.add_user("jim@example.com", "jim", "Jim Jira")].admin = False
    bare.set(**changes)
    assert bare.run() == 1
    assert (said in capsys.readouterr().err, bare.writes()) == (True, [])


def test_a_site_set_up_by_the_tool_gives_a_p1_its_whole_issue(enter, monkeypatch):
    def by_the_tool(admin, lead, people):
        for name, value in {"JIRA_SERVER_URL": admin.url, "JIRA_USER_EMAIL": ADMIN[0], "JIRA_API_TOKEN": ADMIN[1],
                            "PAGERDUTY_API_TOKEN": "x", "PAGERDUTY_USER_EMAIL": "x@example.com",
                            "PAGERDUTY_USER_NAME": "Oscar Oncall"}.items():
            monkeypatch.setenv(name, value)
        clock = admin.adapter.clock
        monkeypatch.setattr(wiring, "make_infrastructure",
                            lambda: wiring.Infrastructure(clock, clock.advance, admin.adapter))
        assert jira_configuration.main([], sleep=clock.advance) == 0

    world = enter(World(InProcessHost(), None, None, (0, 0, 0), False, by_the_tool))
    incident = world.pagerduty.trigger(world.service, "Down", world.rita, "P1")
    world.run_until_idle()
    run_poll(world)
    issue = world.find_issue(incident)
    assert count_created_parts(world) == [3, 2, 1]
    assert (issue.get_custom_value("Severity"), len(world.list_linked_summaries(issue, "Timeline"))) == ("SEV-0",
                                                                                                         len(
        incident.log))
    assert world.jira.list_link_phrases(issue.key) >= {"has question", "has stakeholder", "has timeline"}
