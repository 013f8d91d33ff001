"""How many files of jpi an event walks through: what a reader has to open who follows it."""

import sys
from pathlib import Path

import pytest

import jpi

ROOT = Path(jpi.__file__).parent
# Webhook to answer in a warm process, the stores in memory.
MOST_FILES = {"a P1 triggered": 55, "an issue moved to done": 43}


def list_files_entered(act):
    """Return the files of jpi in which a function ran while `act` did."""
    files = set()

    def note_file(frame, event, _):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(str(ROOT)) and code.co_name != "<module>":
            files.add(str(Path(code.co_filename).relative_to(ROOT)))

    before = sys.getprofile()
    sys.setprofile(note_file)
    try:
        act()
    finally:
        sys.setprofile(before)
    return sorted(files)


@pytest.mark.parametrize("name", MOST_FILES)
def test_an_event_walks_through_few_files(linked, name):
    world, _, issue = linked
    if name == "a P1 triggered":
        world.pagerduty.trigger_incident(world.service, "Search is down", world.rita, "P1", "Nobody finds anything.")
        files = list_files_entered(world.pagerduty.outbox.deliver_due)
    else:
        world.move_issue(issue, "done")
        files = list_files_entered(world.jira.outbox.deliver_due)
    print(f"\n{name}: {len(files)} files", *files, sep="\n  ")
    assert len(files) <= MOST_FILES[name]
