"""The command `jpi create-tables`."""

import sys
from functools import partial

import click
from pynamodb.models import Model

from jpi import settings, wiring
from jpi.errors import SettingsError
from jpi.store.models import translate_dynamodb_errors
from jpi.tools.command_runner import run_command


def create_table(model: type[Model]) -> bool:
    """Create the table of this model; return False if it exists already."""
    if model.exists():
        return False
    model.create_table(wait=True)
    return True


@click.command("create-tables")
def create_tables() -> None:
    """Create the DynamoDB tables of an offline jpi.

    It needs IS_OFFLINE=True, and leaves existing tables alone. `sls deploy` creates the tables of a deployed jpi.
    """
    loaded_settings = settings.load(resolve_secrets=False)
    if not loaded_settings.is_offline:
        raise SettingsError("IS_OFFLINE is not set: `sls deploy` creates the tables of a deployed jpi.")
    tables = wiring.bind_tables(loaded_settings)
    with translate_dynamodb_errors(f"DynamoDB at DATABASE_ENDPOINT_URL ({loaded_settings.database_endpoint_url})"):
        for model in (tables.links, tables.processed_ids, tables.config):
            print(f"{model.Meta.table_name}: {'created' if create_table(model) else 'exists already'}")


main = partial(run_command, create_tables)

if __name__ == "__main__":
    sys.exit(main())
