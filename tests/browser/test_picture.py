"""The README's picture is of the page as it is now: where it is not, it is taken anew here, and is to be committed."""

import pytest
from playwright.sync_api import expect

from sandbox.demo_steps import make_steps
from tests.browser.clicking import CLICKS, agree, shows
from tests.browser.picture import PICTURES, ROOT, digest, keep, taken_of

HEIGHT = 900
LARGEST = 250_000


@pytest.mark.parametrize("dark", PICTURES)
def test_the_readmes_picture_is_of_the_page_as_it_is(request, dark):
    file = PICTURES[dark]
    if taken_of(file) != digest():
        take(request.getfixturevalue("running"), request.getfixturevalue("page_at"), dark)
        pytest.fail(f"{file.relative_to(ROOT)} was of an older page and has been taken anew: look at it and commit it")
    assert file.stat().st_size < LARGEST
    assert f"docs/{file.name}" in (ROOT / "README.md").read_text()


def take(running, page_at, dark):
    """At the story's third step."""
    running.schedule.interval_seconds = 60.0
    page = page_at(1280, dark)
    page.set_viewport_size({"width": 1280, "height": HEIGHT})
    page.goto(running.url)
    for click, step in zip(CLICKS[:3], make_steps(running.world), strict=False):
        click(page)
        shows(page, step.expected_rows)
    agree(page)
    expect(page.locator("#log .agree").last).to_be_visible()
    page.mouse.move(0, 0)
    keep(PICTURES[dark], page.screenshot())


def test_the_digest_is_kept_and_found_again(tmp_path):
    there = tmp_path / "there.png"
    keep(there, PICTURES[False].read_bytes())
    assert taken_of(there) == digest()
    assert taken_of(tmp_path / "none.png") is None
