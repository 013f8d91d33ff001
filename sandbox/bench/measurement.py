"""What the benchmarks share: a world with a fresh jpi in it, and a record of the requests to AWS."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

from jpi import wiring
from sandbox.clock import RunningClock
from sandbox.hosts import AwsServer, LoopbackHost
from sandbox.world import World

READ_OPERATIONS = ("GetItem", "BatchGetItem", "Query", "Scan")
WRITE_OPERATIONS = ("PutItem", "BatchWriteItem", "UpdateItem")
SQS_OPERATIONS = ("SendMessageBatch", "ChangeMessageVisibilityBatch", "GetQueueUrl")


@dataclass
class AwsRequests:
    """jpi's requests to DynamoDB and SQS, in order; `items`: how many items DynamoDB looked at for them."""

    operations: list[str] = field(default_factory=list)
    items: int = 0

    @property
    def reads(self) -> int:
        """Return how many requests read from DynamoDB."""
        return sum(operation in READ_OPERATIONS for operation in self.operations)

    @property
    def writes(self) -> int:
        """Return how many requests write to DynamoDB."""
        return sum(operation in WRITE_OPERATIONS for operation in self.operations)

    @property
    def sqs_requests(self) -> int:
        """Return how many requests went to SQS."""
        return sum(operation in SQS_OPERATIONS for operation in self.operations)


@contextmanager
def record_aws_requests() -> Iterator[AwsRequests]:
    """Record the requests to AWS that are made inside."""
    requests, make_api_call = AwsRequests(), BaseClient._make_api_call  # type: ignore[attr-defined]

    def record_api_call(self: BaseClient, operation: str, arguments: dict[str, object]) -> object:
        requests.operations.append(operation)
        answer = make_api_call(self, operation, arguments)
        requests.items += answer.get("ScannedCount", 0) + ("Item" in answer) + sum(
            map(len, answer.get("Responses", {}).values()))
        return answer

    with patch.object(BaseClient, "_make_api_call", record_api_call):
        yield requests


@contextmanager
def open_world(aws: AwsServer, **options: Any) -> Iterator[World]:
    """Run a world on servers of this machine, with a fresh jpi in use."""
    world = World(LoopbackHost(aws), RunningClock(), **{"LOG_LEVEL": "ERROR", **options})
    try:
        install_jpi(world)
        yield world
    finally:
        world.stop()


def install_jpi(world: World) -> wiring.App:
    """Start a fresh jpi, which the handlers use from now on."""
    app = world.start_jpi()
    wiring.use_app(lambda: app)
    return app
