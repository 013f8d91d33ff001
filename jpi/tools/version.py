"""The command `jpi version`."""

import platform
import sys
from functools import partial

import click

import jpi
from jpi.env_files import DEFAULT_STAGE, get_variable
from jpi.tools.command_runner import run_command


@click.command("version")
def print_version() -> None:
    """Print the versions of jpi and Python, and the stage."""
    print(f"jpi {jpi.__version__}, Python {platform.python_version()}, stage {get_variable('STAGE') or DEFAULT_STAGE}")


main = partial(run_command, print_version)

if __name__ == "__main__":
    sys.exit(main())
