"""Rows as each version wrote them, every column filled: the store of today reads them, and saves over them."""

import base64
import json
from pathlib import Path

import pytest

from jpi.store.link_codec import to_columns
from jpi.store.links import Links

ROWS = sorted(Path(__file__).parent.joinpath("rows").glob("link-*.json"))


def item_of(path):
    """The row as DynamoDB holds it."""
    recorded = json.loads(path.read_text())
    return {name: {"B": base64.b64decode(value["B"])} if "B" in value else value for name, value in recorded.items()}


@pytest.mark.parametrize("path", ROWS, ids=lambda path: path.stem)
@pytest.mark.parametrize("name", ["moto", "dynalite"])
def test_a_row_that_an_earlier_version_wrote_is_read(make_rows, path, name):
    rows, item = make_rows(name)[0], item_of(path)
    rows._get_connection().connection.client.put_item(TableName=rows.Meta.table_name, Item=item)
    links = Links(rows)
    link = links.get("Q5L4L70OJA5B38")
    assert (link.issue_key, link.issue_id, link.issue_status, link.version, link.ended, link.is_open) == (
        "INCIDENT-1", "10127", "acknowledged", int(item["version"]["N"]), False, True)
    assert links.find_incident_id("INCIDENT-1") == link.incident_id
    # Nothing that the row says gets lost on the way, though it may be kept in another form.
    columns = to_columns(link)
    texts = {column: json.loads(value["S"]) for column, value in item.items()
             if "S" in value and value["S"].startswith("{")}
    assert {column: columns[column] for column in texts} == texts
    assert len(columns["history"]) == len(link.history) > 5
    saved = links.save(link)
    assert (saved.version, links.get(link.incident_id)) == (link.version + 1, saved)
