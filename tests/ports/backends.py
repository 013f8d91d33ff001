"""What the stores are kept in: memory, or tables in a DynamoDB; each can be looked into, recorded and broken."""

from contextlib import contextmanager
from unittest.mock import patch

from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

from jpi.wiring import Tables, build_dynamodb_stores
from sandbox.aws.memory_rows import MemoryTables
from sandbox.aws.memory_stores import make_memory_stores
from sandbox.call_interception import WireFault

NOW = 1_795_143_600.0


class Moment:
    """A clock that stands still until it is moved on."""

    def __init__(self):
        self.now = NOW
        self.pauses = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


class Backend:
    """Calls that go out are in `calls`; the next `losses` answers to an operation get lost, after their effect."""

    def __init__(self):
        self.clock, self.calls, self.losses = Moment(), [], {}

    def _loses(self, name):
        operation = name.partition(".")[2]
        left = self.losses.get(operation, 0)
        self.losses[operation] = max(0, left - 1)
        return left > 0


class Memory(Backend):
    def __init__(self):
        super().__init__()
        self.state = MemoryTables(self.clock)
        self.stores = make_memory_stores(self.state, self._carry, self.clock.sleep)

    @contextmanager
    def recording(self):
        """The names of all calls made in it."""
        self.calls = []
        yield self.calls

    def _carry(self, name, call):
        self.calls.append(name)
        answer = call()
        if self._loses(name):
            raise WireFault("the answer was lost")
        return answer

    def expiry(self, table, key):
        return self.state.get(table, key).get("expires_at")

    def drop_table(self, table):
        del self.state.rows[table]


class DynamoDB(Backend):
    def __init__(self, rows):
        super().__init__()
        self.rows = dict(zip(("incidents", "log-entries", "config"), rows, strict=True))
        self.stores = build_dynamodb_stores(Tables(*rows), self.clock)

    @contextmanager
    def recording(self):
        """The names of all calls made in it."""
        self.calls, send = [], URLLib3Session.send

        def record(session, request):
            name = request.headers["X-Amz-Target"].decode()
            self.calls.append(name)
            answer = send(session, request)
            if self._loses(name):
                raise ConnectionClosedError(endpoint_url=request.url)
            return answer

        with patch.object(URLLib3Session, "send", record):
            yield self.calls

    def expiry(self, table, key):
        expires = self.rows[table].get(key).expires_at
        return expires and int(expires.timestamp())

    def drop_table(self, table):
        self.rows[table].delete_table()
