"""Rows as each version wrote them, every column filled: the store of today reads them, and saves over them."""

import base64
import json
from pathlib import Path

import pytest

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
    assert (link.issue_key, link.issue_id, link.status.on_jira, link.version, link.ended, link.is_open) == (
        "INCIDENT-1", "10127", "acknowledged", int(item["version"]["N"]), False, True)
    assert links.find_incident_id("INCIDENT-1") == link.incident_id
    assert (len(link.history) > 5, all([link.status.agreed, link.watermarks, link.leases, link.backlog.pending,
                                        link.backlog.issue_links, link.backlog.attempts, link.failures, link.fields,
                                        link.mirrors, link.summary])) == (True, True)
    saved = links.save(link)
    assert (saved.version, links.get(link.incident_id)) == (link.version + 1, saved)


def test_the_rows_of_all_versions_are_read_as_the_same_link(make_rows):
    rows = make_rows("dynalite")[0]
    links = []
    for path in ROWS:
        rows._get_connection().connection.client.put_item(TableName=rows.Meta.table_name, Item=item_of(path))
        links.append(Links(rows).get("Q5L4L70OJA5B38"))
    assert links == links[:1] * len(ROWS)
