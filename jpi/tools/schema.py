"""The command `jpi schema`."""

import sys
from functools import partial
from pathlib import Path

import click

from jpi.tools.command_runner import run_command

SCHEMA_FILE = Path(__file__).parents[2] / "etc/sync.schema.json"


@click.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of the sync file, for editors.

    An editor that knows TOML schemas completes and checks the file if its first line is `#:schema ./sync.schema.json`.

    \b
    Example:
      jpi schema > etc/sync.schema.json
    """
    click.echo(SCHEMA_FILE.read_text(encoding="utf-8"), nl=False)


main = partial(run_command, print_schema)

if __name__ == "__main__":
    sys.exit(main())
