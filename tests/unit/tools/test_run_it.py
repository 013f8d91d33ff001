"""The README's "Run it", from two tokens to the first incident, on simulated services; what deploys is played."""

from pathlib import Path

from dotenv import dotenv_values

from jpi.tools import cli
from tests.unit.tools.test_first_incident import connect

TOKENS = ("JIRA_SERVER_URL", "JIRA_USER_EMAIL", "JIRA_API_TOKEN", "PAGERDUTY_API_URL", "PAGERDUTY_API_TOKEN")


def test_a_team_comes_from_two_tokens_to_its_first_incident(make_world, monkeypatch, tmp_path, capsys):
    questions = Path("etc/questions.json").read_text()
    monkeypatch.chdir(tmp_path)
    Path("etc").mkdir()
    Path("etc/questions.json").write_text(questions)
    world = make_world(queued=True)
    world.pagerduty.webhooks.subscriptions.clear()
    world.jira.webhooks.clear()
    for name in TOKENS:
        monkeypatch.setenv(name, world.environ[name])

    def deploy():
        # As `sls deploy` does, with the world's tables and queue.
        world.environ |= dotenv_values(".env")
        world.jpi = world.start_jpi()
        connect(world, monkeypatch)

    world.environ |= {"JIRA_WEBHOOK_SECRET": "", "PAGERDUTY_WEBHOOK_SECRET": ""}
    assert cli.main(["init", "--no-input"]) == 0
    deploy()
    assert cli.main(["webhooks", "--url", world.app_url, "--write-env", ".env"]) == 0
    deploy()
    assert cli.main(["doctor", "--first-incident", "Checkout"]) == 0, capsys.readouterr().out
    [incident] = world.pagerduty.incidents.values()
    assert (incident.status, world.list_issues()) == ("resolved", [])
    assert world.environ["JIRA_WEBHOOK_SECRET"] == next(iter(world.jira.webhooks.values())).secret
