"""Requests within this process reach an application as they do over sockets, and fail as they do there."""

import time

import pytest
import requests
from flask import Flask, Response, jsonify, request

from sandbox.clock import Clock
from sandbox.simulated_service import HttpFault, Server, SimulatedService
from sandbox.wsgi_transport import make_wsgi_session

REQUESTS = {"a query with odd letters": ("GET", "/a%20b/%C3%BC?q=a+b&q=%26&empty=", {}),
            "JSON": ("POST", "/json", {"json": {"text": "Ü 🔥"}}),
            "bytes": ("PUT", "/bytes", {"data": b"\x00\xff", "headers": {"X-Odd": "a, b", "Content-Type": "x/y"}}),
            "a user": ("GET", "/user", {"auth": ("jim@example.com", "token")}), "nothing": ("DELETE", "/nothing", {})}


def echo():
    """A simulation that answers what it was asked."""
    app = Flask("echo")

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "DELETE"])
    @app.route("/<path:path>", methods=["GET", "POST", "PUT", "DELETE"])
    def view(path):
        if path == "nothing":
            return Response(status=204)
        headers = {name: value for name, value in request.headers if name != "Host"}
        return jsonify(method=request.method, path=path, query=request.args.to_dict(flat=False), headers=headers,
                       body=request.get_data().hex(), base=request.host_url.count("http://")), 201, {"X-Made": "yes"}

    clock = Clock()
    return SimulatedService("echo", app, None, clock), clock


@pytest.fixture(params=["in process", "sockets"])
def reach(request):
    """(the simulation, a session, where it is)."""
    simulation, clock = echo()
    if request.param == "in process":
        yield simulation, make_wsgi_session({"http://echo.localhost": simulation}, clock), "http://echo.localhost"
        return
    server = Server(simulation)
    with requests.Session() as session:
        session.trust_env = False
        yield simulation, session, server.url
    server.stop()


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_arrives_as_over_sockets(name):
    method, path, options = REQUESTS[name]
    simulation, clock = echo()
    server = Server(simulation)
    over_sockets = requests.request(method, server.url + path, timeout=5, **options)
    server.stop()
    inside = make_wsgi_session({"http://echo.localhost": simulation}, clock).request(
        method, f"http://echo.localhost{path}", timeout=5, **options)
    assert (inside.status_code, inside.reason, inside.headers.get("X-Made"), inside.encoding) == (
        over_sockets.status_code, over_sockets.reason, over_sockets.headers.get("X-Made"), over_sockets.encoding)
    assert inside.content == over_sockets.content
    first, second = simulation.calls
    assert (first.method, first.path, first.query, first.body, first.token) == (
        second.method, second.path, second.query, second.body, second.token)


def test_a_dropped_connection_is_an_error(reach):
    simulation, session, url = reach
    simulation.choose_fault = lambda call: HttpFault()
    with pytest.raises(requests.ConnectionError):
        session.get(url, timeout=5)
    [call] = simulation.calls
    assert call.status == 0


def test_an_answer_that_comes_too_late_is_a_time_out(reach):
    simulation, session, url = reach
    # On sockets that is waited for really, by the server's thread.
    simulation.latency_seconds, simulation.pass_time = 0.4, simulation.pass_time if "localhost" in url else time.sleep
    with pytest.raises(requests.ReadTimeout):
        session.get(url, timeout=(1.0, 0.1))
    assert session.get(url, timeout=(1.0, 5.0)).status_code == 201


def test_where_nobody_listens_nobody_answers():
    simulation, clock = echo()
    with pytest.raises(requests.ConnectionError, match="Connection refused"):
        make_wsgi_session({"http://echo.localhost": simulation}, clock).get("http://other.localhost/", timeout=5)
