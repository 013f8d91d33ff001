"""What an attacker can cost is held to its limits by the bench, which fails above them."""

import pytest

from sandbox.bench import __main__ as bench
from sandbox.bench import attack


@pytest.mark.parametrize(("seconds", "mebibytes", "excess"), [
    (0.2, 256, ""), (0.201, 256, "201 ms"), (0.2, 257, "257 MiB")])
def test_the_attack_fails_over_its_limits(monkeypatch, seconds, mebibytes, excess):
    monkeypatch.setattr(attack, "print_forged_deliveries", lambda: seconds)
    monkeypatch.setattr(attack, "print_comments", lambda: None)
    monkeypatch.setattr(attack, "print_largest_delivery", lambda: mebibytes)
    if not excess:
        bench.main(["attack"])
        return
    # A text makes the process print it and end with the status 1.
    with pytest.raises(SystemExit, match=excess):
        bench.main(["attack"])
