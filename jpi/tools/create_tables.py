"""Create jpi's three DynamoDB tables at the offline endpoint; leave existing ones alone.

Example: IS_OFFLINE=True python -m jpi.tools.create_tables
"""

import argparse
import sys
from collections.abc import Sequence

from pynamodb.exceptions import PynamoDBException
from pynamodb.models import Model

from jpi import settings, wiring
from jpi.errors import SettingsError


def create_table(model: type[Model]) -> bool:
    """Create the table of this model; return False if it exists already."""
    if model.exists():
        return False
    model.create_table(wait=True)
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when all three are there, 1 where they cannot be."""
    parser = argparse.ArgumentParser(prog="python -m jpi.tools.create_tables", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args(arguments)
    try:
        chosen = settings.load(resolve_secrets=False)
        if not chosen.is_offline:
            raise SettingsError("IS_OFFLINE is not set: deployed tables are made by `sls deploy`.")
        there = wiring.bind_tables(chosen)
        for model in (there.links, there.processed_ids, there.config):
            made = create_table(model)
            print(f"{model.Meta.table_name}: {'made' if made else 'there already'}")
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    except PynamoDBException as error:
        print(f"DynamoDB at DATABASE_ENDPOINT_URL ({chosen.database_endpoint_url}): {error.msg}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
