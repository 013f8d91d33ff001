"""The command `jpi`. Each subcommand is defined in a module of its own, beside what it does."""

import copy
import sys
from functools import partial

import click

from jpi.env_files import get_variable, use_region, use_stage
from jpi.settings import SETTING_NAMES
from jpi.tools import (
    aws_configuration,
    check,
    check_sync,
    create_tables,
    doctor,
    explain,
    init,
    jira_configuration,
    replay,
    schema,
    version,
    webhook_configuration,
)
from jpi.tools.command_runner import run_command


@click.pass_context
def select_stage(context: click.Context, stage: str | None) -> None:
    """Work with the settings of this stage; without one, with those of `.env` and the shell."""
    # `jpi init` makes the stage's file.
    if stage and context.invoked_subcommand != init.write_settings.name:
        use_stage(stage, SETTING_NAMES)
    elif not stage:
        use_region(get_variable("AWS_REGION"))


def make_alias(command: click.Command, name: str) -> click.Command:
    """Return the same command under its name of earlier versions, which no help lists."""
    alias = copy.copy(command)
    alias.name, alias.hidden = name, True
    return alias


ENV_OPTION = click.Option(["--env", "stage"], metavar="STAGE",
                          help="Work on this stage: read .env.STAGE and nothing else, use its tables and queue.")
JPI = click.Group("jpi", callback=select_stage, params=[ENV_OPTION],
                  help="Set up, check and repair jpi, which keeps PagerDuty incidents and Jira issues in step.",
                  commands=[init.write_settings, check.check_settings, doctor.check_installation,
                            explain.explain_incident, replay.replay_events, check_sync.check_sync_file,
                            webhook_configuration.configure_webhooks, aws_configuration.configure_aws,
                            jira_configuration.configure_jira, create_tables.create_tables, schema.print_schema,
                            version.print_version, make_alias(aws_configuration.configure_aws, "aws-configuration"),
                            make_alias(jira_configuration.configure_jira, "jira-configuration")])
main = partial(run_command, JPI, name="jpi")

if __name__ == "__main__":
    sys.exit(main())
