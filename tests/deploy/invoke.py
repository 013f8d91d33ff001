"""Run by a bare interpreter in the artefact's folder, as Lambda would: `invoke.py <handler>`, the event on stdin."""

import importlib
import json
import sys


class Context:
    """What a function may ask of Lambda."""

    function_name = "jpi"
    aws_request_id = "1"

    def get_remaining_time_in_millis(self):
        return 29_000


module, _, function = sys.argv[1].rpartition(".")
answer = getattr(importlib.import_module(module), function)(json.load(sys.stdin), Context())
print("ANSWER", json.dumps(answer))
