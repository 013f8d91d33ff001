"""The command `jpi`, its doors, and the one place that prints their errors."""

import platform
import subprocess
import sys
import tomllib
from functools import partial
from pathlib import Path

import pytest

import jpi
from jpi import wiring
from jpi.errors import PermanentError, Refused
from jpi.tools import cli, command_runner, replay

MODULES = {"init": "init", "check": "check", "doctor": "doctor", "explain": "explain", "replay": "replay",
           "check-sync": "check_sync", "webhooks": "webhook_configuration", "deploy-role": "aws_configuration",
           "site": "jira_configuration", "create-tables": "create_tables", "schema": "schema", "version": "version"}
OLD_NAMES = {"aws-configuration": "deploy-role", "jira-configuration": "site"}


def run_python(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def test_help_lists_every_command_with_a_whole_sentence(capsys):
    assert cli.main(["--help"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.partition("Commands:\n")[2].splitlines()}
    assert lines.keys() == MODULES.keys() == cli.JPI.commands.keys() - OLD_NAMES.keys()
    assert [line for line in lines.values() if line.endswith("...")] == []


@pytest.mark.parametrize(("command", "module"), MODULES.items())
def test_each_command_has_a_door(command, module, capsys):
    door = getattr(sys.modules["jpi.tools.cli"], module).main
    assert (door(["--help"]), cli.main([command, "--help"])) == (0, 0)
    assert door(["--nonsense"]) == cli.main([command, "--nonsense"]) == 2
    assert "No such option '--nonsense'" in capsys.readouterr().err


@pytest.mark.parametrize(("old_name", "name"), OLD_NAMES.items())
def test_a_command_of_an_earlier_version_still_works(old_name, name):
    old, new = cli.JPI.commands[old_name], cli.JPI.commands[name]
    assert (old.callback, old.params, old.hidden, new.hidden) == (new.callback, new.params, True, False)
    assert cli.main([old_name, "--help"]) == 0


def test_the_version_is_that_of_pyproject(monkeypatch, capsys):
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    assert jpi.__version__ == project["version"]
    monkeypatch.setenv("STAGE", "qa")
    assert cli.main(["version"]) == 0
    assert capsys.readouterr().out == f"jpi {project['version']}, Python {platform.python_version()}, stage qa\n"


def test_the_shell_completes_commands(monkeypatch):
    for name, value in {"_JPI_COMPLETE": "bash_complete", "COMP_WORDS": "jpi depl", "COMP_CWORD": "1"}.items():
        monkeypatch.setenv(name, value)
    assert run_python("-m", "jpi.tools.cli").stdout == "plain,deploy-role\n"


def test_make_writes_the_command_that_pyproject_names(tmp_path):
    scripts = tomllib.loads(Path("pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"jpi": "jpi.tools.cli:main"}
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tmp_path / "bin/python").chmod(0o755)
    run = partial(subprocess.run, capture_output=True, text=True, check=True)
    run(["make", f"VENV={tmp_path}", f"--old-file={tmp_path}/.done", f"{tmp_path}/bin/jpi"])
    assert run([tmp_path / "bin/jpi", "--help"]).stdout.startswith("Usage: jpi [OPTIONS] COMMAND")


def test_a_module_runs_under_its_own_name():
    result = run_python("-m", "jpi.tools.explain")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: python -m jpi.tools.explain [OPTIONS] INCIDENT\n")


def test_neither_handlers_nor_the_app_load_the_command():
    handlers = "import sys, jpi.handlers.events; assert 'click' not in sys.modules"
    app = "import jpi.handlers.log_entries, jpi.app; assert not [name for name in sys.modules if 'jpi.tools' in name]"
    result = run_python("-c", f"{handlers}; {app}")
    assert (result.returncode, result.stderr) == (0, "")


def test_an_interrupted_command_says_so_by_its_exit_code(enter):
    def press_ctrl_c():
        raise KeyboardInterrupt

    wiring.use_app(press_ctrl_c)
    assert replay.main([]) == 130


def test_a_stage_is_chosen_for_any_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["--env", "qa", "doctor"]) == 1
    assert capsys.readouterr().err == ("--env qa: there is no file .env.qa here; copy .env.example to it and fill it "
                                       "in, or run `jpi --env qa init`\n")


@pytest.mark.parametrize(("error", "text"), [
    (PermanentError("EVENTS_QUEUE is not set"), "EVENTS_QUEUE is not set"),
    (FileNotFoundError(2, "No such file or directory", "a.env"), "a.env: No such file or directory"),
    (ConnectionResetError("reset by peer"), "reset by peer"),
    (Refused("Jira", "PUT", "/x", 403), "Jira does not let this token do that; set-up needs an administrator's token. "
                                       "(Jira PUT /x was refused with 403: no reason given)"),
    (Refused("Jira", "PUT", "/x", 400, ["No."]), "Jira PUT /x was refused with 400: No."),
])
def test_an_error_is_described_in_one_line(error, text):
    assert command_runner.describe_error(error) == text
