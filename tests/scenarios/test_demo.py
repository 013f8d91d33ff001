"""What a newcomer runs: the demo's story, and the sandbox that stays up."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
import requests

from jpi import wiring
from sandbox import demo
from sandbox.demo_steps import make_steps
from sandbox.seed import JIM_LOGIN


@pytest.fixture
def played(monkeypatch):
    """The demo changes this process's environment and its jpi: put both back."""
    environ = dict(os.environ)
    wiring.use_app(None)
    yield
    wiring.use_app(None)
    os.environ.clear()
    os.environ.update(environ)


def test_the_demo_plays_the_whole_story(played, capsys):
    assert demo.main() == 0
    said = capsys.readouterr().out
    assert said.count("as expected\n") == 5
    assert "All steps went as expected" in said
    assert len(re.findall(r"-> 20\d, \d+ ms", said)) > 10


def test_the_demo_names_the_step_that_fails(played, capsys, monkeypatch):
    wrong = [("Checkout is down", "P1", "triggered", "none", "", "", "")]
    monkeypatch.setattr(
        demo, "make_steps", lambda world: [replace(make_steps(world)[0], expected_rows=wrong), *make_steps(world)[1:]]
    )
    assert demo.main() == 1
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == 'FAILED at: Rita triggers "Checkout is down" with P1 on PagerDuty'
    assert "2. " not in said


@pytest.fixture
def stay():
    """`stay(*arguments)`: the sandbox in a process of its own, ended in any case, after four minutes at the latest."""
    started = []

    def start(*arguments):
        process = subprocess.Popen([sys.executable, "-u", "-m", "sandbox.live_sandbox", *arguments], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        watchdog = threading.Timer(240, process.kill)
        watchdog.start()
        started.append((process, watchdog))
        return process

    yield start
    for process, watchdog in started:
        watchdog.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


def until(process, pattern):
    """Everything the process said up to the line that matches."""
    said = ""
    for line in process.stdout:
        said += line
        if re.search(pattern, line):
            return said
    raise AssertionError(said)


def test_the_sandbox_stays_up_delivers_webhooks_and_polls_until_it_is_stopped(stay):
    process = stay("--every", "1", "--ports", "0", "0", "0", "0")
    said = until(process, "Press Ctrl-C to stop everything")
    addresses = dict(re.findall(r"^(jpi|PagerDuty|Jira) +(http://127\.0\.0\.1:\d+)", said, re.MULTILINE))
    page = re.search(r"Open (http://127\.0\.0\.1:\d+) in a browser", said.splitlines()[1])[1]
    assert "jpi sandbox" in requests.get(page, timeout=5).text
    assert requests.get(f"{addresses['jpi']}/health", timeout=5).json()["ok"] is True
    [page, password] = re.findall(r"^Its page +(\S+) +password: (\S+)$", said, re.MULTILINE)[0]
    signed_in = requests.post(f"{page}/sign-in", data={"password": password}, timeout=5)
    assert (signed_in.status_code, "Last poll" in signed_in.text) == (200, True)
    # The curl line that it prints, word for word.
    curl = said[said.index("  curl -s") : said.index("See the issues")].strip()
    made = subprocess.run(["bash", "-c", curl], capture_output=True, text=True, check=True).stdout
    assert '"incident"' in made, made
    # Webhook or poll, whichever is first.
    until(process, r'"issue":"INCIDENT-1".*AddTimeline|AddTimeline.*"issue":"INCIDENT-1"')
    until(process, '"again":0')
    found = requests.get(f"{addresses['Jira']}/rest/api/3/issue/INCIDENT-1", auth=JIM_LOGIN, timeout=5).json()["fields"]
    assert found["summary"] == "Checkout is down"
    assert {link["type"]["name"] for link in found["issuelinks"]} >= {"Question", "Timeline"}
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate()
    assert rest.splitlines()[-1] == "Stopped."
    assert process.returncode == 0


def test_a_port_in_use_is_said_and_ends_it(stay):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        process = stay("--ports", "0", "0", "0", port)
        said, _ = process.communicate()
    assert port in said
    assert "Traceback" not in said
    assert process.returncode == 1


def test_a_demo_that_is_interrupted_says_so_in_a_word(monkeypatch, capsys):
    def press_ctrl_c():
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "play_all_steps", press_ctrl_c)
    assert demo.main() == demo.INTERRUPTED_EXIT_CODE == 130
    assert capsys.readouterr().out == "\nStopped.\n"
