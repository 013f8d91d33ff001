"""The command `jpi check`."""

import sys
from functools import partial

import click

from jpi import settings, wiring
from jpi.tools.command_runner import run_command


@click.command("check")
def check_settings() -> None:
    """Check the settings and the files they name.

    It calls nobody. `sls deploy` runs it before it packages anything. `jpi doctor` also asks both services and AWS.
    """
    loaded_settings = settings.load(resolve_secrets=False)
    wiring.load_policy(loaded_settings)
    print(f"The settings of the stage '{loaded_settings.stage}', the sync file and the questions file are correct.")


main = partial(run_command, check_settings)

if __name__ == "__main__":
    sys.exit(main())
