"""Prism as a proxy before the recorded answers: it holds calls and answers against a vendor's OpenAPI file."""

import json
import re
import socket
import subprocess
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from sandbox.simulated_service import RecordedCall
from tests.contracts import FILES
from tests.deliveries import SHARED_FOLDER

PRISM = Path("node_modules/.bin/prism").absolute()
VIOLATION = r'"location":\[(.*?)\].*?"message":("(?:[^"\\]|\\.)*")'
LOCATION_PART = r'[^",]+'
# Of the transport, not of the call.
OWN_HEADERS = ("host", "content-length", "connection", "accept-encoding")


class PrismProxy:
    """A running proxy for one vendor's file; `stop` it."""

    def __init__(self, service: str) -> None:
        self._answer: RecordedCall | None = None
        self._upstream = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        threading.Thread(target=self._upstream.serve_forever, daemon=True).start()
        with socket.create_server(("127.0.0.1", 0)) as free_port:
            self._port = free_port.getsockname()[1]
        self._process = subprocess.Popen(
            [PRISM, "proxy", SHARED_FOLDER / "contracts" / FILES[service],
             f"http://127.0.0.1:{self._upstream.server_port}", "--port", str(self._port)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def list_violations(self, calls: Sequence[RecordedCall]) -> list[list[str]]:
        """Return what Prism says of each call and its answer."""
        output = self._process.stdout
        if output is None or not any("Prism is listening" in line for line in output):
            raise AssertionError("Prism does not start")
        threading.Thread(target=output.read, daemon=True).start()
        return [self._list_call_violations(call) for call in calls]

    def stop(self) -> None:
        """Stop the proxy and what stands behind it."""
        self._process.terminate()
        self._process.wait()
        self._upstream.shutdown()
        self._upstream.server_close()

    def _list_call_violations(self, call: RecordedCall) -> list[str]:
        self._answer = call
        headers = {name: value for name, value in call.headers.items() if name.lower() not in OWN_HEADERS}
        answer = requests.request(call.method, f"http://127.0.0.1:{self._port}{call.path}?{call.query_string}",
                                  data=call.raw_body, headers=headers, timeout=30)
        if "sl-violations" not in answer.headers and answer.status_code != call.status:
            return [f"answered {answer.status_code}: {answer.text[:200]}"]
        # Where there are too many for a header, Prism breaks the JSON off.
        return [f"{'/'.join(re.findall(LOCATION_PART, location))}: {json.loads(message)}"
                for location, message in re.findall(VIOLATION, answer.headers.get("sl-violations", ""))]

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class RecordedAnswers(BaseHTTPRequestHandler):
            """Answers every request with the recorded answer to the current call."""

            def do_GET(self) -> None:
                """Answer."""
                call = proxy._answer
                assert call is not None
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(call.status)
                if call.raw_answer:
                    self.send_header("Content-Type", "application/json")
                if call.status != 204:
                    self.send_header("Content-Length", str(len(call.raw_answer)))
                self.end_headers()
                self.wfile.write(call.raw_answer)

            do_POST = do_PUT = do_DELETE = do_GET

            def log_message(self, *arguments: Any) -> None:
                """Be silent."""

        return RecordedAnswers
