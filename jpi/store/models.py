"""Defines the three DynamoDB tables, through PynamoDB."""

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from pynamodb.attributes import (
    Attribute,
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    VersionAttribute,
)
from pynamodb.constants import BINARY, PAY_PER_REQUEST_BILLING_MODE
from pynamodb.exceptions import PynamoDBException
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection, KeysOnlyProjection
from pynamodb.models import Model

from jpi.aws import Location
from jpi.errors import AwsOutage, LostRace

M = TypeVar("M", bound=Model)

# sls/resources/tables.yml has the same names.
ISSUE_INDEX = "issue-key-index"
OPEN_INDEX = "open-index"
STATE_INDEX = "state-index"


class IssueIndex(GlobalSecondaryIndex["LinkRow"]):  # type: ignore[no-untyped-call]
    """Finds the incident of an issue key."""

    class Meta:  # noqa: D106
        index_name = ISSUE_INDEX
        projection = KeysOnlyProjection()

    issue_key = UnicodeAttribute(hash_key=True)


class OpenIndex(GlobalSecondaryIndex["LinkRow"]):  # type: ignore[no-untyped-call]
    """Holds the links that the poll still has to check."""

    class Meta:  # noqa: D106
        index_name = OPEN_INDEX
        projection = KeysOnlyProjection()

    open = UnicodeAttribute(hash_key=True)


class PackedAttribute(Attribute[Any]):
    """JSON, compressed, because each write of a row is paid for by the kilobyte."""

    attr_type = BINARY

    def serialize(self, value: Any) -> bytes:
        """Return the value as compressed JSON."""
        return zlib.compress(json.dumps(value, separators=(",", ":")).encode())

    def deserialize(self, value: bytes) -> Any:
        """Return the value of compressed JSON."""
        return json.loads(zlib.decompress(value))


class StateIndex(GlobalSecondaryIndex["LinkRow"]):  # type: ignore[no-untyped-call]
    """Holds the links of each state by the start of their incident, with the columns of the list."""

    class Meta:  # noqa: D106
        index_name = STATE_INDEX
        projection = IncludeProjection(["card"])

    state = UnicodeAttribute(hash_key=True)
    began = UnicodeAttribute(range_key=True)
    card = JSONAttribute()


class LinkRow(Model):
    """One incident and its issue."""

    incident_id = UnicodeAttribute(hash_key=True)
    row_format = NumberAttribute(null=True)
    version = VersionAttribute()
    issue_key = UnicodeAttribute(null=True)
    issue_id = UnicodeAttribute(null=True)
    issue_status = UnicodeAttribute(null=True)
    open = UnicodeAttribute(null=True)
    agreed = JSONAttribute()
    seen = JSONAttribute()
    responders = JSONAttribute(null=True)
    holds = JSONAttribute()
    todo = JSONAttribute()
    failed = JSONAttribute()
    fields = JSONAttribute()
    talk = JSONAttribute()
    ended = BooleanAttribute(default=False)
    missing = JSONAttribute(null=True)
    about = JSONAttribute(null=True)
    history = PackedAttribute(null=True)
    writes = JSONAttribute(null=True)
    state = UnicodeAttribute(null=True)
    began = UnicodeAttribute(null=True)
    card = JSONAttribute(null=True)
    saved_by = UnicodeAttribute()
    issue_index = IssueIndex()
    open_index = OpenIndex()
    state_index = StateIndex()


class ProcessedIdRow(Model):
    """The id of something that was carried over."""

    id = UnicodeAttribute(hash_key=True)
    expires_at = TTLAttribute()


class ConfigRow(Model):
    """A named value, or metric counts, which are columns of their own."""

    name = UnicodeAttribute(hash_key=True)
    version = VersionAttribute()
    value = JSONAttribute()
    expires_at = TTLAttribute(null=True)


@contextmanager
def translate_dynamodb_errors(operation: str) -> Iterator[None]:
    """Raise LostRace where a condition did not hold, and AwsOutage for every other error of PynamoDB."""
    try:
        yield
    except PynamoDBException as error:
        if _get_error_code(error) == "ConditionalCheckFailedException":
            raise LostRace(f"{operation}: somebody else was first") from error
        raise AwsOutage(f"{operation}: {error.msg}") from error


def _get_error_code(error: PynamoDBException) -> str:
    # PynamoDB's own property fails if botocore got no answer, as after a time-out.
    answer = getattr(error.cause, "response", None) or {}
    return str(answer.get("Error", {}).get("Code"))


def to_version_argument(version: int | None) -> dict[str, Any]:
    """Return the version to save over as an argument of a row; no argument for a new row."""
    return {"version": version} if version else {}


class TableStore(Generic[M]):
    """A store that keeps its rows in one table."""

    def __init__(self, row_model: type[M]) -> None:
        self._row_model = row_model

    @property
    def table_name(self) -> str:
        """Return the table's name."""
        return str(self._row_model.Meta.table_name)

    def has_table(self) -> bool:
        """True if the table exists."""
        return self._row_model.exists()


def bind_model(model: type[M], table: str, location: Location) -> type[M]:
    """Return a subclass of the model for this table; PynamoDB keeps the table in the class."""
    keys = {"aws_access_key_id": "offline", "aws_secret_access_key": "offline"} if location.is_offline else {}
    meta = {"table_name": table, "region": location.region, "host": location.endpoint_url or None, **keys,
            "billing_mode": PAY_PER_REQUEST_BILLING_MODE, "connect_timeout_seconds": 1,
            "read_timeout_seconds": 2, "max_retry_attempts": 2}
    return type(model.__name__, (model,), {"Meta": type("Meta", (), meta)})
