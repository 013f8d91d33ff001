"""Rows as each version wrote them, every column filled: the store of today reads them, and saves over them."""

import base64
import json
from pathlib import Path

import pytest

from jpi.domain.link import Link
from jpi.domain.link_parts import FieldName
from jpi.domain.model import Side
from jpi.store.links import Links

INCIDENT_ID = "Q5L4L70OJA5B38"
NEW = Link(INCIDENT_ID)
ROWS = sorted(Path(__file__).parent.joinpath("rows").glob("link-*.json"))


def item_of(path):
    """The row as DynamoDB holds it."""
    recorded = json.loads(path.read_text())
    return {name: {"B": base64.b64decode(value["B"])} if "B" in value else value for name, value in recorded.items()}


def store_row(rows, item):
    """Put the row into its table; return the links of that."""
    rows._get_connection().connection.client.put_item(TableName=rows.Meta.table_name, Item=item)
    return Links(rows)


@pytest.mark.parametrize("path", ROWS, ids=lambda path: path.stem)
@pytest.mark.parametrize("name", ["moto", "dynalite"])
def test_a_row_that_an_earlier_version_wrote_is_read(make_rows, path, name):
    item = item_of(path)
    links = store_row(make_rows(name)[0], item)
    link = links.get(INCIDENT_ID)
    assert (link.issue_key, link.issue_id, link.status.on_jira, link.version, link.ended, link.is_open) == (
        "INCIDENT-1", "10127", "acknowledged", int(item["version"]["N"]), False, True)
    assert links.find_incident_id("INCIDENT-1") == link.incident_id
    assert (len(link.history) > 5, all([link.status.agreed, link.watermarks, link.leases, link.backlog.pending,
                                        link.backlog.issue_links, link.backlog.refused_steps, link.failures,
                                        link.fields, link.mirrors, link.summary])) == (True, True)
    saved = links.save(link)
    assert (saved.version, links.get(link.incident_id)) == (link.version + 1, saved)


def test_the_rows_of_all_versions_are_read_as_the_same_link(make_rows):
    rows = make_rows("dynalite")[0]
    links = [store_row(rows, item_of(path)).get(INCIDENT_ID) for path in ROWS]
    assert links == links[:1] * len(ROWS)


@pytest.mark.parametrize("name", ["moto", "dynalite"])
def test_a_row_from_before_a_column_was_added_is_read(make_rows, name):
    added_later = ("talk", "fields", "about", "history", "ended")
    item = {column: value for column, value in item_of(ROWS[-1]).items() if column not in added_later}
    link = store_row(make_rows(name)[0], item).get(INCIDENT_ID)
    assert (link.mirrors, link.summary, link.history, link.ended) == ({}, NEW.summary, (), False)
    assert all(link.fields[name].on(side).value is None for name in FieldName for side in Side)
