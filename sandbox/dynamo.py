"""DynamoDB, embedded."""

from moto.server import ThreadedMotoServer


class Dynamo:
    """DynamoDB as moto simulates it, in this process, on loopback."""

    def __init__(self, port: int = 0) -> None:
        self._server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
        self._server.start()
        host, there = self._server.get_host_and_port()
        self.url = f"http://{host}:{there}"

    def stop(self) -> None:
        """Stop it; what it held is gone."""
        self._server.stop()
