"""DynamoDB, embedded."""

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from sandbox.web import Server


class Dynamo(Server):
    """DynamoDB as moto simulates it, in this process, on loopback; what it held is gone when it stops."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(DomainDispatcherApplication(create_backend_app), port)
