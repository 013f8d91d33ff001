"""Env files: one for each stage, and nothing of one stage gets into another."""

import os
from contextlib import nullcontext

import pytest

from jpi import env_files, settings
from jpi.errors import SettingsError
from tests.unit.test_settings import REQUIRED as COMPLETE

REQUIRED = {**COMPLETE, "ALLOW_PLAIN_SECRETS": "1"}


@pytest.fixture
def write_env(tmp_path, monkeypatch):
    """Return a function that writes an env file into the current folder; the environment has no settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", {"AWS_PROFILE": "acme"})

    def write(name, **values):
        (tmp_path / name).write_text("".join(f"{name}={value}\n" for name, value in values.items()))

    return write


def use_stage(stage):
    env_files.use_stage(stage, settings.SETTING_NAMES)
    return settings.load()


def test_a_stage_takes_nothing_from_another_stages_file(write_env):
    write_env(".env", **REQUIRED, STAGE="dev", SYNC_PRIORITIES="P1,P2", JIRA_WEBHOOK_SECRET="secret-of-the-stage-dev")
    write_env(".env.prod", **REQUIRED, STAGE="prod")
    os.environ["SYNC_PRIORITIES"] = "P3"
    loaded = use_stage("prod")
    assert (loaded.stage, loaded.sync_priorities, loaded.jira_webhook_secret) == ("prod", ("P1",), ())
    assert (loaded.incidents_table, loaded.events_queue) == ("incidents-prod", "jpi-events-prod.fifo")
    assert os.environ["AWS_PROFILE"] == "acme"


def test_an_environment_of_another_stage_is_not_filled_up_from_env(write_env):
    """`dotenv -f .env.prod run` puts prod's values into the environment; `.env` is dev's."""
    write_env(".env", **REQUIRED, STAGE="dev", SYNC_PRIORITIES="P1,P2")
    os.environ.update(REQUIRED, STAGE="prod")
    assert settings.load().sync_priorities == ("P1",)
    os.environ["STAGE"] = "dev"
    assert settings.load().sync_priorities == ("P1", "P2")


def test_env_stands_for_its_own_stage_and_what_is_set_stays(write_env):
    write_env(".env", **REQUIRED, EVENTS_QUEUE="mine.fifo")
    assert use_stage("dev").events_queue == "mine.fifo"
    write_env(".env", **REQUIRED, IS_OFFLINE="True")
    assert use_stage("dev").events_queue == ""


@pytest.mark.parametrize(("files", "text"), [
    ({}, "there is no file .env.qa here; copy .env.example to it"),
    ({".env": {"STAGE": "dev"}}, "there is no file .env.qa here"),
    ({".env.qa": {"STAGE": "prod"}}, "STAGE is 'prod' in .env.qa; it must be 'qa'"),
    ({".env.qa": {"LOG_LEVEL": "DEBUG"}}, "STAGE is 'dev' in .env.qa; it must be 'qa'"),
])
def test_a_stage_without_a_file_of_its_own_is_refused(write_env, files, text):
    for name, values in files.items():
        write_env(name, **values)
    with pytest.raises(SettingsError, match="--env qa: " + text):
        use_stage("qa")


@pytest.mark.parametrize(("name", "values", "is_refused"), [
    (".env.prod", {"STAGE": "prod"}, True), (".env.prod", {}, True), (".env", {"STAGE": "prod"}, True),
    (".env", {"STAGE": "dev"}, False), (".env", {}, False), (".env.dev", {}, False), ("other", {}, False),
])
def test_a_secret_is_not_written_into_another_stages_file(write_env, tmp_path, name, values, is_refused):
    write_env(name, **values)
    text = "belongs to the stage 'prod', but the settings are those of 'dev'"
    with pytest.raises(SettingsError, match=text) if is_refused else nullcontext():
        env_files.refuse_other_stage(tmp_path / name, "dev")


@pytest.mark.parametrize(("before", "after"), [
    (None, "A='a #b'\n"), ("", "A='a #b'\n"), ("A=1\nB=1\n", "A='a #b'\nB=1\n"), ("B=1", "B=1\nA='a #b'\n"),
    ("AA=1\n#A=1\n", "AA=1\n#A=1\nA='a #b'\n"),
])
def test_a_variable_is_put_in_its_place_and_read_again(tmp_path, monkeypatch, before, after):
    file = tmp_path / ".env"
    if before is not None:
        (tmp_path / "kept").write_text(before)
        (tmp_path / "kept").chmod(0o640)
        file.symlink_to(tmp_path / "kept")
    env_files.write_env_variable(file, "A", "a #b")
    assert (file.read_text(), file.is_symlink()) == (after, before is not None)
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    monkeypatch.chdir(tmp_path)
    assert env_files.get_variable("A") == "a #b"
